import { SipKey } from '../bytes/siphash.ts';
import { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type Random, randomBelow, randomBytes } from '../random.ts';
import { after, earlier, type Instant, ms, NEVER } from '../time.ts';
import type { DropEvent } from '../trace.ts';
import {
  type IpAddress,
  IPV6_ANY,
  type IPv6Address,
  isIPv4,
  isMulticast,
  isUnspecified,
  type MacAddress,
  sameSubnet,
} from '../wire/address.ts';
import type { IcmpOther } from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import { PROTOCOL_ICMPV6 } from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { HOP_BY_HOP } from '../wire/ipv6-extensions.ts';
import * as mld from '../wire/mld.ts';
import * as ndp from '../wire/ndp.ts';
import { type AddressChange, type AddressList, ALL_NODES, solicitedNode } from './addresses.ts';
import { DuplicateDetection } from './duplicate-detection.ts';
import { eui64Address, LINK_LOCAL_PREFIX, stableAddress } from './interface-identifier.ts';
import { Neighbours6 } from './neighbours6.ts';

/** What neighbour discovery needs of its interface. */
export interface NdpLink {
  readonly mac: MacAddress;
  readonly addresses: AddressList;
  /** Bytes in front of an IP packet. */
  readonly headroom: number;
  /** Sends an IPv6 packet to whom the link knows. */
  sendTo(packet: PacketBuffer, destination: MacAddress): void;
  /** Sends an IPv6 packet to a neighbour or a group. */
  send(packet: PacketBuffer, nextHop: IPv6Address): void;
  drop(layer: DropEvent['layer'], reason: DropReason): void;
  failed(packet: PacketBuffer): void;
  note(text: string): void;
}

/** How link-local addresses are made: `stable` as RFC 7217 has it, or `eui64`, which shows the Ethernet address [RFC 4291 appendix A]. */
export type IdentifierKind = 'stable' | 'eui64';

/** What neighbour discovery has to know of a message beside its contents. */
export interface NdpMeta {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly ttl: number;
  /** It came in fragments. */
  readonly fragmented?: boolean;
}

/** Neighbour discovery messages do not cross routers, which the receiver sees by this [RFC 4861 4]. */
const HOP_LIMIT = 255;
/** How often another link-local address is tried after a duplicate [RFC 7217 6: IDGEN_RETRIES]. */
const IDENTIFIER_RETRIES = 3;
/** Room for the largest message: IPv6 header, hop-by-hop header, ICMPv6 header, 60 records of 20 bytes. */
const ROOM = 1_280;
const MOST_RECORDS = 60;

/**
 * IPv6 on an Ethernet interface: neighbour discovery [RFC 4861], duplicate address detection and the link-local address [RFC 4862], and
 * reports of the groups that we listen to [RFC 3810]. Redirects are ignored, as over IPv4: whoever is on the link could turn traffic
 * away with them [attacks.md B9].
 */
export class NeighbourDiscovery {
  readonly neighbours: Neighbours6;
  readonly #context: HostContext;
  readonly #link: NdpLink;
  readonly #kind: IdentifierKind;
  readonly #detection: DuplicateDetection;
  readonly #key: SipKey;
  #dadCounter: number = 0;
  /** When a query is to be answered. */
  #reportAt: Instant = NEVER;

  constructor(context: HostContext, link: NdpLink, kind: IdentifierKind, secret: Uint8Array | undefined) {
    this.#context = context;
    this.#link = link;
    this.#kind = kind;
    this.#key = new SipKey(secret ?? newSecret(context.random));
    this.neighbours = new Neighbours6(context, {
      solicit: (target, mac) => this.#solicit(target, mac),
      sendHeld: (packet, destination) => link.sendTo(packet, destination),
      drop: (layer, reason) => link.drop(layer, reason),
      failed: (packet) => link.failed(packet),
    });
    this.#detection = new DuplicateDetection(context, {
      probe: (target) => this.#probe(target),
      unique: (address) => link.addresses.setState(address, 'preferred'),
    });
  }

  /** The address of this interface under a /64 prefix, made as its link-local address was; another one for each `dadCounter`. */
  addressUnder(prefix: IPv6Address, dadCounter: number = 0): IPv6Address {
    if (this.#kind === 'eui64') return eui64Address(prefix, this.#link.mac);
    return stableAddress(this.#key, prefix, this.#link.mac, dadCounter);
  }

  /** The link-local address that this interface would give itself [RFC 4862 5.3]. */
  linkLocal(): IPv6Address {
    return this.addressUnder(LINK_LOCAL_PREFIX, this.#dadCounter);
  }

  /** Follows the addresses of the interface. */
  addressChanged({ what, address: own }: AddressChange): void {
    const { address, state } = own;
    if (isIPv4(address)) return;
    this.#detection.end(address);
    if (what === 'removed') return this.#leave(address);
    if (state === 'tentative') this.#detection.begin(address);
    if (what === 'added') this.#report('to-exclude', [solicitedNode(address)]);
  }

  /** A neighbour solicitation or advertisement, or a redirect. */
  messageArrived(message: IcmpOther, packet: PacketBuffer, bodyAt: number, meta: NdpMeta): void {
    if (meta.ttl !== HOP_LIMIT) return this.#link.drop('ndp', 'IPV6_NDISC_HOP_LIMIT');
    if (meta.fragmented === true) return this.#link.drop('ndp', 'IPV6_BAD_EXTHDR'); // RFC 6980 5
    const parsed = ndp.parse(message, packet, bodyAt);
    if (typeof parsed === 'string') return this.#link.drop('ndp', parsed);
    const { source, destination } = meta;
    if (isIPv4(source) || isIPv4(destination)) return;
    if (parsed.type === 'solicitation') this.#solicited(parsed, source, destination);
    else this.#advertised(parsed, destination);
  }

  /** Somebody asks which groups we listen to: the answer leaves after a random part of the delay that the query grants [RFC 3810 6.2]. */
  queryArrived(message: IcmpOther, meta: NdpMeta): void {
    if (meta.ttl !== 1 || isIPv4(meta.source)) return this.#link.drop('ndp', 'INVALID_PROTO');
    const delay = randomBelow(this.#context.random, Math.max(1, mld.responseDelay(message)));
    this.#reportAt = earlier(this.#reportAt, after(this.#context.now, ms(delay)));
  }

  nextDeadline(): Instant {
    const next = earlier(this.neighbours.nextDeadline(), this.#detection.nextDeadline());
    return earlier(next, this.#reportAt);
  }

  advance(): void {
    this.neighbours.advance();
    this.#detection.advance(this.neighbours.retransTimer);
    if (this.#context.now < this.#reportAt) return;
    this.#reportAt = NEVER;
    // Addresses with the same end have one group.
    const groups = new Map(this.#link.addresses.ipv6().map((own) => [own.d & 0xff_ffff, solicitedNode(own)]));
    this.#report('is-exclude', [...groups.values()]);
  }

  /** RFC 4861 7.2.3, RFC 4862 5.4.3. */
  #solicited(message: ndp.NeighbourSolicitation, source: IPv6Address, destination: IPv6Address): void {
    const { target, mac } = message;
    const detecting = isUnspecified(source);
    // RFC 4861 7.1.1
    if (detecting && (mac !== undefined || !destination.equals(solicitedNode(target))))
      return this.#link.drop('ndp', 'INVALID_PROTO');
    const own = this.#link.addresses.find(target);
    if (own === undefined || own.state === 'duplicated') return this.#link.drop('ndp', 'OTHERHOST');
    if (own.state === 'tentative') {
      if (detecting) this.#duplicate(target);
      return;
    }
    if (!detecting && mac !== undefined) this.neighbours.heard(source, mac);
    this.#advertise(target, detecting ? undefined : source);
  }

  /** RFC 4861 7.2.5, RFC 4862 5.4.4. */
  #advertised(message: ndp.NeighbourAdvertisement, destination: IPv6Address): void {
    // RFC 4861 7.1.2
    if (message.solicited && isMulticast(destination)) return this.#link.drop('ndp', 'INVALID_PROTO');
    const own = this.#link.addresses.find(message.target);
    if (own === undefined) return this.neighbours.advertised(message);
    if (own.state === 'tentative') return this.#duplicate(message.target);
    this.#link.drop('ndp', 'INVALID_PROTO');
    if (own.state !== 'duplicated') this.#link.note(`somebody else uses our address ${message.target}`);
  }

  /** RFC 4862 5.4.5; RFC 7217 6: a link-local address of our own making is replaced by another one. */
  #duplicate(address: IPv6Address): void {
    this.#detection.end(address);
    const { addresses } = this.#link;
    const known = addresses.find(address);
    const isLinkLocal = address.equals(this.linkLocal());
    addresses.setState(address, 'duplicated');
    if (!isLinkLocal || known === undefined || this.#kind === 'eui64') return;
    if (this.#dadCounter >= IDENTIFIER_RETRIES) return;
    this.#dadCounter += 1;
    addresses.remove(address);
    addresses.add({ ...known, address: this.linkLocal(), state: 'tentative' });
  }

  /** RFC 4861 7.2.2. */
  #solicit(target: IPv6Address, mac: MacAddress | undefined): void {
    const source = this.#sourceFor(target);
    if (source === undefined) return; // every address of ours is tentative yet
    const message: ndp.NeighbourMessage = { type: 'solicitation', target, mac: this.#link.mac };
    const destination = mac === undefined ? solicitedNode(target) : target;
    this.#send(message, source, destination, mac ?? groupMac(destination));
  }

  /** RFC 4862 5.4.2. */
  #probe(target: IPv6Address): void {
    const group = solicitedNode(target);
    this.#send({ type: 'solicitation', target, mac: undefined }, IPV6_ANY, group, groupMac(group));
  }

  /** RFC 4861 7.2.4; `asker` undefined: somebody detects duplicates. */
  #advertise(target: IPv6Address, asker: IPv6Address | undefined): void {
    const flags = { router: false, solicited: asker !== undefined, override: true };
    const message: ndp.NeighbourMessage = { type: 'advertisement', target, mac: this.#link.mac, ...flags };
    this.#send(message, target, asker ?? ALL_NODES, undefined);
  }

  #send(
    message: ndp.NeighbourMessage,
    source: IPv6Address,
    destination: IPv6Address,
    mac: MacAddress | undefined,
  ): void {
    // Memory of its own: a packet of the arena may be in hand, on its way through `send`.
    const packet = PacketBuffer.allocate(this.#link.headroom + ROOM, this.#link.headroom + ROOM);
    icmpv6.emit(ndp.emitBody(message, packet), packet, source, destination);
    ipv6.emit(headerOf(source, destination, PROTOCOL_ICMPV6, HOP_LIMIT), packet);
    if (mac === undefined) this.#link.send(packet, destination);
    else this.#link.sendTo(packet, mac);
  }

  /** Stops listening to the group of an address, unless another address has the same. */
  #leave(address: IPv6Address): void {
    const group = solicitedNode(address);
    if (!this.#link.addresses.isMember(group)) this.#report('to-include', [group]);
  }

  /** RFC 3810 5.2.13: from the link-local address, or from none as long as it is tentative. */
  #report(record: mld.MldRecord, groups: readonly IPv6Address[]): void {
    if (groups.length === 0) return;
    const packet = PacketBuffer.allocate(this.#link.headroom + ROOM, this.#link.headroom + ROOM);
    const linkLocal = this.#sourceFor(LINK_LOCAL_PREFIX);
    const source =
      linkLocal !== undefined && sameSubnet(linkLocal, LINK_LOCAL_PREFIX, 10) ? linkLocal : IPV6_ANY;
    const destination = mld.ALL_MLD_ROUTERS;
    icmpv6.emit(mld.emitRecords(record, groups.slice(0, MOST_RECORDS), packet), packet, source, destination);
    mld.emitRouterAlert(packet);
    ipv6.emit(headerOf(source, destination, HOP_BY_HOP, 1), packet);
    this.#link.sendTo(packet, groupMac(destination));
  }

  /** Our address to ask for `target` with: one on its subnet, else a link-local one, else any. */
  #sourceFor(target: IPv6Address): IPv6Address | undefined {
    let any: IPv6Address | undefined;
    let linkLocal: IPv6Address | undefined;
    for (const { address, prefixLength, state } of this.#link.addresses.all) {
      if (isIPv4(address) || state === 'tentative' || state === 'duplicated') continue;
      if (sameSubnet(address, target, prefixLength)) return address;
      if (sameSubnet(address, LINK_LOCAL_PREFIX, 10)) linkLocal ??= address;
      any ??= address;
    }
    return linkLocal ?? any;
  }
}

/** The Ethernet group of an IPv6 group: 33:33 and its last 32 bits [RFC 2464 7]. */
export function groupMac(group: IPv6Address): MacAddress {
  return (0x3333_0000_0000 + group.d) as MacAddress;
}

function headerOf(
  source: IPv6Address,
  destination: IPv6Address,
  nextHeader: number,
  hopLimit: number,
): ipv6.IPv6HeaderToEmit {
  return { source, destination, trafficClass: 0, flowLabel: 0, nextHeader, hopLimit };
}

/** Drawn once per interface; who wants the same addresses in the next run gives one. */
function newSecret(random: Random): Uint8Array {
  return randomBytes(random, 16);
}
