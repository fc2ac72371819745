import { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { Interface } from '../link/interface.ts';
import type { IcmpErrorKind } from '../tcp/events.ts';
import {
  type IpAddress,
  type IPv6Address,
  isIPv4,
  isMulticast,
  isUnspecified,
  readIPv6,
} from '../wire/address.ts';
import type { IcmpEcho, IcmpOther } from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_TCP } from '../wire/ipv4.ts';
import { IPV6_HEADER_LENGTH } from '../wire/ipv6.ts';
import type { EchoListeners, Ping } from './echo.ts';
import { findUpper } from './extension-headers.ts';
import { errorKind6, FIRST_INFORMATIONAL, mayBeReported6, QUOTE_LIMIT_V6 } from './icmp6-errors.ts';
import { finishChecksum } from './icmp-errors.ts';
import { IPV6_MINIMUM_MTU } from './path-mtu.ts';
import { isLinkScoped } from './source-address.ts';
import type { IpMeta, IpSender, Transport } from './transport.ts';

/** The largest IPv6 payload, less the ICMPv6 header. */
const ECHO_LIMIT = 65_527;
/** Type 128. */
const ECHO_REQUEST = 128;

/** An informational message that this file has no use for, and where its body is. */
export interface Icmp6Informational {
  readonly message: IcmpOther;
  /** `packet.bytes[bodyAt..packet.tail)`, valid during the call; checksum and addresses are checked, nothing else. */
  readonly packet: PacketBuffer;
  readonly bodyAt: number;
  readonly meta: IpMeta;
}

/** How a message is to be sent; all by default as the route has it. */
export interface Icmp6SendOptions {
  readonly source?: IpAddress | undefined;
  /** 1..255 */
  readonly hopLimit?: number;
  /** 0..255 */
  readonly trafficClass?: number;
  /** For link-local and multicast destinations. */
  readonly on?: Interface | undefined;
}

/** ICMPv6 [RFC 4443]: answers echo requests, sends and takes errors, pings; hands neighbour discovery and its kin on. */
export class Icmp6 implements Transport {
  readonly #context: HostContext;
  readonly #ip: IpSender;
  readonly #echoes: EchoListeners;
  readonly #informational: Map<number, (arrived: Icmp6Informational) => void> = new Map();

  constructor(context: HostContext, ip: IpSender, echoes: EchoListeners) {
    this.#context = context;
    this.#ip = ip;
    this.#echoes = echoes;
  }

  /** Messages of `type` (128..255, echoes aside) go to `handler` from now on. */
  register(type: number, handler: (arrived: Icmp6Informational) => void): void {
    this.#informational.set(type, handler);
  }

  /** Sends an echo request; false if there is no route, or the device takes nothing now. */
  ping(destination: IPv6Address, ping: Ping, on?: Interface): boolean {
    if (ping.payload.length > ECHO_LIMIT) {
      throw new RangeError(`a ping carries at most ${ECHO_LIMIT} bytes, not ${ping.payload.length}`);
    }
    const { identifier, sequence: sequenceNumber, source, ttl } = ping;
    const message: IcmpEcho = { type: 'echo-request', identifier, sequenceNumber };
    const hopLimit = ttl === undefined ? {} : { hopLimit: ttl };
    return this.send(message, ping.payload, destination, { source, on, ...hopLimit });
  }

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    const { source, destination } = meta;
    if (isIPv4(source) || isIPv4(destination)) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const parsed = icmpv6.parse(packet, source, destination);
    if (typeof parsed === 'string') return this.#ip.drop('icmp', parsed);
    const { message, bodyAt, bodyLength } = parsed;
    if (message.type === 'other') return this.#other({ message, packet, bodyAt, meta });
    if (isUnspecified(source)) return this.#ip.drop('icmp', 'IP_INVALID_SOURCE');
    const body = packet.bytes.subarray(bodyAt, bodyAt + bodyLength);
    if (message.type === 'echo-request') return this.#echoRequest(message, body, meta);
    if (message.type === 'echo-reply') return this.#echoReply(message, body, meta);
    const kind = errorKind6(message);
    if (kind === undefined || meta.broadcast) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const mtu = message.type === 'packet-too-big' ? message.mtu : 0;
    // RFC 8201 4: below the minimum it cannot be true.
    if (kind === 'fragmentation-needed' && mtu < IPV6_MINIMUM_MTU)
      return this.#ip.drop('icmp', 'INVALID_PROTO');
    const quoted = new PacketBuffer(packet.bytes, packet.view, bodyAt, bodyAt + bodyLength);
    this.errorAbout(kind, quoted, destination, mtu);
  }

  /** Tells the transport whose packet is quoted, head at its IPv6 header, if `sender` is who sent it [RFC 4443 2.4 (d)]. */
  errorAbout(kind: IcmpErrorKind, quoted: PacketBuffer, sender: IpAddress | undefined, mtu: number): void {
    const { view, head, tail } = quoted;
    if (tail - head < IPV6_HEADER_LENGTH) return this.#ip.drop('icmp', 'PKT_TOO_SMALL');
    if (view.getUint8(head) >>> 4 !== 6) return this.#ip.drop('icmp', 'IP_INHDR');
    const source = readIPv6(view, head + 8);
    const destination = readIPv6(view, head + 24);
    const ours =
      this.#ip.isLocal(source) && (sender === undefined || isIPv4(sender) || source.equals(sender));
    const upper = findUpper(quoted, this.#context.settings.ip.extensionHeaders);
    if (!ours || upper === undefined) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const tooBig = kind === 'fragmentation-needed';
    // TCP checks first whether the segment is its own, and sees to the path MTU itself.
    if (tooBig && upper.protocol !== PROTOCOL_TCP) this.#ip.pathMtu.lower(destination, mtu);
    if (upper.later) return tooBig ? undefined : this.#ip.drop('icmp', 'INVALID_PROTO');
    if (upper.at + 8 > tail) return this.#ip.drop('icmp', 'PKT_TOO_SMALL');
    const transport = this.#ip.transport(upper.protocol, 6);
    if (transport === undefined) return this.#ip.drop('icmp', 'INVALID_PROTO');
    transport.icmpError(kind, source, destination, new PacketBuffer(quoted.bytes, view, upper.at, tail), mtu);
  }

  /** An error about a ping. */
  icmpError(kind: IcmpErrorKind, _source: IpAddress, destination: IpAddress, quoted: PacketBuffer): void {
    const { view, head } = quoted;
    if (view.getUint8(head) !== ECHO_REQUEST) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const identifier = view.getUint16(head + 4);
    this.#echoes.failed({ kind, destination, identifier, sequence: view.getUint16(head + 6) });
  }

  /**
   * Sends an error about a packet that arrived, if RFC 4443 2.4 (e) and the rate limit (f) allow it. The packet's bytes from `meta.headerAt` on
   * are quoted, so they have to be as they came. `evenToMulticast`: one of the two exceptions of (e.3).
   */
  sendError(
    message: icmpv6.Icmpv6Message,
    packet: PacketBuffer,
    meta: IpMeta,
    evenToMulticast: boolean = false,
  ): void {
    const { source, destination, headerAt } = meta;
    if ((meta.broadcast || meta.from.groupFrame) && !evenToMulticast) return;
    if (isIPv4(source) || isUnspecified(source) || isMulticast(source)) return;
    if (!mayBeReported6(packet, headerAt, this.#context.settings.ip.extensionHeaders)) return;
    if (!this.#ip.takeErrorToken()) return this.#ip.drop('icmp', 'ICMP_RATELIMIT');
    finishChecksum(packet, headerAt);
    const end = Math.min(packet.tail, headerAt + QUOTE_LIMIT_V6);
    const from = isMulticast(destination) ? undefined : destination; // RFC 4443 2.2
    this.send(message, packet.bytes.subarray(headerAt, end), source, { source: from, on: meta.from });
  }

  /** Sends a message; false if there is no route, or the device takes nothing now. */
  send(
    message: icmpv6.Icmpv6Message,
    body: Uint8Array,
    destination: IPv6Address,
    options: Icmp6SendOptions = {},
  ): boolean {
    const { source, on, hopLimit, trafficClass } = options;
    const { routes } = this.#ip;
    // Answers need not leave where the question came in, unless addresses mean that link.
    const route = routes.find(destination, source, isLinkScoped(destination) ? on : undefined);
    if (route === undefined || isIPv4(route.source)) {
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
    icmpv6.emit(message, packet, route.source, destination);
    const from = { source: route.source, destination, protocol: PROTOCOL_ICMPV6 };
    const ttl = hopLimit ?? this.#context.settings.ip.ttl;
    this.#ip.send(packet, { ...from, ttl, tos: trafficClass ?? 0 }, route);
    return true;
  }

  #other(arrived: Icmp6Informational): void {
    const { typeNumber } = arrived.message;
    const handler = typeNumber < FIRST_INFORMATIONAL ? undefined : this.#informational.get(typeNumber);
    if (handler === undefined) this.#ip.drop('icmp', 'UNHANDLED_PROTO');
    else handler(arrived);
  }

  /** RFC 4443 4.2: all data comes back, from the address that was asked. Asking everyone is no use but to attackers. */
  #echoRequest(request: IcmpEcho, data: Uint8Array, meta: IpMeta): void {
    const { source, destination, broadcast, tos: trafficClass, from: on } = meta;
    if (isIPv4(source)) return;
    if (broadcast || !this.#context.settings.ip.echo) return this.#ip.drop('icmp', 'INVALID_PROTO');
    this.send({ ...request, type: 'echo-reply' }, data, source, { source: destination, trafficClass, on });
  }

  #echoReply(reply: IcmpEcho, payload: Uint8Array, meta: IpMeta): void {
    if (meta.broadcast) return this.#ip.drop('icmp', 'INVALID_PROTO');
    const { identifier, sequenceNumber: sequence } = reply;
    this.#echoes.replied({ source: meta.source, identifier, sequence, ttl: meta.ttl, payload });
  }
}
