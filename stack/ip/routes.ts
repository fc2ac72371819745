import type { Interface } from '../link/interface.ts';
import {
  type IpAddress,
  isBroadcast,
  isIPv4,
  isLoopback,
  isMulticast,
  sameAddress,
  sameSubnet,
} from '../wire/address.ts';

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
  /** The address of ours to send from; by default the interface's own on the next hop's subnet. */
  readonly source?: IpAddress;
}

/** The routing table: longest prefix match [RFC 1122 3.3.1.2]. */
export class RouteTable {
  readonly #interfaces: readonly Interface[];
  #entries: RouteEntry[] = [];
  #cached: { destination: IpAddress; source: IpAddress | undefined; route: Route | undefined } | undefined;

  /** `interfaces`: the host's, a list that grows. */
  constructor(interfaces: readonly Interface[]) {
    this.#interfaces = interfaces;
  }

  get entries(): readonly RouteEntry[] {
    return this.#entries;
  }

  /** Of entries that match equally well the one added first is used. */
  add(entry: RouteEntry): void {
    this.#entries.push(entry);
    this.#cached = undefined;
  }

  /** Adds the subnets of an interface's own addresses, whose hosts are neighbours. */
  addSubnets(of: Interface): void {
    this.#cached = undefined; // also if it has no address yet
    for (const { address, prefixLength } of of.addresses) {
      this.add({ destination: address, prefixLength, interface: of, source: address });
    }
  }

  /** Removes all entries for this prefix (through this gateway, if one is named); returns how many there were. */
  remove(destination: IpAddress, prefixLength: number, gateway?: IpAddress): number {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter(
      (entry) =>
        entry.prefixLength !== prefixLength ||
        !sameSubnet(entry.destination, destination, prefixLength) ||
        (gateway !== undefined && (entry.gateway === undefined || !sameAddress(entry.gateway, gateway))),
    );
    this.#cached = undefined;
    return before - this.#entries.length;
  }

  /** The way to `destination`, sending from `source` if it is given; undefined if there is none. */
  find(destination: IpAddress, source?: IpAddress): Route | undefined {
    const cached = this.#cached;
    if (cached !== undefined && same(cached.source, source) && sameAddress(cached.destination, destination)) {
      return cached.route;
    }
    const route = this.#findLocal(destination, source) ?? this.#findRemote(destination, source);
    this.#cached = { destination, source, route };
    return route;
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

  #findRemote(destination: IpAddress, source: IpAddress | undefined): Route | undefined {
    const entry = this.#longestMatch(destination, source) ?? this.#anyLink(destination, source);
    if (entry === undefined) return undefined;
    const nextHop = entry.gateway !== undefined && !isGroup(destination) ? entry.gateway : destination;
    const from = source ?? entry.source ?? sourceOn(entry.interface, nextHop);
    return from === undefined ? undefined : { interface: entry.interface, nextHop, source: from };
  }

  #longestMatch(destination: IpAddress, source: IpAddress | undefined): RouteEntry | undefined {
    let best: RouteEntry | undefined;
    let bestRank = -1;
    for (const entry of this.#entries) {
      if (!sameSubnet(entry.destination, destination, entry.prefixLength)) continue;
      // Among equally long prefixes the interface that has the source address [RFC 1122 3.3.4.2].
      const owns = source !== undefined && entry.interface.isLocal(source);
      const rank = 2 * entry.prefixLength + (owns ? 1 : 0);
      if (rank > bestRank) {
        best = entry;
        bestRank = rank;
      }
    }
    return best;
  }

  /** Groups need no route: they are on the link of the source address, or on the first one. */
  #anyLink(destination: IpAddress, source: IpAddress | undefined): RouteEntry | undefined {
    if (!isGroup(destination)) return undefined;
    const owner = this.#interfaces.find((candidate) => source !== undefined && candidate.isLocal(source));
    const chosen = owner ?? this.#interfaces[0];
    return chosen === undefined ? undefined : { destination, prefixLength: 0, interface: chosen };
  }
}

function isGroup(address: IpAddress): boolean {
  return isBroadcast(address) || isMulticast(address);
}

function same(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameAddress(a, b);
}

/** The interface's address on the subnet of `nextHop`, or its first one of that version. */
function sourceOn(on: Interface, nextHop: IpAddress): IpAddress | undefined {
  let first: IpAddress | undefined;
  for (const { address, prefixLength } of on.addresses) {
    if (isIPv4(address) !== isIPv4(nextHop)) continue;
    if (sameSubnet(address, nextHop, prefixLength)) return address;
    first ??= address;
  }
  return first;
}
