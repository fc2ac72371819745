import type { HostContext } from '../context.ts';
import { after, type Instant } from '../time.ts';
import { formatAddress, type IpAddress, isIPv4 } from '../wire/address.ts';

/** The least link MTU of IPv6, so a path MTU below it cannot be [RFC 8200 5]. */
export const IPV6_MINIMUM_MTU = 1_280;
/** A path MTU below this cannot be either [RFC 791 3.1]. */
const IPV4_MINIMUM_MTU = 68;

interface PathMtu {
  readonly mtu: number;
  readonly validUntil: Instant;
}

/**
 * Path MTUs that are smaller than the link's, by destination [RFC 1191 6.2; RFC 8201 5.2]: bounded, with a floor, and forgotten after a
 * while, since paths change [RFC 1191 6.3; RFC 8201 5.3].
 */
export class PathMtuCache {
  readonly #context: HostContext;
  readonly #note: (text: string) => void;
  /** In the order of their making, so the oldest is first. A string as key: the engine's own hash is seeded. */
  readonly #known: Map<string, PathMtu> = new Map();

  constructor(context: HostContext, note: (text: string) => void = () => {}) {
    this.#context = context;
    this.#note = note;
  }

  /** Destinations in it, with those that are out of date and were not asked for since. */
  get size(): number {
    return this.#known.size;
  }

  /** The largest IP packet in bytes that gets to `destination`, as far as was heard; undefined: the link's MTU is all that is known. */
  get(destination: IpAddress): number | undefined {
    if (this.#known.size === 0) return undefined;
    const key = formatAddress(destination);
    const known = this.#known.get(key);
    if (known === undefined || this.#context.now < known.validUntil) return known?.mtu;
    this.#known.delete(key);
    return undefined;
  }

  /**
   * A router says that `destination` is reached by packets of at most `mtu` bytes. Whether to believe it is the caller's affair. The path MTU is
   * never raised by that and never goes below the floor [RFC 8201 4]. Returns what counts from now on.
   */
  lower(destination: IpAddress, mtu: number): number {
    const { pathMtus, pathMtuTimeout, minPathMtu, minPathMtu6 } = this.#context.settings.ip;
    const floor = isIPv4(destination)
      ? Math.max(IPV4_MINIMUM_MTU, minPathMtu)
      : Math.max(IPV6_MINIMUM_MTU, minPathMtu6);
    const wanted = Math.max(floor, Math.floor(mtu));
    const present = this.get(destination);
    if (present !== undefined && present < wanted) return present;
    const key = formatAddress(destination);
    this.#known.delete(key); // to the end of the order
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < pathMtus) break;
      this.#known.delete(oldest);
    }
    this.#known.set(key, { mtu: wanted, validUntil: after(this.#context.now, pathMtuTimeout) });
    if (present !== wanted) this.#note(`path MTU to ${key}: ${wanted}`);
    return wanted;
  }

  /** The link's MTU counts again for `destination`. */
  forget(destination: IpAddress): void {
    this.#known.delete(formatAddress(destination));
  }
}
