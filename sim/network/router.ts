import { update } from '../../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import { isLinkScoped } from '../../stack/ip/source-address.ts';
import {
  type IpAddress,
  type IPv4Address,
  type IPv6Address,
  parseCidr,
  sameSubnet,
} from '../../stack/wire/address.ts';
import { type IcmpMessage, UNREACHABLE } from '../../stack/wire/icmp.ts';
import { type Icmpv6Message, UNREACHABLE_V6 } from '../../stack/wire/icmpv6.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
import * as ipv6 from '../../stack/wire/ipv6.ts';
import type { LinkEnd } from '../link/link.ts';
import { LINK_REASONS, type LinkEvent, type LinkReason } from '../link/link-event.ts';
import { cutOrRefuse } from '../link/path-mtu.ts';
import { icmp6ErrorAbout, icmpErrorAbout } from './icmp-error.ts';

/** Where a destination lies, as a router sees it. */
export interface RouterRoute {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly port: LinkEnd;
}

/** What a router needs of its world. */
export interface RouterWorld {
  now(): Instant;
  emit(event: LinkEvent): void;
  /** The way to every subnet of the world. */
  routesOf(router: Router): readonly RouterRoute[];
}

/** A router [RFC 1812; RFC 8200], as far as tests need one: TTL, ICMP errors, fragments of IPv4, a queue for each output (its link's). */
export class Router {
  readonly kind: 'router' = 'router' as const;
  readonly name: string;
  readonly ends: LinkEnd[] = [];
  readonly #addresses: Map<LinkEnd, IPv4Address> = new Map();
  readonly #addresses6: Map<LinkEnd, IPv6Address> = new Map();
  readonly #world: RouterWorld;
  readonly #static: RouterRoute[] = [];
  #routes: readonly RouterRoute[] | undefined;
  #forwarded: number = 0;

  constructor(name: string, world: RouterWorld) {
    this.name = name;
    this.#world = world;
  }

  /** Packets that it sent on. */
  get forwarded(): number {
    return this.#forwarded;
  }

  /** Its address on the link of this end. */
  addressOn(end: LinkEnd): IPv4Address | undefined {
    return this.#addresses.get(end);
  }

  /** Its IPv6 address there, if the link has such. */
  address6On(end: LinkEnd): IPv6Address | undefined {
    return this.#addresses6.get(end);
  }

  plugIn(end: LinkEnd, address: IPv4Address, address6?: IPv6Address): void {
    if (end.medium !== 'ip') throw new Error(`router ${this.name} needs links with medium: 'ip'`);
    this.ends.push(end);
    this.#addresses.set(end, address);
    if (address6 !== undefined) this.#addresses6.set(end, address6);
    end.attach({
      framesArrived: (packets) => packets.forEach((packet) => this.#forward(packet, end)),
      deviceClosed: () => undefined,
    });
  }

  /** A route of its own, such as one to a translator's address: `192.0.2.0/24` or `2001:db8::/32` by this end. */
  addRoute(destination: string, port: LinkEnd): void {
    const parsed = parseCidr(destination);
    if (parsed === undefined) throw new Error(`${destination} is no prefix such as 192.0.2.0/24`);
    this.#static.push({ destination: parsed.address, prefixLength: parsed.prefixLength, port });
  }

  /** The network changed: routes are to be found anew. */
  forgetRoutes(): void {
    this.#routes = undefined;
  }

  #forward(packet: PacketBuffer, from: LinkEnd): void {
    if (packet.length > 0 && packet.view.getUint8(packet.head) >>> 4 === 6)
      return this.#forward6(packet, from);
    const header = ipv4.parse(packet);
    if (typeof header === 'string') return this.#lose(packet, from, 'LINK_MALFORMED');
    packet.tail = packet.head + header.totalLength;
    if (header.ttl <= 1) {
      this.#answer(packet, from, { type: 'time-exceeded', code: 0 });
      return this.#lose(packet, from, 'LINK_TTL');
    }
    const port = this.#find(header.destination);
    if (port === undefined) {
      this.#answer(packet, from, { type: 'unreachable', code: UNREACHABLE.network, nextHopMtu: undefined });
      return this.#lose(packet, from, 'LINK_NO_ROUTE');
    }
    const { view, head } = packet;
    const word = view.getUint16(head + 8);
    view.setUint16(head + 8, word - 0x100);
    view.setUint16(head + 10, update(view.getUint16(head + 10), word, word - 0x100));
    this.#send(packet, from, port);
  }

  /** RFC 8200 3: the hop limit; RFC 4443 3: what the sender is told; RFC 4291 2.5.6: link-local addresses stay on their link. */
  #forward6(packet: PacketBuffer, from: LinkEnd): void {
    const header = ipv6.parse(packet);
    if (typeof header === 'string') return this.#lose(packet, from, 'LINK_MALFORMED');
    packet.tail = packet.head + ipv6.IPV6_HEADER_LENGTH + header.payloadLength;
    if (isLinkScoped(header.source) || isLinkScoped(header.destination))
      return this.#lose(packet, from, 'LINK_NO_ROUTE');
    if (header.hopLimit <= 1) {
      this.#answer6(packet, from, { type: 'time-exceeded', code: 0 });
      return this.#lose(packet, from, 'LINK_TTL');
    }
    const port = this.#find(header.destination);
    if (port === undefined) {
      this.#answer6(packet, from, { type: 'unreachable', code: UNREACHABLE_V6.noRoute });
      return this.#lose(packet, from, 'LINK_NO_ROUTE');
    }
    if (packet.length > port.mtu) {
      this.#answer6(packet, from, { type: 'packet-too-big', mtu: port.mtu });
      return this.#lose(packet, from, 'LINK_MTU');
    }
    packet.view.setUint8(packet.head + 7, header.hopLimit - 1);
    this.#forwarded += 1;
    port.transmit([packet]);
  }

  #answer6(packet: PacketBuffer, from: LinkEnd, message: Icmpv6Message): void {
    const own = this.#addresses6.get(from);
    const error = own === undefined ? undefined : icmp6ErrorAbout(packet, message, own);
    if (error !== undefined) from.transmit([error]);
  }

  #send(packet: PacketBuffer, from: LinkEnd, port: LinkEnd): void {
    this.#forwarded += 1;
    if (packet.length <= port.mtu) {
      port.transmit([packet]);
      return;
    }
    const own = this.#addresses.get(from);
    if (own === undefined) return;
    const { pieces, reason, error } = cutOrRefuse(packet, port.mtu, own);
    if (error !== undefined) from.transmit([error]);
    if (reason !== undefined) this.#lose(packet, from, reason);
    port.transmit(pieces);
  }

  #answer(packet: PacketBuffer, from: LinkEnd, message: IcmpMessage): void {
    const own = this.#addresses.get(from);
    const error = own === undefined ? undefined : icmpErrorAbout(packet, message, own);
    if (error !== undefined) from.transmit([error]);
  }

  #find(destination: IpAddress): LinkEnd | undefined {
    this.#routes ??= this.#world.routesOf(this);
    let best: RouterRoute | undefined;
    for (const route of [...this.#static, ...this.#routes]) {
      if (!sameSubnet(route.destination, destination, route.prefixLength)) continue;
      if (best === undefined || route.prefixLength > best.prefixLength) best = route;
    }
    return best?.port;
  }

  #lose(packet: PacketBuffer, from: LinkEnd, reason: LinkReason): void {
    const { bytes, head, tail } = packet;
    const sentence = LINK_REASONS[reason];
    const at = this.#world.now();
    const by = `${this.name}, from ${from.name}`;
    this.#world.emit({
      type: 'link-loss',
      at,
      by,
      reason,
      sentence,
      medium: 'ip',
      bytes,
      head,
      tail,
      index: -1,
    });
  }
}
