/**
 * What the device does with offloads, in software: cutting a TCP super-segment into the segments of the wire, and finishing
 * a `partial` transport checksum. For devices without help of their own, and for captures, which show the wire.
 */
import { checksum, sum } from '../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../stack/wire/ipv4.ts';

/** Where the parts of a TCP or UDP packet lie, as indices into its `bytes`. */
export interface TransportLayout {
  readonly version: 4 | 6;
  readonly protocol: typeof PROTOCOL_TCP | typeof PROTOCOL_UDP;
  /** Where the IP header begins. */
  readonly ip: number;
  /** Where the TCP or UDP header begins. */
  readonly transport: number;
  /** Where its payload begins. */
  readonly payload: number;
  /** Where the IP packet ends: a frame may be padded after it. */
  readonly end: number;
}

/** Memory for one packet of `size` bytes, empty, as `PacketArena.allocate` gives it; undefined if there is none left. */
export type Allocate = (headroom: number, size: number) => PacketBuffer | undefined;

const FIN_PSH = 0x09;
const CWR = 0x80;

/**
 * Gives `use` every segment that `packet` is on the wire, first to last: headers copied, lengths, identification, sequence
 * numbers, flags and checksums right. A packet that needs no cutting gives one, itself finished. Each is written into
 * memory from `allocate` (one scratch packet may be given out again and again if `use` keeps none). Returns how many were
 * given: fewer than there are if `allocate` gave out.
 *
 * FIN and PSH go on the last segment only, CWR on the first only [RFC 3168 6.1.2]. The identification counts up, as Linux
 * does it, with DF or without. Senders make no super-segment with URG: the urgent pointer is copied as it is.
 */
export function segments(
  packet: PacketBuffer,
  medium: 'ip' | 'ethernet',
  allocate: Allocate,
  use: (segment: PacketBuffer) => void,
  headroom: number = 0,
): number {
  const layout = transportOf(packet, medium);
  const size = packet.segmentSize;
  if (layout?.protocol !== PROTOCOL_TCP || size <= 0 || layout.end - layout.payload <= size) {
    const copy = copyOf(packet, allocate(headroom, packet.length));
    if (copy === undefined) return 0;
    if (packet.checksum === 'partial') completeChecksum(copy, medium);
    use(copy);
    return 1;
  }
  let count = 0;
  for (let at = layout.payload; at < layout.end; at += size) {
    const end = Math.min(at + size, layout.end);
    const segment = allocate(headroom, layout.payload - packet.head + end - at);
    if (segment === undefined) break;
    writeSegment(packet, layout, segment, at, end, count);
    use(segment);
    count += 1;
  }
  return count;
}

/**
 * Finishes a `partial` checksum in place; any other packet stays as it is. The field is computed afresh, so it does not
 * matter what it held.
 */
export function completeChecksum(packet: PacketBuffer, medium: 'ip' | 'ethernet'): void {
  if (packet.checksum !== 'partial') return;
  packet.checksum = 'complete';
  const layout = transportOf(packet, medium);
  if (layout !== undefined) writeChecksum(packet, layout, layout.ip, layout.transport, layout.end);
}

/** How many segments `packet` is on the wire: 1 unless it is a super-segment. */
export function segmentCount(packet: PacketBuffer, medium: 'ip' | 'ethernet'): number {
  if (packet.segmentSize <= 0) return 1;
  const layout = transportOf(packet, medium);
  if (layout?.protocol !== PROTOCOL_TCP) return 1;
  return Math.max(1, Math.ceil((layout.end - layout.payload) / packet.segmentSize));
}

/** Finds the TCP or UDP header; undefined if there is none (another protocol, a fragment, not whole). */
export function transportOf(packet: PacketBuffer, medium: 'ip' | 'ethernet'): TransportLayout | undefined {
  const ip = medium === 'ip' ? packet.head : afterEthernet(packet);
  if (ip >= packet.tail) return undefined;
  const version = packet.view.getUint8(ip) >>> 4;
  if (version === 4) return overIPv4(packet, ip);
  if (version === 6) return overIPv6(packet, ip);
  return undefined;
}

/** Where the Ethernet header with its VLAN tags ends; the tail if what follows is not IP. */
function afterEthernet(packet: PacketBuffer): number {
  const { view, head, tail } = packet;
  for (let at = head + 12; at + 2 <= tail; at += 4) {
    const type = view.getUint16(at);
    if (type === 0x0800 || type === 0x86dd) return at + 2;
    if (type !== 0x8100 && type !== 0x88a8) break;
  }
  return tail;
}

function overIPv4(packet: PacketBuffer, ip: number): TransportLayout | undefined {
  const { view, tail } = packet;
  if (tail - ip < 20) return undefined;
  const isFragment = (view.getUint16(ip + 6) & 0x3fff) !== 0;
  if (isFragment) return undefined;
  const transport = ip + (view.getUint8(ip) & 0xf) * 4;
  const end = ip + view.getUint16(ip + 2);
  return end > tail ? undefined : layoutOf(packet, 4, view.getUint8(ip + 9), ip, transport, end);
}

function overIPv6(packet: PacketBuffer, ip: number): TransportLayout | undefined {
  const { view, tail } = packet;
  if (tail - ip < 40) return undefined;
  const end = ip + 40 + view.getUint16(ip + 4);
  if (end > tail) return undefined;
  let next = view.getUint8(ip + 6);
  let at = ip + 40;
  // Hop-by-hop, routing and destination options: next header, then the length in units of 8 bytes after the first 8.
  while ((next === 0 || next === 43 || next === 60) && at + 8 <= end) {
    next = view.getUint8(at);
    at += 8 + view.getUint8(at + 1) * 8;
  }
  return layoutOf(packet, 6, next, ip, at, end);
}

function layoutOf(
  packet: PacketBuffer,
  version: 4 | 6,
  protocol: number,
  ip: number,
  transport: number,
  end: number,
): TransportLayout | undefined {
  if (protocol === PROTOCOL_UDP) {
    const payload = transport + 8;
    return payload > end ? undefined : { version, protocol, ip, transport, payload, end };
  }
  if (protocol !== PROTOCOL_TCP || transport + 20 > end) return undefined;
  const payload = transport + (packet.view.getUint8(transport + 12) >>> 4) * 4;
  if (payload > end || payload < transport + 20) return undefined;
  return { version, protocol, ip, transport, payload, end };
}

function copyOf(packet: PacketBuffer, copy: PacketBuffer | undefined): PacketBuffer | undefined {
  if (copy === undefined) return undefined;
  copyBytes(packet, packet.head, packet.tail, copy, copy.head);
  copy.tail = copy.head + packet.length;
  copy.checksum = packet.checksum;
  copy.segmentSize = 0;
  return copy;
}

/** Writes the segment with the payload `[from, to)`, the `index`-th, into `segment`. */
function writeSegment(
  packet: PacketBuffer,
  layout: TransportLayout,
  segment: PacketBuffer,
  from: number,
  to: number,
  index: number,
): void {
  const { view, head } = segment;
  const shift = head - packet.head;
  copyBytes(packet, packet.head, layout.payload, segment, head);
  copyBytes(packet, from, to, segment, layout.payload + shift);
  segment.tail = layout.payload + shift + to - from;
  segment.segmentSize = 0;
  segment.checksum = 'complete';

  const ip = layout.ip + shift;
  const transport = layout.transport + shift;
  if (layout.version === 4) {
    view.setUint16(ip + 2, segment.tail - ip);
    view.setUint16(ip + 4, (view.getUint16(ip + 4) + index) & 0xffff);
    view.setUint16(ip + 10, 0);
    view.setUint16(ip + 10, checksum(segment.bytes, ip, ip + (view.getUint8(ip) & 0xf) * 4));
  } else {
    view.setUint16(ip + 4, segment.tail - ip - 40);
  }
  view.setUint32(transport + 4, view.getUint32(transport + 4) + (from - layout.payload));
  let flags = view.getUint8(transport + 13);
  if (index > 0) flags &= ~CWR;
  if (to < layout.end) flags &= ~FIN_PSH;
  view.setUint8(transport + 13, flags);
  writeChecksum(segment, layout, ip, transport, segment.tail);
}

/** The transport checksum over the pseudo-header as it stands in the IP header [RFC 9293 3.1, RFC 8200 8.1]. */
function writeChecksum(
  packet: PacketBuffer,
  layout: TransportLayout,
  ip: number,
  transport: number,
  end: number,
): void {
  const { bytes, view } = packet;
  const [addresses, addressesEnd] = layout.version === 4 ? [ip + 12, ip + 20] : [ip + 8, ip + 40];
  const pseudo = sum(bytes, addresses, addressesEnd, layout.protocol + (end - transport));
  const field = transport + (layout.protocol === PROTOCOL_TCP ? 16 : 6);
  view.setUint16(field, 0);
  const value = checksum(bytes, transport, end, pseudo);
  // A UDP checksum of 0 would say that there is none [RFC 768].
  view.setUint16(field, value === 0 && layout.protocol === PROTOCOL_UDP ? 0xffff : value);
}

function copyBytes(from: PacketBuffer, at: number, end: number, to: PacketBuffer, target: number): void {
  to.bytes.set(from.bytes.subarray(at, end), target);
}
