import { isLinkScoped } from '../ip/source-address.ts';
import type { Interface } from '../link/interface.ts';
import { type IpAddress, sameAddress } from '../wire/address.ts';

/** What one source (a DHCP lease, the routers of a link) says of names. */
export interface LearntNames {
  /** Where it was learnt: a link-local server is on that link. */
  readonly on?: Interface;
  readonly servers: readonly IpAddress[];
  /** Domains that a name without a dot is looked up in. */
  readonly search: readonly string[];
}

const NOTHING: LearntNames = { servers: [], search: [] };

/** A host's DNS servers and search domains: set by hand, or learnt from DHCP and router advertisements. */
export class NameServers {
  readonly #learnt: Map<object, LearntNames> = new Map();
  #byHand: LearntNames = NOTHING;

  /** Servers to ask, best first. Those set by hand are the only ones, if there are any. */
  get servers(): readonly IpAddress[] {
    return this.#byHand.servers.length > 0
      ? this.#byHand.servers
      : this.#union(({ servers }) => servers, sameAddress);
  }

  /** Search domains, best first; by hand as with `servers`. */
  get search(): readonly string[] {
    if (this.#byHand.search.length > 0) return this.#byHand.search;
    return this.#union(
      ({ search }) => search,
      (a, b) => a.toLowerCase() === b.toLowerCase(),
    );
  }

  /** The link that a link-local server is on; undefined: it is for the routes to find. */
  linkOf(server: IpAddress): Interface | undefined {
    if (!isLinkScoped(server)) return undefined;
    for (const { servers, on } of this.#learnt.values()) {
      if (servers.some((other) => sameAddress(other, server))) return on;
    }
    return undefined;
  }

  /** Sets servers and domains by hand; empty lists give the word back to what is learnt. */
  set(names: { readonly servers?: readonly IpAddress[]; readonly search?: readonly string[] }): void {
    this.#byHand = { servers: names.servers ?? [], search: names.search ?? [] };
  }

  /** What `source` says now, in place of what it said before; undefined: nothing any more. */
  learn(source: object, names: LearntNames | undefined): void {
    if (names === undefined) this.#learnt.delete(source);
    else this.#learnt.set(source, names);
  }

  #union<T>(of: (names: LearntNames) => readonly T[], same: (a: T, b: T) => boolean): readonly T[] {
    const all: T[] = [];
    for (const names of this.#learnt.values()) {
      for (const each of of(names)) if (!all.some((other) => same(other, each))) all.push(each);
    }
    return all;
  }
}
