/**
 * ICMP for IPv4, RFC 792: a header of 8 bytes, and a body (an echo's data, or the beginning of the datagram that an error
 * is about).
 */
import { writeIcmpHeader } from './icmp-header.ts';
import { checksum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IPv4Address, readIPv4 } from './address.ts';

/** The header's length in bytes, for every type. */
export const ICMP_HEADER_LENGTH = 8;

/** Type 8 and type 0. */
export interface IcmpEcho {
  readonly type: 'echo-request' | 'echo-reply';
  /** 0..65535 */
  readonly identifier: number;
  /** 0..65535 */
  readonly sequenceNumber: number;
}

/** Type 3, RFC 792 and RFC 1122 3.2.2.1. */
export interface IcmpUnreachable {
  readonly type: 'unreachable';
  /** 0..255; see `UNREACHABLE`. */
  readonly code: number;
  /** In bytes, only with code 4; 0 there: a router from before RFC 1191. */
  readonly nextHopMtu: number | undefined;
}

/** Type 11; code 0: in transit, 1: in reassembly. */
export interface IcmpTimeExceeded {
  readonly type: 'time-exceeded';
  readonly code: number;
}

/** Type 12. */
export interface IcmpParameterProblem {
  readonly type: 'parameter-problem';
  readonly code: number;
  /** The offending byte's offset in the quoted datagram, 0..255. */
  readonly pointer: number;
}

/** Type 4: to be ignored, RFC 6633 and RFC 9293 MUST-55. */
export interface IcmpSourceQuench {
  readonly type: 'source-quench';
}

/** Type 5. */
export interface IcmpRedirect {
  readonly type: 'redirect';
  readonly code: number;
  readonly gateway: IPv4Address;
}

/** Any type without a meaning here. */
export interface IcmpOther {
  readonly type: 'other';
  /** 0..255 */
  readonly typeNumber: number;
  /** 0..255 */
  readonly code: number;
  /** Bytes 4 to 7 of the header, 0..2^32-1. */
  readonly rest: number;
}

/** What an ICMP header says. */
export type IcmpMessage =
  | IcmpEcho
  | IcmpUnreachable
  | IcmpTimeExceeded
  | IcmpParameterProblem
  | IcmpSourceQuench
  | IcmpRedirect
  | IcmpOther;

/** An ICMP message and where its body is. */
export interface IcmpPacket {
  readonly message: IcmpMessage;
  /** Where the body (of an error: the quoted datagram) begins in the packet's `bytes`. */
  readonly bodyAt: number;
  /** The body's length in bytes, without the extensions of RFC 4884. */
  readonly bodyLength: number;
}

/** Codes of `unreachable` (IANA, "ICMP Type Numbers"). */
export const UNREACHABLE = {
  network: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  sourceRouteFailed: 5,
  networkProhibited: 9,
  hostProhibited: 10,
  prohibited: 13,
} as const;

const ECHO_REPLY = 0;
const DESTINATION_UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const ECHO_REQUEST = 8;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;

/** Reads the message that fills the packet; the packet stays as it is. The checksum is verified unless it is vouched for. */
export function parse(packet: PacketBuffer): IcmpPacket | DropReason {
  const { view, head, tail } = packet;
  if (tail - head < ICMP_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  if (packet.checksum === 'complete' && checksum(packet.bytes, head, tail) !== 0) return 'ICMP_CSUM';
  const bodyAt = head + ICMP_HEADER_LENGTH;
  const type = view.getUint8(head);
  const extended = type === DESTINATION_UNREACHABLE || type === TIME_EXCEEDED || type === PARAMETER_PROBLEM;
  const bodyLength = extended ? quotedLength(view.getUint8(head + 5) * 4, tail - bodyAt) : tail - bodyAt;
  return { message: readMessage(view, head, type), bodyAt, bodyLength };
}

/** RFC 4884 5: a length of at least 128 bytes means that extensions follow the quoted datagram. */
export function quotedLength(announced: number, available: number): number {
  return announced >= 128 && announced < available ? announced : available;
}

function readMessage(view: DataView, at: number, type: number): IcmpMessage {
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
      return {
        type: 'unreachable',
        code,
        nextHopMtu: code === UNREACHABLE.fragmentationNeeded ? view.getUint16(at + 6) : undefined,
      };
    case TIME_EXCEEDED:
      return { type: 'time-exceeded', code };
    case PARAMETER_PROBLEM:
      return { type: 'parameter-problem', code, pointer: view.getUint8(at + 4) };
    case SOURCE_QUENCH:
      return { type: 'source-quench' };
    case REDIRECT:
      return { type: 'redirect', code, gateway: readIPv4(view, at + 4) };
    default:
      break;
  }
  return { type: 'other', typeNumber: type, code, rest: view.getUint32(at + 4) };
}

/** Puts the header in front of the packet, whose contents are the body, with the checksum over both. */
export function emit(message: IcmpMessage, packet: PacketBuffer): void {
  const at = packet.push(ICMP_HEADER_LENGTH);
  writeMessage(message, packet.view, at);
  packet.view.setUint16(at + 2, checksum(packet.bytes, at, packet.tail));
}

function writeMessage(message: IcmpMessage, view: DataView, at: number): void {
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
      return writeIcmpHeader(view, at, DESTINATION_UNREACHABLE, message.code, message.nextHopMtu ?? 0);
    case 'time-exceeded':
      return writeIcmpHeader(view, at, TIME_EXCEEDED, message.code, 0);
    case 'parameter-problem':
      return writeIcmpHeader(view, at, PARAMETER_PROBLEM, message.code, message.pointer * 0x100_0000);
    case 'source-quench':
      return writeIcmpHeader(view, at, SOURCE_QUENCH, 0, 0);
    case 'redirect':
      return writeIcmpHeader(view, at, REDIRECT, message.code, message.gateway);
    case 'other':
      return writeIcmpHeader(view, at, message.typeNumber, message.code, message.rest);
  }
}
