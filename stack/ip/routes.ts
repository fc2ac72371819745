import type { Interface } from '../link/interface.ts';
import type { OwnAddress } from '../link/addresses.ts';
import {
  formatAddress,
  type IpAddress,
  IPv6Address,
  isBroadcast,
  isLoopback,
  isMulticast,
  sameAddress,
  sameSubnet,
} from '../wire/address.ts';
import { isLinkScoped, selectSource } from './source-address.ts';
import type { IpMeta } from './transport.ts';

/** How a destination is reached. */
export interface Route {
  readonly interface: Interface;
  /** Whom the link is to carry the packet to: the gateway, or the destination itself. */
  readonly nextHop: IpAddress;
  /** The address of ours to send from. */
  readonly source: IpAddress;
}

/** One line of the routing table. */
export interface RouteEntry {
  /** Its first `prefixLength` bits count: 0 (everything) to 32 or 128 (one host). */
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly interface: Interface;
  /** Undefined: the destinations are neighbours. */
  readonly gateway?: IpAddress;
  /** The address of ours to send from; by default as `selectSource` finds it. */
  readonly source?: IpAddress;
  /** Of entries with equally long prefixes the one with the lowest counts; 0 by default. */
  readonly metric?: number;
  /** The address of the interface whose subnet this is; such an entry comes and goes with the address. */
  readonly subnetOf?: IpAddress;
}

/** Which entries to remove: all fields that are given have to match. */
export interface RouteFilter {
  readonly gateway?: IpAddress | undefined;
  readonly interface?: Interface;
}

/** The routing table: longest prefix match [RFC 1122 3.3.1.2]. */
export class RouteTable {
  readonly #interfaces: readonly Interface[];
  readonly #note: (text: string) => void;
  #entries: RouteEntry[] = [];
  #cached: { destination: IpAddress; source: IpAddress | undefined; route: Route | undefined } | undefined;
  #version: number = 0;

  /** `interfaces`: the host's, a list that grows. `note` hears of each entry that comes or goes, subnets aside. */
  constructor(interfaces: readonly Interface[], note: (text: string) => void = () => {}) {
    this.#interfaces = interfaces;
    this.#note = note;
  }

  /** Grows with each change of routes or addresses: a route that was found before may be another now. */
  get version(): number {
    return this.#version;
  }

  get entries(): readonly RouteEntry[] {
    return this.#entries;
  }

  /** Of entries that match equally well the one added first is used. */
  add(entry: RouteEntry): void {
    this.#entries.push(entry);
    this.changed();
    if (entry.subnetOf === undefined) this.#note(`route added: ${formatEntry(entry)}`);
  }

  /** Adds the subnets of an interface's own addresses, whose hosts are neighbours. */
  addSubnets(of: Interface): void {
    this.changed(); // also if it has no address yet
    for (const own of of.addresses) this.addSubnet(of, own);
  }

  /** Adds the subnet of one address, if its hosts are neighbours. */
  addSubnet(of: Interface, { address, prefixLength, onLink }: OwnAddress): void {
    this.removeSubnet(of, address);
    if (onLink) this.add({ destination: address, prefixLength, interface: of, subnetOf: address });
  }

  /** Removes the subnet of an address that goes. */
  removeSubnet(of: Interface, address: IpAddress): void {
    this.#remove(
      (entry) =>
        entry.interface === of && entry.subnetOf !== undefined && sameAddress(entry.subnetOf, address),
    );
  }

  /**
   * Removes all entries for this prefix (through this gateway, by this interface, if they are named); returns how many there were.
   */
  remove(destination: IpAddress, prefixLength: number, filter: IpAddress | RouteFilter = {}): number {
    const { gateway, interface: by } = isFilter(filter) ? filter : { gateway: filter, interface: undefined };
    return this.#remove(
      (entry) =>
        entry.prefixLength === prefixLength &&
        sameSubnet(entry.destination, destination, prefixLength) &&
        (by === undefined || entry.interface === by) &&
        (gateway === undefined || (entry.gateway !== undefined && sameAddress(entry.gateway, gateway))),
    );
  }

  /** What was found before counts no more: a route, an address or its state changed. */
  changed(): void {
    this.#cached = undefined;
    this.#version += 1;
  }

  #remove(isOut: (entry: RouteEntry) => boolean): number {
    const out = this.#entries.filter(isOut);
    if (out.length > 0) this.#entries = this.#entries.filter((entry) => !isOut(entry));
    this.changed();
    for (const entry of out)
      if (entry.subnetOf === undefined) this.#note(`route removed: ${formatEntry(entry)}`);
    return out.length;
  }

  /**
   * The way to `destination`, sending from `source` if it is given, by `on` if that is given; undefined if there is none. A link-local IPv6
   * destination on a host with several interfaces needs `source` or `on`, else the first interface that has such addresses is meant.
   */
  find(destination: IpAddress, source?: IpAddress, on?: Interface): Route | undefined {
    if (on !== undefined)
      return this.#findLocal(destination, source) ?? this.#findRemote(destination, source, on);
    const cached = this.#cached;
    if (cached !== undefined && same(cached.source, source) && sameAddress(cached.destination, destination)) {
      return cached.route;
    }
    const route = this.#findLocal(destination, source) ?? this.#findRemote(destination, source, undefined);
    this.#cached = { destination, source, route };
    return route;
  }

  /** The way back to who sent a packet: from the address that it was sent to, and by the link that it came from if addresses mean that link. */
  findBack({
    source,
    destination,
    from,
  }: Pick<IpMeta, 'source' | 'destination' | 'from'>): Route | undefined {
    return this.find(source, destination, isLinkScoped(source) ? from : undefined);
  }

  /** To one of our own addresses: through the interface that has it, from the same address. */
  #findLocal(destination: IpAddress, source: IpAddress | undefined): Route | undefined {
    for (const candidate of this.#interfaces) {
      if (isLoopback(destination) || candidate.isLocal(destination)) {
        return { interface: candidate, nextHop: destination, source: source ?? destination };
      }
    }
    return undefined;
  }

  #findRemote(
    destination: IpAddress,
    source: IpAddress | undefined,
    on: Interface | undefined,
  ): Route | undefined {
    const entry = this.#longestMatch(destination, source, on) ?? this.#anyLink(destination, source, on);
    if (entry === undefined) return undefined;
    const direct = entry.gateway === undefined || isGroup(destination) || isLinkScoped(destination);
    const nextHop = direct ? destination : (entry.gateway ?? destination);
    const from = source ?? entry.source ?? selectSource(entry.interface, destination, nextHop);
    return from === undefined ? undefined : { interface: entry.interface, nextHop, source: from };
  }

  #longestMatch(
    destination: IpAddress,
    source: IpAddress | undefined,
    on: Interface | undefined,
  ): RouteEntry | undefined {
    // A link-local address is on a link, not behind a router [RFC 4291 2.5.6].
    const linkScoped = isLinkScoped(destination);
    let best: RouteEntry | undefined;
    for (const entry of this.#entries) {
      if (on !== undefined && entry.interface !== on) continue;
      if (linkScoped && entry.gateway !== undefined) continue;
      if (!sameSubnet(entry.destination, destination, entry.prefixLength)) continue;
      if (best === undefined || isBetter(entry, best, source)) best = entry;
    }
    return best;
  }

  /** Groups need no route: they are on the link of the source address, or on the first one. So are link-local addresses on a named link. */
  #anyLink(
    destination: IpAddress,
    source: IpAddress | undefined,
    on: Interface | undefined,
  ): RouteEntry | undefined {
    if (!isGroup(destination) && !(on !== undefined && isLinkScoped(destination))) return undefined;
    const owner = this.#interfaces.find((candidate) => source !== undefined && candidate.isLocal(source));
    const chosen = on ?? owner ?? this.#interfaces[0];
    return chosen === undefined ? undefined : { destination, prefixLength: 0, interface: chosen };
  }
}

/** The longer prefix; then the interface that has the source address [RFC 1122 3.3.4.2]; then the lower metric. */
function isBetter(a: RouteEntry, b: RouteEntry, source: IpAddress | undefined): boolean {
  if (a.prefixLength !== b.prefixLength) return a.prefixLength > b.prefixLength;
  const owns = (entry: RouteEntry): boolean => source !== undefined && entry.interface.isLocal(source);
  if (owns(a) !== owns(b)) return owns(a);
  return (a.metric ?? 0) < (b.metric ?? 0);
}

function isFilter(filter: IpAddress | RouteFilter): filter is RouteFilter {
  return typeof filter === 'object' && !(filter instanceof IPv6Address);
}

function isGroup(address: IpAddress): boolean {
  return isBroadcast(address) || isMulticast(address);
}

function same(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameAddress(a, b);
}

function formatEntry({ destination, prefixLength, gateway, interface: by, metric }: RouteEntry): string {
  const via = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  const rank = metric === undefined ? '' : ` metric ${metric}`;
  return `${formatAddress(destination)}/${prefixLength}${via} on ${by.device.name}${rank}`;
}
