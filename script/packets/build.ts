/** Builds the packets that a script injects: right in every field unless the script wants it otherwise. */

import { checksum, pseudoHeaderSum } from '../../stack/bytes/checksum.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import type { IcmpBody, IpInfo, OptionSpec, PacketAction, Position, TcpBody } from '../language/syntax.ts';
import { ScriptError } from '../script-error.ts';
import { hexOfSpec, kindOf } from './compare-options.ts';
import type { ScriptConnection } from './mapping.ts';

/** Who sends to whom. */
export interface Addresses {
  readonly remote: IPv4Address;
  readonly local: IPv4Address;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
/** What the original injects with; an ICMP error's quote has what the stack would have sent. */
const INBOUND_TTL = 255;
const FRAG_NEEDED = 4;
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
    return ipPacket(remote, local, ICMP, ip, icmpMessage(body, connection, addresses, position));
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
  source: IPv4Address,
  destination: IPv4Address,
  protocol: number,
  info: IpInfo,
  payload: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  const view = new DataView(packet.buffer);
  const tos = info.tos ?? ((info.dscp ?? 0) << 2) | ECN[info.ecn ?? 'noecn'];
  view.setUint16(0, 0x4500 | tos);
  view.setUint16(2, packet.length);
  view.setUint8(8, info.ttl ?? INBOUND_TTL);
  view.setUint8(9, protocol);
  view.setUint32(12, source);
  view.setUint32(16, destination);
  const wrong = info.wrong.includes('ip-checksum') ? 0x5555 : 0;
  view.setUint16(10, checksum(packet, 0, 20) ^ wrong);
  packet.set(payload, 20);
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
  { remote, local }: Addresses,
  position: Position,
): Uint8Array {
  const { quote } = body;
  if (quote.kind === 'tcp' && connection.localPort === undefined)
    throw new ScriptError('no packet was sent that this ICMP message could quote', position);
  const quoted = new Uint8Array(8);
  const view = new DataView(quoted.buffer);
  view.setUint16(0, connection.localPort ?? 0);
  view.setUint16(2, connection.remotePort);
  if (quote.kind === 'tcp') view.setUint32(4, connection.liveLocal(quote.start, false));
  else if (quote.kind === 'udp') view.setUint16(4, quote.length + 8);
  const protocol = { tcp: TCP, udp: UDP, raw: 255 }[quote.kind];
  const noInfo = {
    ecn: undefined,
    tos: 0,
    dscp: undefined,
    ttl: 64,
    flowLabel: undefined,
    wrong: [],
  } as const;
  const inner = ipPacket(local, remote, protocol, noInfo, quoted);
  const innerView = new DataView(inner.buffer);
  innerView.setUint16(2, 20 + (quote.kind === 'tcp' ? 20 : quote.kind === 'udp' ? 8 : 0) + quote.length);
  innerView.setUint16(10, 0);
  innerView.setUint16(10, checksum(inner, 0, 20));
  const echo = body.type === 8 || body.type === 0;
  const message = new Uint8Array(8 + (echo ? 0 : inner.length));
  const messageView = new DataView(message.buffer);
  messageView.setUint8(0, body.type);
  messageView.setUint8(1, body.code);
  if (body.type === 3 && body.code === FRAG_NEEDED) messageView.setUint16(6, body.mtu ?? 0);
  if (echo) messageView.setUint16(4, body.id ?? 0);
  else message.set(inner, 8);
  messageView.setUint16(2, finished(message));
  return message;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
