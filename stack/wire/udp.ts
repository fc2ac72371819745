/**
 * The UDP header, RFC 768.
 */
import { checksum, fold, pseudoHeaderSum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IpAddress, isIPv4 } from './address.ts';
import { PROTOCOL_UDP } from './ipv4.ts';

/** The header's length in bytes. */
export const UDP_HEADER_LENGTH = 8;

/** A UDP header. */
export interface UdpHeader {
  /** 0..65535; 0: no answer expected. */
  readonly sourcePort: number;
  /** 0..65535 */
  readonly destinationPort: number;
  /** In bytes, header included: 8..65535. `emit` takes it from the packet. */
  readonly length: number;
}

/** What `emit` needs of a header: the length comes from the packet. */
export type UdpHeaderToEmit = Omit<UdpHeader, 'length'>;

/** Reads the header at the packet's head; the packet stays as it is. What is beyond `length` is not payload. */
export function parse(packet: PacketBuffer): UdpHeader | DropReason {
  const { view, head } = packet;
  const available = packet.tail - head;
  if (available < UDP_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  const length = view.getUint16(head + 4);
  if (length < UDP_HEADER_LENGTH || length > available) return 'PKT_TOO_SMALL';
  return { sourcePort: view.getUint16(head), destinationPort: view.getUint16(head + 2), length };
}

/**
 * Whether the checksum of a datagram that `parse` accepted is right. Over IPv4 it may be missing (0; RFC 1122 4.1.3.4),
 * over IPv6 it may not (RFC 8200 8.1). True without looking if the packet says that it was verified, or never needed one.
 */
export function verifyChecksum(packet: PacketBuffer, source: IpAddress, destination: IpAddress): boolean {
  if (packet.checksum !== 'complete') return true;
  const { view, head } = packet;
  if (view.getUint16(head + 6) === 0) return isIPv4(source);
  const length = view.getUint16(head + 4);
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_UDP, length);
  return checksum(packet.bytes, head, head + length, pseudo) === 0;
}

/**
 * Puts the header in front of the packet, whose contents are the payload. If the packet's checksum is `partial`, only the
 * folded sum over the pseudo-header is written; else the checksum.
 */
export function emit(
  header: UdpHeaderToEmit,
  packet: PacketBuffer,
  source: IpAddress,
  destination: IpAddress,
): void {
  const at = packet.push(UDP_HEADER_LENGTH);
  const { view, tail } = packet;
  view.setUint16(at, header.sourcePort);
  view.setUint16(at + 2, header.destinationPort);
  view.setUint16(at + 4, tail - at);
  view.setUint16(at + 6, 0);
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_UDP, tail - at);
  if (packet.checksum === 'partial') {
    view.setUint16(at + 6, fold(pseudo));
    return;
  }
  const computed = checksum(packet.bytes, at, tail, pseudo);
  // 0 would mean that there is none; 0xffff is the same number in one's complement (RFC 768).
  view.setUint16(at + 6, computed === 0 ? 0xffff : computed);
}
