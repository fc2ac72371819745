/**
 * The IPv6 header, RFC 8200 3. Extension headers are payload here.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IPv6Address, readIPv6, writeIPv6 } from './address.ts';

/** The header's length in bytes. */
export const IPV6_HEADER_LENGTH = 40;

/** An IPv6 header. */
export interface IPv6Header {
  readonly source: IPv6Address;
  readonly destination: IPv6Address;
  /** DSCP and ECN, 0..255. */
  readonly trafficClass: number;
  /** 0..2^20-1 */
  readonly flowLabel: number;
  /** The protocol, or the first extension header: 0..255. */
  readonly nextHeader: number;
  /** 0..255 */
  readonly hopLimit: number;
  /** In bytes, without this header: 0..65535. `emit` takes it from the packet. */
  readonly payloadLength: number;
}

/** What `emit` needs of a header: the length comes from the packet. */
export type IPv6HeaderToEmit = Omit<IPv6Header, 'payloadLength'>;

/** Reads the header at the packet's head; the packet stays as it is. What is beyond `payloadLength` is padding. */
export function parse(packet: PacketBuffer): IPv6Header | DropReason {
  const { view, head } = packet;
  const available = packet.tail - head;
  if (available < IPV6_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  const first = view.getUint32(head);
  if (first >>> 28 !== 6) return 'IP_INHDR';
  const payloadLength = view.getUint16(head + 4);
  if (payloadLength > available - IPV6_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  return {
    source: readIPv6(view, head + 8),
    destination: readIPv6(view, head + 24),
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xf_ffff,
    nextHeader: view.getUint8(head + 6),
    hopLimit: view.getUint8(head + 7),
    payloadLength,
  };
}

/** Puts the header in front of the packet, whose contents are the payload: at most 65535 bytes. */
export function emit(header: IPv6HeaderToEmit, packet: PacketBuffer): void {
  const payloadLength = packet.tail - packet.head;
  const at = packet.push(IPV6_HEADER_LENGTH);
  const { view } = packet;
  view.setUint32(at, 0x6000_0000 | (header.trafficClass << 20) | header.flowLabel);
  view.setUint16(at + 4, payloadLength);
  view.setUint8(at + 6, header.nextHeader);
  view.setUint8(at + 7, header.hopLimit);
  writeIPv6(view, at + 8, header.source);
  writeIPv6(view, at + 24, header.destination);
}
