import type { HostContext } from '../context.ts';
import type { Icmp6, Icmp6Informational } from '../ip/icmp6.ts';
import { Autoconfiguration, type AutoconfiguredAddresses } from '../ip/autoconfiguration.ts';
import { IPV6_MINIMUM_MTU } from '../ip/path-mtu.ts';
import {
  type DefaultRouter,
  type OnLinkPrefix,
  RouterDiscovery,
  type RouterDiscoveryLink,
} from '../ip/router-discovery.ts';
import type { RouteEntry, RouteTable } from '../ip/routes.ts';
import type { AddressChange } from '../link/addresses.ts';
import type { Interface } from '../link/interface.ts';
import { earlier, type Instant, ms } from '../time.ts';
import { IPV6_ANY, IPv6Address, isIPv4, type MacAddress, sameAddress, sameSubnet } from '../wire/address.ts';
import { emitSolicitation, ROUTER_SOLICITATION, type RouterAdvertisement } from '../wire/router-discovery.ts';
import type { NameServers } from './name-servers.ts';

/** What router discovery on an interface uses of its host. */
export interface RouterSurroundings {
  readonly context: HostContext;
  readonly icmp6: Icmp6;
  readonly routes: RouteTable;
  readonly names: NameServers;
  note(text: string): void;
  /** Something is known now that was not, or the other way round. */
  changed(): void;
}

/** ff02::2 */
const ALL_ROUTERS = new IPv6Address(0xff02_0000, 0, 0, 2);
const LINK_LOCAL = new IPv6Address(0xfe80_0000, 0, 0, 0);
/** Not after a day: RFC 4861 6.2.1 has at most an hour for ReachableTime. */
const LONGEST_REACHABLE = 3_600_000;
/** Addresses that are made for one prefix until there is no duplicate [RFC 7217 6: IDGEN_RETRIES = 3]. */
const MOST_TRIES = 4;

/** IPv6 by router advertisements on one Ethernet interface: addresses, default routers, on-link prefixes, DNS servers, MTU, hop limit. */
export class RouterInterface implements RouterDiscoveryLink, AutoconfiguredAddresses {
  readonly #interface: Interface;
  readonly #mac: MacAddress;
  readonly #around: RouterSurroundings;
  readonly #discovery: RouterDiscovery;
  readonly #autoconfiguration: Autoconfiguration;
  #routes: readonly RouteEntry[] = [];
  #onLink: readonly RouteEntry[] = [];
  #stopWatching: (() => void) | undefined;
  #asking: boolean = false;

  constructor(on: Interface, mac: MacAddress, around: RouterSurroundings) {
    this.#interface = on;
    this.#mac = mac;
    this.#around = around;
    this.#discovery = new RouterDiscovery(around.context, this);
    this.#autoconfiguration = new Autoconfiguration(around.context, this);
  }

  /** Default routers, best first. */
  get routers(): readonly DefaultRouter[] {
    return this.#discovery.routers;
  }

  /** The addresses made of prefixes, whatever their state. */
  get addresses(): readonly IPv6Address[] {
    return this.#autoconfiguration.addresses;
  }

  get nextDeadline(): Instant {
    return earlier(this.#discovery.nextDeadline, this.#autoconfiguration.nextDeadline);
  }

  advance(): void {
    this.#discovery.advance();
    this.#autoconfiguration.advance();
  }

  /** Gives the interface a link-local address and asks for routers once it may be used [RFC 4861 6.3.7]. */
  start(): void {
    this.#stopWatching = this.#interface.onAddressChange((change) => this.#addressChanged(change));
    this.#interface.enableIpv6();
    this.#ask();
  }

  /** Forgets what routers said, and takes their addresses away. */
  stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#discovery.stop();
    this.#autoconfiguration.stop();
    this.#interface.parameters.limitMtu('router', undefined);
    this.#interface.parameters.hopLimit = undefined;
    this.#around.names.learn(this, undefined);
  }

  /** An advertisement; why it is dropped is said there. */
  advertisementArrived({
    packet,
    bodyAt,
    meta,
  }: Icmp6Informational): ReturnType<RouterDiscovery['advertisementArrived']> {
    const { source, ttl, fragmented } = meta;
    if (isIPv4(source)) return 'INVALID_PROTO';
    if (fragmented === true) return 'IPV6_BAD_EXTHDR'; // RFC 6980 5
    const message = packet.bytes.subarray(bodyAt - ICMP_HEADER_LENGTH, packet.tail);
    return this.#discovery.advertisementArrived(message, source, ttl);
  }

  // -- what router discovery asks for ----------------------------------------------------------------------------------------

  solicit(): void {
    const source = this.#linkLocal();
    if (source === undefined) return;
    const options = emitSolicitation(source, this.#mac).subarray(ICMP_HEADER_LENGTH);
    const message = { type: 'other', typeNumber: ROUTER_SOLICITATION, code: 0, rest: 0 } as const;
    this.#around.icmp6.send(message, options, ALL_ROUTERS, { source, hopLimit: 255, on: this.#interface });
  }

  advertised(advertisement: RouterAdvertisement, router: IPv6Address): void {
    const { hopLimit, reachableTime, retransTimer, sourceMac, mtu, prefixes } = advertisement;
    const { parameters, ndp, device } = this.#interface;
    if (hopLimit > 0) parameters.hopLimit = hopLimit;
    // RFC 4861 6.3.4: below the minimum or above the device's it is ignored [RFC 2464 3].
    if (mtu !== undefined && mtu >= IPV6_MINIMUM_MTU && mtu <= device.mtu) parameters.limitMtu('router', mtu);
    if (ndp !== undefined) {
      if (reachableTime > 0 && reachableTime <= LONGEST_REACHABLE)
        ndp.neighbours.reachableTime = ms(reachableTime);
      if (retransTimer > 0) ndp.neighbours.retransTimer = ms(retransTimer);
      if (sourceMac !== undefined) ndp.neighbours.heard(router, sourceMac);
    }
    for (const each of prefixes) this.#autoconfiguration.prefixArrived(each);
  }

  routersChanged(routers: readonly DefaultRouter[]): void {
    this.#routes = this.#replace(
      this.#routes,
      routers.map(({ address }, metric) => ({
        destination: IPV6_ANY,
        prefixLength: 0,
        interface: this.#interface,
        gateway: address,
        ...(metric > 0 && { metric }),
      })),
    );
    this.#around.changed();
  }

  onLinkChanged(prefixes: readonly OnLinkPrefix[]): void {
    this.#onLink = this.#replace(
      this.#onLink,
      prefixes.map(({ prefix, prefixLength }) => ({
        destination: prefix,
        prefixLength,
        interface: this.#interface,
      })),
    );
  }

  namesChanged(servers: readonly IPv6Address[], search: readonly string[]): void {
    const nothing = servers.length === 0 && search.length === 0;
    this.#around.names.learn(this, nothing ? undefined : { servers, search, on: this.#interface });
    this.#around.changed();
  }

  note(text: string): void {
    this.#around.note(`${this.#interface.device.name}: ${text}`);
  }

  // -- what autoconfiguration asks for ---------------------------------------------------------------------------------------

  addressFor(prefix: IPv6Address, tries: number): IPv6Address | undefined {
    return tries < MOST_TRIES ? this.#interface.ndp?.addressUnder(prefix, tries) : undefined;
  }

  add(address: IPv6Address, deprecated: boolean): void {
    // Whether the prefix is on the link is said by another flag [RFC 5942 4]. A deprecated one is not tested: nothing new uses it.
    const state = deprecated ? ({ state: 'deprecated' } as const) : {};
    this.#interface.addAddress({ address, prefixLength: 64, onLink: false, ...state });
    this.#around.changed();
  }

  deprecate(address: IPv6Address, deprecated: boolean): void {
    const known = this.#interface.ownAddress(address)?.state;
    if (known === 'tentative' || known === 'duplicated') return;
    this.#interface.setAddressState(address, deprecated ? 'deprecated' : 'preferred');
    this.#around.changed();
  }

  remove(address: IPv6Address): void {
    this.#interface.removeAddress(address);
    this.#around.changed();
  }

  /** Duplicate address detection is through with an address of ours. */
  #addressChanged({ what, address: own }: AddressChange): void {
    if (isIPv4(own.address)) return;
    const isLinkLocal = sameSubnet(own.address, LINK_LOCAL, 10);
    if (isLinkLocal) return this.#ask();
    if (what !== 'state' || !this.#autoconfiguration.has(own.address)) return;
    if (own.state === 'duplicated') this.#autoconfiguration.duplicated(own.address);
    this.#around.changed();
  }

  #ask(): void {
    if (this.#asking || this.#linkLocal() === undefined) return;
    this.#asking = true;
    this.#discovery.start();
    this.#around.changed();
  }

  #linkLocal(): IPv6Address | undefined {
    for (const { address, state } of this.#interface.addresses) {
      if (!isIPv4(address) && state === 'preferred' && sameSubnet(address, LINK_LOCAL, 10)) return address;
    }
    return undefined;
  }

  /** Puts `wanted` in the place of `before`; what stays is not touched. */
  #replace(before: readonly RouteEntry[], wanted: readonly RouteEntry[]): readonly RouteEntry[] {
    const { routes } = this.#around;
    for (const old of before) {
      if (wanted.some((route) => sameRoute(route, old))) continue;
      const { destination, prefixLength, gateway } = old;
      routes.remove(destination, prefixLength, { gateway, interface: this.#interface });
    }
    for (const route of wanted) if (!before.some((old) => sameRoute(old, route))) routes.add(route);
    return wanted;
  }
}

/** Type, code, checksum, and the 4 bytes that differ from type to type. */
const ICMP_HEADER_LENGTH = 8;

function sameRoute(a: RouteEntry, b: RouteEntry): boolean {
  const gateways =
    a.gateway === undefined || b.gateway === undefined
      ? a.gateway === b.gateway
      : sameAddress(a.gateway, b.gateway);
  return (
    gateways &&
    a.prefixLength === b.prefixLength &&
    sameAddress(a.destination, b.destination) &&
    (a.metric ?? 0) === (b.metric ?? 0)
  );
}
