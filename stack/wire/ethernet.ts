/**
 * The Ethernet II header, IEEE 802.3 3.2.6 and RFC 894. No VLAN tags: a tagged frame has an EtherType that nobody takes.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type MacAddress, readMac, writeMac } from './mac.ts';

/** The header's length in bytes; the frame check sequence is the device's affair. */
export const ETHERNET_HEADER_LENGTH = 14;

/** EtherTypes (IANA, "IEEE 802 Numbers"). */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

/** An Ethernet header. */
export interface EthernetHeader {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  /** 0x0600..0xffff */
  readonly etherType: number;
}

/** Smaller values are the length of an IEEE 802.3 frame with an LLC header, which we do not take (RFC 1122 2.3.3). */
const FIRST_ETHERTYPE = 0x0600;

/** Reads the header at the packet's head; the packet stays as it is. */
export function parse(packet: PacketBuffer): EthernetHeader | DropReason {
  const { view, head } = packet;
  if (packet.tail - head < ETHERNET_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  const etherType = view.getUint16(head + 12);
  if (etherType < FIRST_ETHERTYPE) return 'UNHANDLED_PROTO';
  return { destination: readMac(view, head), source: readMac(view, head + 6), etherType };
}

/** Puts the header in front of the packet. Padding to 60 bytes is the device's affair. */
export function emit(header: EthernetHeader, packet: PacketBuffer): void {
  const at = packet.push(ETHERNET_HEADER_LENGTH);
  const { view } = packet;
  writeMac(view, at, header.destination);
  writeMac(view, at + 6, header.source);
  view.setUint16(at + 12, header.etherType);
}
