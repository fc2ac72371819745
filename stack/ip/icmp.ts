import { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { IcmpErrorKind } from '../tcp/events.ts';
import { type IpAddress, isIPv4, readIPv4 } from '../wire/address.ts';
import * as icmp from '../wire/icmp.ts';
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP } from '../wire/ipv4.ts';
import { type EchoError, EchoListeners, type EchoReply, type Ping } from './echo.ts';
import { Icmp6 } from './icmp6.ts';
import { errorKind, finishChecksum, mayBeReported, QUOTE_LIMIT } from './icmp-errors.ts';
import type { IpMeta, IpSender, Transport } from './transport.ts';

/** Precedence "internetwork control", for errors [RFC 1812 4.3.2.5]. */
const ERROR_TOS = 0xc0;
/** The largest IPv4 packet, less the IP and ICMP headers. */
const ECHO_LIMIT = 65_507;

export type { EchoError, EchoReply, Ping } from './echo.ts';

/** ICMP for IPv4 [RFC 792, RFC 1122 3.2.2]: answers echo requests, sends and takes errors, pings. */
export class Icmp implements Transport {
  readonly #context: HostContext;
  readonly #ip: IpSender;
  readonly #echoes: EchoListeners = new EchoListeners();
  /** ICMP for IPv6, with the same listeners. */
  readonly v6: Icmp6;

  constructor(context: HostContext, ip: IpSender) {
    this.#context = context;
    this.#ip = ip;
    this.v6 = new Icmp6(context, ip, this.#echoes);
  }

  /** Calls `listener` for every echo reply from now on; the result ends that. */
  onEchoReply(listener: (reply: EchoReply) => void): () => void {
    return this.#echoes.onReply(listener);
  }

  /** Calls `listener` for every error about an echo request of ours; the result ends that. */
  onEchoError(listener: (error: EchoError) => void): () => void {
    return this.#echoes.onError(listener);
  }

  /** Sends an echo request, to an address of either version; false if there is no route, or the device takes nothing now. */
  ping(destination: IpAddress, ping: Ping): boolean {
    if (!isIPv4(destination)) return this.v6.ping(destination, ping);
    if (ping.payload.length > ECHO_LIMIT) {
      throw new RangeError(`a ping carries at most ${ECHO_LIMIT} bytes, not ${ping.payload.length}`);
    }
    const { identifier, sequence } = ping;
    const message: icmp.IcmpMessage = { type: 'echo-request', identifier, sequenceNumber: sequence };
    return this.#send(message, ping.payload, destination, {
      source: ping.source,
      ttl: ping.ttl ?? this.#context.settings.ip.ttl,
      tos: 0,
    });
  }

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    const parsed = icmp.parse(packet);
    if (typeof parsed === 'string') return this.#ip.drop('icmp', parsed);
    const { message, bodyAt, bodyLength } = parsed;
    switch (message.type) {
      case 'echo-request':
        return this.#echoRequest(message, packet.bytes.subarray(bodyAt, bodyAt + bodyLength), meta);
      case 'echo-reply':
        return this.#echoReply(message, packet.bytes.subarray(bodyAt, bodyAt + bodyLength), meta);
      case 'other':
        return this.#ip.drop('icmp', 'UNHANDLED_PROTO');
      default: {
        const kind = errorKind(message);
        if (kind === undefined || meta.broadcast) return this.#ip.drop('icmp', 'INVALID_PROTO');
        const mtu = message.type === 'unreachable' ? (message.nextHopMtu ?? 0) : 0;
        const quoted = new PacketBuffer(packet.bytes, packet.view, bodyAt, bodyAt + bodyLength);
        return this.errorAbout(kind, quoted, meta.destination, mtu);
      }
    }
  }

  /**
   * Tells the transport whose packet is quoted, head at its IP header, if `sender` is who sent it. RFC 1122 3.2.2: the error is
   * handed to the protocol that the quoted header names.
   */
  errorAbout(kind: IcmpErrorKind, quoted: PacketBuffer, sender: IpAddress | undefined, mtu: number): void {
    const { view, head, tail } = quoted;
    if (tail - head < IPV4_HEADER_LENGTH) return this.#ip.drop('icmp', 'PKT_TOO_SMALL');
    const first = view.getUint8(head);
    const at = head + (first & 0xf) * 4;
    if (first >>> 4 !== 4 || at < head + IPV4_HEADER_LENGTH) return this.#ip.drop('icmp', 'IP_INHDR');
    if (at + 8 > tail) return this.#ip.drop('icmp', 'PKT_TOO_SMALL');
    const source = readIPv4(view, head + 12);
    const isFirst = (view.getUint16(head + 6) & 0x1fff) === 0;
    if (!isFirst || !this.#ip.isLocal(source) || (sender !== undefined && sender !== source)) {
      return this.#ip.drop('icmp', 'INVALID_PROTO');
    }
    const transport = this.#ip.transport(view.getUint8(head + 9), 4);
    if (transport === undefined) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const inner = new PacketBuffer(quoted.bytes, view, at, tail);
    transport.icmpError(kind, source, readIPv4(view, head + 16), inner, mtu);
  }

  /** An error about a ping. */
  icmpError(kind: IcmpErrorKind, _source: IpAddress, destination: IpAddress, quoted: PacketBuffer): void {
    const { view, head } = quoted;
    if (view.getUint8(head) !== 8) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const identifier = view.getUint16(head + 4);
    const sequence = view.getUint16(head + 6);
    this.#echoes.failed({ kind, destination, identifier, sequence });
  }

  /**
   * Sends an error about a packet that arrived, if RFC 1122 3.2.2 and the rate limit [RFC 1812 4.3.2.8] allow it. The packet's
   * bytes from `meta.headerAt` on are quoted, so they have to be as they came.
   */
  sendError(message: icmp.IcmpMessage, packet: PacketBuffer, meta: IpMeta): void {
    if (meta.broadcast || !mayBeReported(packet, meta.headerAt)) return;
    if (!this.#ip.takeErrorToken()) return this.#ip.drop('icmp', 'ICMP_RATELIMIT');
    finishChecksum(packet, meta.headerAt);
    const end = Math.min(packet.tail, meta.headerAt + QUOTE_LIMIT);
    this.#send(message, packet.bytes.subarray(meta.headerAt, end), meta.source, {
      source: meta.destination,
      ttl: this.#context.settings.ip.ttl,
      tos: ERROR_TOS,
    });
  }

  /** RFC 1122 3.2.2.6: all data comes back, from the address that was asked. Asking everyone is no use but to attackers. */
  #echoRequest(request: icmp.IcmpEcho, data: Uint8Array, meta: IpMeta): void {
    if (meta.broadcast || !this.#context.settings.ip.echo) return this.#ip.drop('icmp', 'INVALID_PROTO');
    this.#send({ ...request, type: 'echo-reply' }, data, meta.source, {
      source: meta.destination,
      ttl: this.#context.settings.ip.ttl,
      tos: meta.tos,
    });
  }

  #echoReply(reply: icmp.IcmpEcho, payload: Uint8Array, meta: IpMeta): void {
    if (meta.broadcast) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const { identifier, sequenceNumber: sequence } = reply;
    this.#echoes.replied({ source: meta.source, identifier, sequence, ttl: meta.ttl, payload });
  }

  #send(
    message: icmp.IcmpMessage,
    body: Uint8Array,
    destination: IpAddress,
    from: { source: IpAddress | undefined; ttl: number; tos: number },
  ): boolean {
    const route = isIPv4(destination) ? this.#ip.routes.find(destination, from.source) : undefined;
    if (route === undefined) {
      this.#ip.drop('icmp', 'IP_OUTNOROUTES');
      return false;
    }
    const packet = route.interface.allocate(body.length);
    if (packet === undefined) {
      this.#ip.drop('icmp', 'DEVICE_QUEUE_FULL');
      return false;
    }
    packet.bytes.set(body, packet.head);
    packet.tail += body.length;
    icmp.emit(message, packet);
    const { ttl, tos } = from;
    this.#ip.send(packet, { source: route.source, destination, protocol: PROTOCOL_ICMP, ttl, tos }, route);
    return true;
  }
}
