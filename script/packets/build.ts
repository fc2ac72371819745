/** Builds the packets that a script injects: right in every field unless the script wants it otherwise. */

import { checksum, pseudoHeaderSum } from '../../stack/bytes/checksum.ts';
import { type IpAddress, isIPv4, writeIPv6 } from '../../stack/wire/address.ts';
import type { IcmpBody, IpInfo, OptionSpec, PacketAction, Position, TcpBody } from '../language/syntax.ts';
import { ScriptError } from '../script-error.ts';
import { hexOfSpec, kindOf } from './compare-options.ts';
import { icmpNumbers } from './icmp-numbers.ts';
import type { ScriptConnection } from './mapping.ts';

/** Who sends to whom: two addresses of one version of IP. */
export interface Addresses {
  readonly remote: IpAddress;
  readonly local: IpAddress;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const NO_NEXT_HEADER = 59;
/** What the original injects with; an ICMP error's quote has what the stack would have sent. */
const INBOUND_TTL = 255;
const ECN = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 } as const;

/** The IP packet for `action`, from the remote end of `connection`. */
export function buildPacket(
  action: PacketAction,
  connection: ScriptConnection,
  addresses: Addresses,
  position: Position,
): Uint8Array {
  const { body, ip } = action;
  const { remote, local } = addresses;
  if (body.kind === 'raw') return bytesOf(body.hex);
  if (body.kind === 'encapsulated')
    throw new ScriptError(`encapsulation ${body.name} cannot be built`, position);
  const ports = action.ports ?? { source: connection.remotePort, destination: connection.localPort ?? 0 };
  if (body.kind === 'icmp') {
    const protocol = isIPv4(remote) ? ICMP : ICMPV6;
    return ipPacket(remote, local, protocol, ip, icmpMessage(body, connection, addresses, position));
  }
  if (body.kind === 'udp') {
    const datagram = new Uint8Array(8 + body.length);
    const view = new DataView(datagram.buffer);
    view.setUint16(0, ports.source);
    view.setUint16(2, ports.destination);
    view.setUint16(4, datagram.length);
    view.setUint16(6, finished(datagram, pseudoHeaderSum(remote, local, UDP, datagram.length)) || 0xffff);
    return ipPacket(remote, local, UDP, ip, datagram);
  }
  const segment = tcpSegment(body, connection, ports, position);
  const sum = finished(segment, pseudoHeaderSum(remote, local, TCP, segment.length));
  const wrong = ip.wrong.includes('checksum') ? 0x5555 : 0;
  new DataView(segment.buffer).setUint16(16, sum ^ wrong);
  return ipPacket(remote, local, TCP, ip, segment);
}

function finished(bytes: Uint8Array, initial: number = 0): number {
  return checksum(bytes, 0, bytes.length, initial);
}

function ipPacket(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  info: IpInfo,
  payload: Uint8Array,
): Uint8Array {
  const header = isIPv4(source) ? 20 : 40;
  const packet = new Uint8Array(header + payload.length);
  const view = new DataView(packet.buffer);
  const tos = info.tos ?? ((info.dscp ?? 0) << 2) | ECN[info.ecn ?? 'noecn'];
  const ttl = info.ttl ?? INBOUND_TTL;
  packet.set(payload, header);
  if (!isIPv4(source) && !isIPv4(destination)) {
    view.setUint32(0, 0x6000_0000 | (tos << 20) | (info.flowLabel ?? 0));
    view.setUint16(4, payload.length);
    view.setUint8(6, protocol);
    view.setUint8(7, ttl);
    writeIPv6(view, 8, source);
    writeIPv6(view, 24, destination);
    return packet;
  }
  view.setUint16(0, 0x4500 | tos);
  view.setUint16(2, packet.length);
  view.setUint8(8, ttl);
  view.setUint8(9, protocol);
  view.setUint32(12, Number(source));
  view.setUint32(16, Number(destination));
  const wrong = info.wrong.includes('ip-checksum') ? 0x5555 : 0;
  view.setUint16(10, checksum(packet, 0, 20) ^ wrong);
  return packet;
}

function tcpSegment(
  body: TcpBody,
  connection: ScriptConnection,
  ports: { readonly source: number; readonly destination: number },
  position: Position,
): Uint8Array {
  const { flags, sequence, length, ack, window, urgent } = body;
  const options = optionBytes(body, connection, position);
  const header = 20 + options.length;
  const segment = new Uint8Array(header + length);
  const view = new DataView(segment.buffer);
  const start =
    sequence.mode === 'absolute' ? sequence.start : connection.liveRemote(sequence.start, flags.syn);
  view.setUint16(0, ports.source);
  view.setUint16(2, ports.destination);
  view.setUint32(4, start);
  if (ack !== undefined && ack !== 'any') view.setUint32(8, connection.liveLocal(ack.min, flags.syn));
  view.setUint16(12, (header << 10) | flagBits(body));
  view.setUint16(14, window === undefined || window === 'any' ? 0 : window.min);
  view.setUint16(18, urgent ?? 0);
  segment.set(options, 20);
  return segment;
}

function flagBits({ flags }: TcpBody): number {
  const { fin, syn, rst, psh, ack, urg, ece, cwr, ae } = flags;
  return [fin, syn, rst, psh, ack, urg, ece, cwr, ae].reduce(
    (bits, set, index) => bits | (set ? 1 << index : 0),
    0,
  );
}

function optionBytes(body: TcpBody, connection: ScriptConnection, position: Position): Uint8Array {
  const bytes = body.options.list.flatMap((option) => oneOption(option, body, connection, position));
  return Uint8Array.from(bytes);
}

function oneOption(
  option: OptionSpec,
  body: TcpBody,
  connection: ScriptConnection,
  position: Position,
): number[] {
  const kind = kindOf(option);
  switch (option.name) {
    case 'nop':
    case 'eol':
      return [kind];
    case 'sackOK':
      return [kind, 2];
    case 'mss':
      return [kind, 4, ...big(exactly(option.value, position), 2)];
    case 'wscale':
      return [kind, 3, exactly(option.value, position)];
    case 'TS': {
      const echo = exactly(option.echo, position);
      const live = option.absoluteEcho || !body.flags.ack ? echo : echoed(echo, connection, position);
      return [kind, 10, ...big(exactly(option.value, position), 4), ...big(live, 4)];
    }
    case 'sack': {
      const edges = option.blocks.flatMap(({ left, right }) => [left, right]);
      const live = edges.flatMap((edge) => big(connection.liveLocal(edge, body.flags.syn), 4));
      return [kind, 2 + live.length, ...live];
    }
    default: {
      const data = [...bytesOf(hexOfSpec(option))];
      return [kind, 2 + data.length, ...data];
    }
  }
}

/** The live timestamp that the script means. */
function echoed(script: number, connection: ScriptConnection, position: Position): number {
  const live = connection.liveTimestamp(script);
  if (live !== undefined) return live;
  throw new ScriptError(
    `ecr ${script} is no TS val that was expected before: name one, or write ecr ${script}! for the number itself`,
    position,
  );
}

function exactly(spec: OptionValue, position: Position): number {
  if (spec !== 'any' && spec.min === spec.max) return spec.min;
  throw new ScriptError('an inbound packet needs one number here, not a range or *', position);
}

type OptionValue = 'any' | { readonly min: number; readonly max: number };

function big(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => (value >>> (8 * (size - 1 - index))) & 0xff);
}

/** An ICMP message with the quoted header: the local end's packet as it would have been, and 8 bytes of it. */
function icmpMessage(
  body: IcmpBody,
  connection: ScriptConnection,
  addresses: Addresses,
  position: Position,
): Uint8Array {
  const { remote, local } = addresses;
  const v6 = !isIPv4(remote);
  const numbers = icmpNumbers(body, v6 ? 6 : 4);
  if (numbers === undefined)
    throw new ScriptError(`there is no icmp ${body.typeName} of this version of IP`, position);
  const { type, code } = numbers;
  const echo = body.typeName === 'echo_request' || body.typeName === 'echo_reply';
  const inner = echo ? new Uint8Array(0) : quotedPacket(body, connection, addresses, position);
  const message = new Uint8Array(8 + inner.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, type);
  view.setUint8(1, code);
  // RFC 1191 4 has the MTU in the last two bytes, RFC 4443 3.2 in all four.
  if (v6) view.setUint32(4, body.mtu ?? 0);
  else view.setUint16(6, body.mtu ?? 0);
  if (echo) view.setUint16(4, body.id ?? 0);
  message.set(inner, 8);
  view.setUint16(2, finished(message, v6 ? pseudoHeaderSum(remote, local, ICMPV6, message.length) : 0));
  return message;
}

function quotedPacket(
  { quote }: IcmpBody,
  connection: ScriptConnection,
  { remote, local }: Addresses,
  position: Position,
): Uint8Array {
  if (quote.kind === 'tcp' && connection.localPort === undefined)
    throw new ScriptError('no packet was sent that this ICMP message could quote', position);
  const v6 = !isIPv4(remote);
  const quoted = new Uint8Array(8);
  const view = new DataView(quoted.buffer);
  view.setUint16(0, connection.localPort ?? 0);
  view.setUint16(2, connection.remotePort);
  if (quote.kind === 'tcp') view.setUint32(4, connection.liveLocal(quote.start, false));
  else if (quote.kind === 'udp') view.setUint16(4, quote.length + 8);
  const protocol = { tcp: TCP, udp: UDP, raw: v6 ? NO_NEXT_HEADER : 255 }[quote.kind];
  const inner = ipPacket(local, remote, protocol, QUOTED_INFO, quoted);
  const innerView = new DataView(inner.buffer);
  const length = (quote.kind === 'tcp' ? 20 : quote.kind === 'udp' ? 8 : 0) + quote.length;
  if (v6) {
    innerView.setUint16(4, length);
  } else {
    innerView.setUint16(2, 20 + length);
    innerView.setUint16(10, 0);
    innerView.setUint16(10, checksum(inner, 0, 20));
  }
  return inner;
}

const QUOTED_INFO: IpInfo = {
  ecn: undefined,
  tos: 0,
  dscp: undefined,
  ttl: 64,
  flowLabel: undefined,
  wrong: [],
};

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
