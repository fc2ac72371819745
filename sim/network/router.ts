import { update } from '../../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import { type IPv4Address, parseCidr, isIPv4, sameSubnet } from '../../stack/wire/address.ts';
import { type IcmpMessage, UNREACHABLE } from '../../stack/wire/icmp.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
import type { LinkEnd } from '../link/link.ts';
import { LINK_REASONS, type LinkEvent, type LinkReason } from '../link/link-event.ts';
import { cutOrRefuse } from '../link/path-mtu.ts';
import { icmpErrorAbout } from './icmp-error.ts';

/** Where a destination lies, as a router sees it. */
export interface RouterRoute {
  readonly destination: IPv4Address;
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

/** An IPv4 router [RFC 1812], as far as tests need one: TTL, ICMP errors, fragments, a queue for each output (its link's). */
export class Router {
  readonly kind: 'router' = 'router' as const;
  readonly name: string;
  readonly ends: LinkEnd[] = [];
  readonly #addresses: Map<LinkEnd, IPv4Address> = new Map();
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

  plugIn(end: LinkEnd, address: IPv4Address): void {
    if (end.medium !== 'ip') throw new Error(`router ${this.name} needs links with medium: 'ip'`);
    this.ends.push(end);
    this.#addresses.set(end, address);
    end.attach({
      framesArrived: (packets) => packets.forEach((packet) => this.#forward(packet, end)),
      deviceClosed: () => undefined,
    });
  }

  /** A route of its own, such as one to a translator's address: `192.0.2.0/24` by this end. */
  addRoute(destination: string, port: LinkEnd): void {
    const parsed = parseCidr(destination);
    if (parsed === undefined || !isIPv4(parsed.address))
      throw new Error(`${destination} is no IPv4 prefix such as 192.0.2.0/24`);
    this.#static.push({ destination: parsed.address, prefixLength: parsed.prefixLength, port });
  }

  /** The network changed: routes are to be found anew. */
  forgetRoutes(): void {
    this.#routes = undefined;
  }

  #forward(packet: PacketBuffer, from: LinkEnd): void {
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

  #find(destination: IPv4Address): LinkEnd | undefined {
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
