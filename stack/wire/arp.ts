/**
 * ARP for IPv4 over Ethernet, RFC 826.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IPv4Address, readIPv4 } from './address.ts';
import { ETHERTYPE_IPV4 } from './ethernet.ts';
import { type MacAddress, readMac, writeMac } from './mac.ts';

/** The packet's length in bytes. */
export const ARP_LENGTH = 28;

/** An ARP packet. */
export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly senderMac: MacAddress;
  /** 0.0.0.0 in a probe (RFC 5227 1.1). */
  readonly senderIp: IPv4Address;
  /** Without meaning in a request. */
  readonly targetMac: MacAddress;
  readonly targetIp: IPv4Address;
}

const HARDWARE_ETHERNET = 1;
const REQUEST = 1;
const REPLY = 2;

/**
 * Reads the ARP packet at the packet's head, which may be followed by padding. Other hardware, other protocols and other
 * operations are `UNHANDLED_PROTO`; wrong address lengths `INVALID_PROTO`.
 */
export function parse(packet: PacketBuffer): ArpPacket | DropReason {
  const { view, head } = packet;
  if (packet.tail - head < ARP_LENGTH) return 'PKT_TOO_SMALL';
  if (view.getUint16(head) !== HARDWARE_ETHERNET) return 'UNHANDLED_PROTO';
  if (view.getUint16(head + 2) !== ETHERTYPE_IPV4) return 'UNHANDLED_PROTO';
  if (view.getUint16(head + 4) !== 0x0604) return 'INVALID_PROTO';
  const operation = view.getUint16(head + 6);
  if (operation !== REQUEST && operation !== REPLY) return 'UNHANDLED_PROTO';
  return {
    operation: operation === REQUEST ? 'request' : 'reply',
    senderMac: readMac(view, head + 8),
    senderIp: readIPv4(view, head + 14),
    targetMac: readMac(view, head + 18),
    targetIp: readIPv4(view, head + 24),
  };
}

/** Puts the ARP packet's 28 bytes in front of the packet, which is empty as a rule. */
export function emit(arp: ArpPacket, packet: PacketBuffer): void {
  const at = packet.push(ARP_LENGTH);
  const { view } = packet;
  view.setUint16(at, HARDWARE_ETHERNET);
  view.setUint16(at + 2, ETHERTYPE_IPV4);
  view.setUint16(at + 4, 0x0604);
  view.setUint16(at + 6, arp.operation === 'request' ? REQUEST : REPLY);
  writeMac(view, at + 8, arp.senderMac);
  view.setUint32(at + 14, arp.senderIp);
  writeMac(view, at + 18, arp.targetMac);
  view.setUint32(at + 24, arp.targetIp);
}
