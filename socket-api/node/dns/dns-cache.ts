import { after, type Instant, seconds } from '../../../stack/time.ts';
import type { IpAddress } from '../../../stack/wire/address.ts';
import type { AddressType } from './dns-message.ts';

/** What is known of one name and type: addresses, or that there are none. */
export interface Known {
  readonly addresses: readonly IpAddress[];
  /** The name does not exist at all. */
  readonly noSuchName: boolean;
}

/** Nothing is believed longer than a day, and no "there is none" longer than 15 minutes, whatever the TTL says. */
const LONGEST = 86_400;
const LONGEST_NEGATIVE = 900;

/** Answers, each for its TTL; beyond `limit` the oldest go [RFC 1035 7.4, RFC 2308]. */
export class DnsCache {
  readonly #limit: number;
  readonly #entries: Map<string, { readonly known: Known; readonly until: Instant }> = new Map();

  /** `limit` in entries. */
  constructor(limit: number = 512) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What may still be believed at `now`. */
  get(type: AddressType, name: string, now: Instant): Known | undefined {
    const key = keyOf(type, name);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (now < entry.until) return entry.known;
    this.#entries.delete(key);
    return undefined;
  }

  /** Remembers an answer for `ttl` seconds; 0: not at all. */
  set(type: AddressType, name: string, known: Known, ttl: number, now: Instant): void {
    const longest = known.addresses.length > 0 ? LONGEST : LONGEST_NEGATIVE;
    const key = keyOf(type, name);
    this.#entries.delete(key);
    if (ttl <= 0) return;
    this.#entries.set(key, { known, until: after(now, seconds(Math.min(ttl, longest))) });
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}

function keyOf(type: AddressType, name: string): string {
  return `${type} ${name.toLowerCase()}`;
}
