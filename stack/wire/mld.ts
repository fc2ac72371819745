/**
 * Multicast listener reports, version 2, RFC 3810 5: what a switch listens to, so that it sends groups where they are wanted. Queries are
 * read as far as their answer needs it.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import { type IPv6Address, IPv6Address as Address, writeIPv6 } from './address.ts';
import type { IcmpOther } from './icmp.ts';
import { PROTOCOL_ICMPV6 } from './ipv4.ts';

/** ICMPv6 types [RFC 3810 5.1, 5.2]. */
export const MLD_QUERY = 130;
const MLD_REPORT_V2 = 143;

/** ff02::16, where reports go to [RFC 3810 5.2.14]. */
export const ALL_MLD_ROUTERS: IPv6Address = new Address(0xff02_0000, 0, 0, 0x16);

/** `is-exclude`: an answer, we listen to all senders. `to-exclude`: we began to. `to-include`: we listen to nobody any more [RFC 3810 5.2.12]. */
export type MldRecord = 'is-exclude' | 'to-include' | 'to-exclude';

const RECORD_TYPES: Readonly<Record<MldRecord, number>> = {
  'is-exclude': 2,
  'to-include': 3,
  'to-exclude': 4,
};
const RECORD_LENGTH = 20;
/** A hop-by-hop header with the router alert of RFC 2711 and padding [RFC 3810 5]. */
const ROUTER_ALERT: readonly number[] = [PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0];

/** Puts one record for each group in front of the packet, and returns the header for `icmpv6.emit`. */
export function emitRecords(
  record: MldRecord,
  groups: readonly IPv6Address[],
  packet: PacketBuffer,
): IcmpOther {
  for (const group of groups) {
    const at = packet.push(RECORD_LENGTH);
    packet.view.setUint32(at, RECORD_TYPES[record] << 24);
    writeIPv6(packet.view, at + 4, group);
  }
  return { type: 'other', typeNumber: MLD_REPORT_V2, code: 0, rest: groups.length };
}

/** Puts the hop-by-hop header that reports carry in front of the packet. */
export function emitRouterAlert(packet: PacketBuffer): void {
  packet.bytes.set(ROUTER_ALERT, packet.push(ROUTER_ALERT.length));
}

/** Maximum response delay of a query in milliseconds: the code in the header's bytes 4 and 5 [RFC 3810 5.1.3]. */
export function responseDelay({ rest }: IcmpOther): number {
  const code = rest >>> 16;
  if (code < 0x8000) return code;
  return ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
}
