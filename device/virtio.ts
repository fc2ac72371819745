import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';

/*
 * The header that a TUN or TAP device with IFF_VNET_HDR puts in front of each packet, both ways (Virtio 1.2, 5.1.6):
 * flags, GSO type, header length, GSO size, checksum start, checksum offset, and with 12 bytes a buffer count that TUN
 * leaves unused. Little-endian: the addon asks for that (TUNSETVNETLE).
 */
const FLAGS = 0;
const GSO_TYPE = 1;
const HEADER_LENGTH = 2;
const GSO_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;
const BUFFER_COUNT = 10;

/** The transport checksum is partial, see `CHECKSUM_START` and `CHECKSUM_OFFSET`. */
const NEEDS_CSUM = 1;
/** The checksum has been verified by whoever received the packet. */
const DATA_VALID = 2;

const GSO_NONE = 0;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
/** Beside a GSO type: the CWR flag is set, and is to be on the first of the cut segments only. */
const GSO_ECN = 0x80;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;

const TCP_CWR = 0x80;

/** Bytes of an Ethernet header, before VLAN tags. */
const ETHERNET_HEADER = 14;

/** Where a packet's transport header is: `at` counts from the beginning of the buffer. */
interface Transport {
  readonly version: number;
  readonly protocol: number;
  readonly at: number;
}

/** The bytes of header to ask the kernel for: the one of 10 or 12 that leaves the IP header on a multiple of four. */
export function virtioHeaderSize(medium: 'ip' | 'ethernet'): number {
  return medium === 'ip' ? 12 : 10;
}

/** Takes over into `packet` what the header at `at` says of it. */
export function parseVirtioHeader(packet: PacketBuffer, at: number): void {
  const view = packet.view;
  const flags = view.getUint8(at + FLAGS);
  if ((flags & NEEDS_CSUM) !== 0) packet.checksum = 'partial';
  else packet.checksum = (flags & DATA_VALID) !== 0 ? 'verified' : 'complete';
  packet.segmentSize = view.getUint8(at + GSO_TYPE) === GSO_NONE ? 0 : view.getUint16(at + GSO_SIZE, true);
}

/**
 * Writes into the `size` bytes in front of `packet` what the kernel is to do to it. A super-segment's checksum is taken to
 * be partial, as the kernel wants it. The packet itself is only read.
 */
export function emitVirtioHeader(packet: PacketBuffer, size: number, medium: 'ip' | 'ethernet'): void {
  const at = packet.head - size;
  const view = packet.view;
  view.setUint32(at, 0);
  view.setUint32(at + GSO_SIZE, 0);
  view.setUint16(at + CHECKSUM_OFFSET, 0);
  if (size > BUFFER_COUNT) view.setUint16(at + BUFFER_COUNT, 0);
  if (packet.checksum !== 'partial' && packet.segmentSize === 0) return;
  const transport = transportOf(packet, medium);
  if (transport === undefined) return;
  const offset = checksumOffset(transport.protocol);
  if (offset === undefined || transport.at + offset + 2 > packet.tail) return;
  view.setUint8(at + FLAGS, NEEDS_CSUM);
  view.setUint16(at + CHECKSUM_START, transport.at - packet.head, true);
  view.setUint16(at + CHECKSUM_OFFSET, offset, true);
  if (packet.segmentSize > 0 && transport.protocol === TCP) emitSegmentation(packet, at, transport);
}

function emitSegmentation(packet: PacketBuffer, at: number, transport: Transport): void {
  const view = packet.view;
  const headerEnd = transport.at + (view.getUint8(transport.at + 12) >> 4) * 4;
  // A super-segment that needs no cut is an ordinary one.
  if (packet.tail - headerEnd <= packet.segmentSize) return;
  const ecn = (view.getUint8(transport.at + 13) & TCP_CWR) !== 0 ? GSO_ECN : 0;
  view.setUint8(at + GSO_TYPE, (transport.version === 6 ? GSO_TCPV6 : GSO_TCPV4) | ecn);
  view.setUint16(at + HEADER_LENGTH, headerEnd - packet.head, true);
  view.setUint16(at + GSO_SIZE, packet.segmentSize, true);
}

/** Where the checksum is in a transport header. */
function checksumOffset(protocol: number): number | undefined {
  if (protocol === TCP) return 16;
  if (protocol === UDP) return 6;
  return protocol === ICMP || protocol === ICMPV6 ? 2 : undefined;
}

function transportOf(packet: PacketBuffer, medium: 'ip' | 'ethernet'): Transport | undefined {
  const view = packet.view;
  let ip = packet.head;
  if (medium === 'ethernet') {
    ip += ETHERNET_HEADER;
    // 802.1Q and 802.1ad tags, four bytes each.
    while (ip <= packet.tail && isVlanTag(view.getUint16(ip - 2))) ip += 4;
  }
  if (packet.tail - ip < 20) return undefined;
  const version = view.getUint8(ip) >> 4;
  if (version === 4) {
    return { version, protocol: view.getUint8(ip + 9), at: ip + (view.getUint8(ip) & 0x0f) * 4 };
  }
  if (version !== 6 || packet.tail - ip < 40) return undefined;
  let protocol = view.getUint8(ip + 6);
  let at = ip + 40;
  while (protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION_OPTIONS) {
    if (at + 8 > packet.tail) return undefined;
    protocol = view.getUint8(at);
    at += (view.getUint8(at + 1) + 1) * 8;
  }
  return { version, protocol, at };
}

function isVlanTag(type: number): boolean {
  return type === 0x8100 || type === 0x88a8;
}
