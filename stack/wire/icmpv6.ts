/**
 * ICMPv6, RFC 4443: a header of 8 bytes, and a body (an echo's data, or the beginning of the packet that an error is
 * about). Format only; neighbour discovery is among the `other`s.
 */
import { writeIcmpHeader } from './icmp-header.ts';
import { checksum, pseudoHeaderSum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import type { IPv6Address } from './address.ts';
import { ICMP_HEADER_LENGTH, type IcmpEcho, type IcmpOther, quotedLength } from './icmp.ts';
import { PROTOCOL_ICMPV6 } from './ipv4.ts';

/** Type 1, RFC 4443 3.1. */
export interface Icmpv6Unreachable {
  readonly type: 'unreachable';
  /** 0..255; see `UNREACHABLE_V6`. */
  readonly code: number;
}

/** Type 2, RFC 4443 3.2. */
export interface Icmpv6PacketTooBig {
  readonly type: 'packet-too-big';
  /** In bytes, 0..2^32-1. */
  readonly mtu: number;
}

/** Type 3, RFC 4443 3.3; code 0: in transit, 1: in reassembly. */
export interface Icmpv6TimeExceeded {
  readonly type: 'time-exceeded';
  readonly code: number;
}

/** Type 4, RFC 4443 3.4. */
export interface Icmpv6ParameterProblem {
  readonly type: 'parameter-problem';
  readonly code: number;
  /** The offending byte's offset in the quoted packet, 0..2^32-1. */
  readonly pointer: number;
}

/** What an ICMPv6 header says. */
export type Icmpv6Message =
  | IcmpEcho
  | Icmpv6Unreachable
  | Icmpv6PacketTooBig
  | Icmpv6TimeExceeded
  | Icmpv6ParameterProblem
  | IcmpOther;

/** An ICMPv6 message and where its body is. */
export interface Icmpv6Packet {
  readonly message: Icmpv6Message;
  /** Where the body (of an error: the quoted packet) begins in the packet's `bytes`. */
  readonly bodyAt: number;
  /** The body's length in bytes, without the extensions of RFC 4884. */
  readonly bodyLength: number;
}

/** Codes of `unreachable`, RFC 4443 3.1. */
export const UNREACHABLE_V6 = { noRoute: 0, prohibited: 1, beyondScope: 2, address: 3, port: 4 } as const;

const DESTINATION_UNREACHABLE = 1;
const PACKET_TOO_BIG = 2;
const TIME_EXCEEDED = 3;
const PARAMETER_PROBLEM = 4;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;

/** Reads the message that fills the packet; the packet stays as it is. The checksum is verified unless it is vouched for. */
export function parse(
  packet: PacketBuffer,
  source: IPv6Address,
  destination: IPv6Address,
): Icmpv6Packet | DropReason {
  const { view, head, tail } = packet;
  if (tail - head < ICMP_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  if (packet.checksum === 'complete') {
    const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_ICMPV6, tail - head);
    if (checksum(packet.bytes, head, tail, pseudo) !== 0) return 'ICMP_CSUM';
  }
  const bodyAt = head + ICMP_HEADER_LENGTH;
  const type = view.getUint8(head);
  const extended = type === DESTINATION_UNREACHABLE || type === TIME_EXCEEDED;
  // RFC 4884 4.1: in units of 8 bytes here, and in byte 4.
  const bodyLength = extended ? quotedLength(view.getUint8(head + 4) * 8, tail - bodyAt) : tail - bodyAt;
  return { message: readMessage(view, head, type), bodyAt, bodyLength };
}

function readMessage(view: DataView, at: number, type: number): Icmpv6Message {
  const code = view.getUint8(at + 1);
  switch (type) {
    case ECHO_REQUEST:
    case ECHO_REPLY:
      if (code !== 0) break;
      return {
        type: type === ECHO_REQUEST ? 'echo-request' : 'echo-reply',
        identifier: view.getUint16(at + 4),
        sequenceNumber: view.getUint16(at + 6),
      };
    case DESTINATION_UNREACHABLE:
      return { type: 'unreachable', code };
    case PACKET_TOO_BIG: // RFC 4443 3.2: the code is ignored
      return { type: 'packet-too-big', mtu: view.getUint32(at + 4) };
    case TIME_EXCEEDED:
      return { type: 'time-exceeded', code };
    case PARAMETER_PROBLEM:
      return { type: 'parameter-problem', code, pointer: view.getUint32(at + 4) };
    default:
      break;
  }
  return { type: 'other', typeNumber: type, code, rest: view.getUint32(at + 4) };
}

/** Puts the header in front of the packet, whose contents are the body, with the checksum over both. */
export function emit(
  message: Icmpv6Message,
  packet: PacketBuffer,
  source: IPv6Address,
  destination: IPv6Address,
): void {
  const at = packet.push(ICMP_HEADER_LENGTH);
  writeMessage(message, packet.view, at);
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_ICMPV6, packet.tail - at);
  packet.view.setUint16(at + 2, checksum(packet.bytes, at, packet.tail, pseudo));
}

function writeMessage(message: Icmpv6Message, view: DataView, at: number): void {
  switch (message.type) {
    case 'echo-request':
    case 'echo-reply':
      return writeIcmpHeader(
        view,
        at,
        message.type === 'echo-request' ? ECHO_REQUEST : ECHO_REPLY,
        0,
        message.identifier * 0x1_0000 + message.sequenceNumber,
      );
    case 'unreachable':
      return writeIcmpHeader(view, at, DESTINATION_UNREACHABLE, message.code, 0);
    case 'packet-too-big':
      return writeIcmpHeader(view, at, PACKET_TOO_BIG, 0, message.mtu);
    case 'time-exceeded':
      return writeIcmpHeader(view, at, TIME_EXCEEDED, message.code, 0);
    case 'parameter-problem':
      return writeIcmpHeader(view, at, PARAMETER_PROBLEM, message.code, message.pointer);
    case 'other':
      return writeIcmpHeader(view, at, message.typeNumber, message.code, message.rest);
  }
}
