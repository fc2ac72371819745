/**
 * The IPv4 header, RFC 791 3.1. Format only: whether a packet is for us is the host's question.
 */
import { checksum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IPv4Address, readIPv4 } from './address.ts';

/** Protocol numbers that this stack knows (IANA, "Protocol Numbers"). */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

/** The header's length without options, in bytes. */
export const IPV4_HEADER_LENGTH = 20;

/** An IPv4 header without its options, which `sourceRoute` reads. */
export interface IPv4Header {
  readonly source: IPv4Address;
  readonly destination: IPv4Address;
  /** 0..255 */
  readonly protocol: number;
  /** 0..255 */
  readonly ttl: number;
  /** The DSCP (6 bits) and ECN (2 bits) byte, 0..255. RFC 2474, RFC 3168 5. */
  readonly tos: number;
  /** 0..65535 */
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes: a multiple of 8, 0..65528. */
  readonly fragmentOffset: number;
  /** In bytes: 20..60, a multiple of 4. `emit` writes 20. */
  readonly headerLength: number;
  /** In bytes, header included: `headerLength`..65535. `emit` takes it from the packet. */
  readonly totalLength: number;
}

/** What `emit` needs of a header: the lengths come from the packet. */
export type IPv4HeaderToEmit = Omit<IPv4Header, 'headerLength' | 'totalLength'>;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;

/**
 * Reads the header at the packet's head; the packet stays as it is. A `totalLength` below the packet's length means that
 * the link padded it: the caller cuts it off. The header checksum is always verified (RFC 1122 3.2.1.2).
 */
export function parse(packet: PacketBuffer): IPv4Header | DropReason {
  const { view, head } = packet;
  const available = packet.tail - head;
  if (available < IPV4_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  const first = view.getUint8(head);
  if (first >>> 4 !== 4) return 'IP_INHDR';
  const headerLength = (first & 0xf) * 4;
  const totalLength = view.getUint16(head + 2);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return 'IP_INHDR';
  if (totalLength > available) return 'PKT_TOO_SMALL';
  if (checksum(packet.bytes, head, head + headerLength) !== 0) return 'IP_CSUM';
  const fragment = view.getUint16(head + 6);
  return {
    source: readIPv4(view, head + 12),
    destination: readIPv4(view, head + 16),
    protocol: view.getUint8(head + 9),
    ttl: view.getUint8(head + 8),
    tos: view.getUint8(head + 1),
    identification: view.getUint16(head + 4),
    dontFragment: (fragment & DONT_FRAGMENT) !== 0,
    moreFragments: (fragment & MORE_FRAGMENTS) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    headerLength,
    totalLength,
  };
}

/** Puts a header of 20 bytes in front of the packet, whose contents are the payload: at most 65515 bytes. */
export function emit(header: IPv4HeaderToEmit, packet: PacketBuffer): void {
  const at = packet.push(IPV4_HEADER_LENGTH);
  const { view } = packet;
  const fragment =
    (header.dontFragment ? DONT_FRAGMENT : 0) |
    (header.moreFragments ? MORE_FRAGMENTS : 0) |
    (header.fragmentOffset >>> 3);
  view.setUint16(at, 0x4500 | header.tos);
  view.setUint16(at + 2, packet.tail - at);
  view.setUint16(at + 4, header.identification);
  view.setUint16(at + 6, fragment);
  view.setUint16(at + 8, (header.ttl << 8) | header.protocol);
  view.setUint16(at + 10, 0);
  view.setUint32(at + 12, header.source);
  view.setUint32(at + 16, header.destination);
  view.setUint16(at + 10, checksum(packet.bytes, at, at + IPV4_HEADER_LENGTH));
}

const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/**
 * Walks the options in `view[at..end)`, the header's bytes 20 to `headerLength`: whether there is a source route (LSRR or
 * SSRR, RFC 791 3.1), or `IP_INHDR` if they are malformed. Other options are skipped (RFC 1122 3.2.1.8).
 */
export function sourceRoute(view: DataView, at: number, end: number): 'none' | 'present' | DropReason {
  let found: 'none' | 'present' = 'none';
  for (let i = at; i < end; ) {
    const kind = view.getUint8(i);
    if (kind === 0) break;
    if (kind === 1) {
      i += 1;
      continue;
    }
    if (i + 2 > end) return 'IP_INHDR';
    const length = view.getUint8(i + 1);
    if (length < 2 || i + length > end) return 'IP_INHDR';
    if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) {
      if (length < 3 || view.getUint8(i + 2) < 4) return 'IP_INHDR';
      found = 'present';
    }
    i += length;
  }
  return found;
}

/** Whether the options in `view[at..end)` are well-formed. */
export function ipv4OptionsOk(view: DataView, at: number, end: number): boolean {
  return sourceRoute(view, at, end) !== 'IP_INHDR';
}
