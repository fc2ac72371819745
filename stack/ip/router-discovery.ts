import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { randomBelow } from '../random.ts';
import { after, type Duration, earlier, type Instant, NEVER } from '../time.ts';
import { formatAddress, type IPv6Address, isMulticast, sameAddress, sameSubnet } from '../wire/address.ts';
import {
  parseAdvertisement,
  type PrefixInformation,
  type RouterAdvertisement,
} from '../wire/router-discovery.ts';
import { until } from './autoconfiguration.ts';

/** A router that packets to other networks may be given to. */
export interface DefaultRouter {
  readonly address: IPv6Address;
  readonly preference: RouterAdvertisement['preference'];
}

/** A prefix whose addresses are neighbours. */
export interface OnLinkPrefix {
  readonly prefix: IPv6Address;
  readonly prefixLength: number;
}

/** What router discovery needs of its interface, and whom it tells. */
export interface RouterDiscoveryLink {
  /** Sends a router solicitation to all routers. */
  solicit(): void;
  /** An advertisement was accepted, for what is not ours: hop limit, MTU, the router's Ethernet address, autoconfiguration. */
  advertised(advertisement: RouterAdvertisement, router: IPv6Address): void;
  /** All default routers there are now, best first. */
  routersChanged(routers: readonly DefaultRouter[]): void;
  onLinkChanged(prefixes: readonly OnLinkPrefix[]): void;
  /** What RFC 8106 has for the resolver now. */
  namesChanged(servers: readonly IPv6Address[], search: readonly string[]): void;
  /** A sentence for the trace. */
  note(text: string): void;
}

/** Something that a router advertised, and until when it holds. */
interface Entry<T> {
  readonly value: T;
  readonly until: Instant;
}

const RANK: { readonly [preference in RouterAdvertisement['preference']]: number } = {
  high: 0,
  medium: 1,
  low: 2,
};

/** The host's side of router discovery [RFC 4861 6.3], with the DNS options of RFC 8106. */
export class RouterDiscovery {
  readonly #context: HostContext;
  readonly #link: RouterDiscoveryLink;
  readonly #routers: Timed<DefaultRouter>;
  readonly #prefixes: Timed<OnLinkPrefix>;
  readonly #servers: Timed<IPv6Address>;
  readonly #search: Timed<string>;
  #solicitAt: Instant = NEVER;
  /** The wait after the next solicitation; 0: none was sent yet. */
  #interval: Duration = 0 as Duration;

  constructor(context: HostContext, link: RouterDiscoveryLink) {
    this.#context = context;
    this.#link = link;
    this.#routers = new Timed(context, (a, b) => sameAddress(a.address, b.address));
    this.#prefixes = new Timed(
      context,
      (a, b) => a.prefixLength === b.prefixLength && sameSubnet(a.prefix, b.prefix, a.prefixLength),
    );
    this.#servers = new Timed<IPv6Address>(context, sameAddress);
    this.#search = new Timed(context, (a, b) => a.toLowerCase() === b.toLowerCase());
  }

  /** Begins to ask for routers, after a random moment [RFC 4861 6.3.7]. Call it when there is a link-local address. */
  start(): void {
    const { routerSolicitationDelay } = this.#context.settings.configuration;
    const wait = randomBelow(this.#context.random, routerSolicitationDelay + 1);
    this.#interval = 0 as Duration;
    this.#solicitAt = after(this.#context.now, wait as Duration);
  }

  /** Asks no more, and forgets all. */
  stop(): void {
    this.#solicitAt = NEVER;
    for (const each of [this.#routers, this.#prefixes, this.#servers, this.#search]) each.clear();
    this.#announce(true, true, true);
  }

  get routers(): readonly DefaultRouter[] {
    return this.#routers.values.toSorted((a, b) => RANK[a.preference] - RANK[b.preference]);
  }

  get nextDeadline(): Instant {
    let next = this.#solicitAt;
    for (const each of [this.#routers, this.#prefixes, this.#servers, this.#search]) {
      next = earlier(next, each.nextDeadline);
    }
    return next;
  }

  /** Asks again, and forgets what is over at `context.now`. */
  advance(): void {
    if (this.#context.now >= this.#solicitAt) this.#solicit();
    const names = this.#servers.expire();
    const domains = this.#search.expire();
    this.#announce(this.#routers.expire(), this.#prefixes.expire(), names || domains);
  }

  /** An ICMPv6 message of type 134 with a valid checksum; why it is dropped, if it is [RFC 4861 6.1.2]. */
  advertisementArrived(bytes: Uint8Array, source: IPv6Address, hopLimit: number): DropReason | undefined {
    if (hopLimit !== 255 || source.a >>> 22 !== 0xfe80 >>> 6) return 'INVALID_PROTO';
    const advertisement = parseAdvertisement(bytes);
    if (typeof advertisement === 'string') return advertisement;
    const { routerLifetime, preference, prefixes, dnsServers, dnsSearch } = advertisement;
    if (routerLifetime > 0) this.#solicitAt = NEVER; // RFC 7559 2: until a default router answers
    const now = this.#context.now;
    const router = { address: source, preference };
    const routers = this.#routers.set(router, routerLifetime === 0 ? now : until(now, routerLifetime));
    let links = false;
    for (const each of prefixes) links = this.#prefixArrived(each) || links;
    let names = false;
    for (const { lifetime, servers } of dnsServers) {
      for (const each of servers)
        if (!isMulticast(each)) names = this.#servers.set(each, until(now, lifetime)) || names;
    }
    for (const { lifetime, domains } of dnsSearch) {
      for (const each of domains) names = this.#search.set(each, until(now, lifetime)) || names;
    }
    this.#link.advertised(advertisement, source);
    this.#announce(routers, links, names);
    return undefined;
  }

  /** RFC 4861 6.3.4: the L flag counts; a link-local prefix is ignored. */
  #prefixArrived({ prefix, prefixLength, onLink, validLifetime }: PrefixInformation): boolean {
    if (!onLink || prefix.a >>> 22 === 0xfe80 >>> 6) return false;
    return this.#prefixes.set({ prefix, prefixLength }, until(this.#context.now, validLifetime));
  }

  #solicit(): void {
    const { routerSolicitationInterval, routerSolicitationLongest } = this.#context.settings.configuration;
    const doubled = Math.min(this.#interval * 2, routerSolicitationLongest);
    this.#interval = (this.#interval === 0 ? routerSolicitationInterval : doubled) as Duration;
    // RFC 7559 2: a tenth more or less, so that hosts do not ask in step.
    const tenth = Math.floor(this.#interval / 10);
    const jitter = randomBelow(this.#context.random, 2 * tenth + 1) - tenth;
    this.#solicitAt = after(this.#context.now, (this.#interval + jitter) as Duration);
    this.#link.solicit();
  }

  #announce(routers: boolean, prefixes: boolean, names: boolean): void {
    if (routers) {
      const list = this.routers;
      this.#link.note(
        `default routers: ${list.map(({ address }) => formatAddress(address)).join(', ') || 'none'}`,
      );
      this.#link.routersChanged(list);
    }
    if (prefixes) this.#link.onLinkChanged(this.#prefixes.values);
    if (names) this.#link.namesChanged(this.#servers.values, this.#search.values);
  }
}

/** A bounded list of things that routers advertised, each with its end. */
class Timed<T> {
  readonly #context: HostContext;
  readonly #same: (a: T, b: T) => boolean;
  #entries: readonly Entry<T>[] = [];

  constructor(context: HostContext, same: (a: T, b: T) => boolean) {
    this.#context = context;
    this.#same = same;
  }

  get values(): readonly T[] {
    return this.#entries.map(({ value }) => value);
  }

  get nextDeadline(): Instant {
    return this.#entries.reduce((next, entry) => earlier(next, entry.until), NEVER);
  }

  /** Adds, changes, or (if `end` is not in the future) removes it; true if the values are others now. When it is full, nothing is added. */
  set(value: T, end: Instant): boolean {
    const known = this.#entries.find((entry) => this.#same(entry.value, value));
    if (end <= this.#context.now) {
      if (known === undefined) return false;
      this.#entries = this.#entries.filter((entry) => entry !== known);
      return true;
    }
    const added = { value, until: end };
    if (known !== undefined) {
      this.#entries = this.#entries.map((entry) => (entry === known ? added : entry));
      return JSON.stringify(known.value) !== JSON.stringify(value);
    }
    if (this.#entries.length >= this.#context.settings.configuration.routerEntries) return false;
    this.#entries = [...this.#entries, added];
    return true;
  }

  /** Forgets what is over; true if there was any. */
  expire(): boolean {
    const left = this.#entries.filter(({ until: end }) => end > this.#context.now);
    if (left.length === this.#entries.length) return false;
    this.#entries = left;
    return true;
  }

  clear(): void {
    this.#entries = [];
  }
}
