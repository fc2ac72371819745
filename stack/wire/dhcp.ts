/**
 * DHCP messages, RFC 2131 2, with the options of RFC 2132 by number (their values: `dhcp-options.ts`). A message is the payload
 * of a UDP datagram.
 */
import type { DropReason } from '../drop-reasons.ts';
import type { IPv4Address } from './address.ts';
import { type MacAddress, readMac, writeMac } from './mac.ts';

/** Where a server listens, RFC 2131 4.1. */
export const DHCP_SERVER_PORT = 67;
/** Where a client listens, RFC 2131 4.1. */
export const DHCP_CLIENT_PORT = 68;

/** A DHCP message over Ethernet. */
export interface DhcpMessage {
  /** From a client, or from a server. */
  readonly op: 'request' | 'reply';
  /** Which answers belong to which question, 0..2^32-1. */
  readonly xid: number;
  /** Since the client began, in seconds, 0..65535. */
  readonly secs: number;
  /** The client asks for answers by broadcast. */
  readonly broadcast: boolean;
  /** The client's address, if it has one and answers ARP for it. */
  readonly ciaddr: IPv4Address;
  /** The address that the server gives. */
  readonly yiaddr: IPv4Address;
  readonly siaddr: IPv4Address;
  /** The relay agent. */
  readonly giaddr: IPv4Address;
  /** The client's. */
  readonly chaddr: MacAddress;
  /** Values by option number (1..254), in the order of their first appearance; parts of one option joined [RFC 3396]. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** Everything before the options: BOOTP's fields and the magic cookie. */
const FIXED_LENGTH = 240;
/** What BOOTP relays may want at least [RFC 1542 2.1]. */
const LEAST_LENGTH = 300;
const SNAME_AT = 44;
const FILE_AT = 108;
const COOKIE_AT = 236;
const MAGIC_COOKIE = 0x6382_5363;
const ETHERNET = 0x0106;
const BROADCAST_FLAG = 0x8000;
const PAD = 0;
const OVERLOAD = 52;
const END = 255;

/** Reads a message; `INVALID_PROTO` if it is not for Ethernet, has no cookie, or has an option that ends beyond its field. */
export function parse(bytes: Uint8Array): DhcpMessage | DropReason {
  if (bytes.length < FIXED_LENGTH) return 'PKT_TOO_SMALL';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const op = bytes[0];
  if ((op !== 1 && op !== 2) || view.getUint16(1) !== ETHERNET) return 'INVALID_PROTO';
  if (view.getUint32(COOKIE_AT) !== MAGIC_COOKIE) return 'INVALID_PROTO';
  const options = new Map<number, Uint8Array>();
  if (!readOptions(bytes, FIXED_LENGTH, bytes.length, options)) return 'INVALID_PROTO';
  // RFC 2131 4.1: options may go on in "file", then in "sname".
  const overload = options.get(OVERLOAD)?.[0] ?? 0;
  options.delete(OVERLOAD);
  if ((overload & 1) !== 0 && !readOptions(bytes, FILE_AT, COOKIE_AT, options)) return 'INVALID_PROTO';
  if ((overload & 2) !== 0 && !readOptions(bytes, SNAME_AT, FILE_AT, options)) return 'INVALID_PROTO';
  options.delete(OVERLOAD);
  return {
    op: op === 1 ? 'request' : 'reply',
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    broadcast: (view.getUint16(10) & BROADCAST_FLAG) !== 0,
    ciaddr: view.getUint32(12) as IPv4Address,
    yiaddr: view.getUint32(16) as IPv4Address,
    siaddr: view.getUint32(20) as IPv4Address,
    giaddr: view.getUint32(24) as IPv4Address,
    chaddr: readMac(view, 28),
    options,
  };
}

/** Adds the options of `bytes[at..end)`; false if one of them is cut off. */
function readOptions(bytes: Uint8Array, at: number, end: number, options: Map<number, Uint8Array>): boolean {
  let next = at;
  while (next < end) {
    const code = bytes[next] ?? END;
    next += 1;
    if (code === END) return true;
    if (code === PAD) continue;
    const length = bytes[next];
    if (length === undefined || next + 1 + length > end) return false;
    const part = bytes.slice(next + 1, next + 1 + length);
    const before = options.get(code);
    options.set(code, before === undefined ? part : joined(before, part));
    next += 1 + length;
  }
  return true;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** The message's bytes: at least 300; options of more than 255 bytes in several parts. */
export function emit(message: DhcpMessage): Uint8Array {
  const parts = [...message.options].flatMap(([code, value]) => partsOf(code, value));
  const length = parts.reduce((sum, part) => sum + part.length, FIXED_LENGTH + 1);
  const bytes = new Uint8Array(Math.max(LEAST_LENGTH, length));
  const view = new DataView(bytes.buffer);
  bytes[0] = message.op === 'request' ? 1 : 2;
  view.setUint16(1, ETHERNET);
  view.setUint32(4, message.xid);
  view.setUint16(8, message.secs);
  view.setUint16(10, message.broadcast ? BROADCAST_FLAG : 0);
  view.setUint32(12, message.ciaddr);
  view.setUint32(16, message.yiaddr);
  view.setUint32(20, message.siaddr);
  view.setUint32(24, message.giaddr);
  writeMac(view, 28, message.chaddr);
  view.setUint32(COOKIE_AT, MAGIC_COOKIE);
  let at = FIXED_LENGTH;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes[at] = END;
  return bytes;
}

function partsOf(code: number, value: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < value.length; at += 255) {
    const part = value.subarray(at, at + 255);
    parts.push(joined(Uint8Array.of(code, part.length), part));
  }
  return parts;
}
