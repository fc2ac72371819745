import { checksum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { IcmpErrorKind } from '../tcp/events.ts';
import { type IcmpMessage, UNREACHABLE } from '../wire/icmp.ts';
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP } from '../wire/ipv4.ts';
import { IPV6_HEADER_LENGTH } from '../wire/ipv6.ts';

/** As much of the original as fits an ICMP packet of 576 bytes [RFC 1812 4.3.2.3]: 576 less the IP and ICMP headers. */
export const QUOTE_LIMIT = 548;

/** Destination unreachable, source quench, redirect, time exceeded, parameter problem [RFC 1122 3.2.2]. */
const ERROR_TYPES: readonly number[] = [3, 4, 5, 11, 12];

/**
 * Whether the packet whose IPv4 header is at `headerAt` may be answered by an ICMP error [RFC 1122 3.2.2]: not a fragment other than the
 * first, not an ICMP error itself. Broadcasts and impossible sources are the caller's affair.
 */
export function mayBeReported(packet: PacketBuffer, headerAt: number): boolean {
  const { view, tail } = packet;
  if (tail - headerAt < IPV4_HEADER_LENGTH) return false;
  if ((view.getUint16(headerAt + 6) & 0x1fff) !== 0) return false;
  if (view.getUint8(headerAt + 9) !== PROTOCOL_ICMP) return true;
  const typeAt = headerAt + (view.getUint8(headerAt) & 0xf) * 4;
  return typeAt < tail && !ERROR_TYPES.includes(view.getUint8(typeAt));
}

/** Where the checksum is in a transport's header, by protocol: TCP, UDP. */
const CHECKSUM_AT: ReadonlyMap<number, number> = new Map([
  [6, 16],
  [17, 6],
]);

/**
 * Finishes the transport checksum of a packet whose sender left it `partial` to its device, so that a quote shows the packet as a wire
 * would have carried it. The field holds the sum over the pseudo-header.
 */
export function finishChecksum(packet: PacketBuffer, headerAt: number): void {
  if (packet.checksum !== 'partial' || packet.segmentSize > 0) return;
  const { bytes, view, tail } = packet;
  const v6 = view.getUint8(headerAt) >>> 4 === 6; // without extension headers, if we sent it
  const offset = CHECKSUM_AT.get(view.getUint8(headerAt + (v6 ? 6 : 9)));
  const at = headerAt + (v6 ? IPV6_HEADER_LENGTH : (view.getUint8(headerAt) & 0xf) * 4);
  if (offset === undefined || at + offset + 2 > tail) return;
  const computed = checksum(bytes, at, tail);
  view.setUint16(at + offset, computed === 0 ? 0xffff : computed); // the same number; 0 would mean none in UDP [RFC 768]
  packet.checksum = 'complete';
}

/** What an ICMP error means to a transport; undefined if it is none, or one to be ignored. */
export function errorKind(message: IcmpMessage): IcmpErrorKind | undefined {
  switch (message.type) {
    case 'unreachable':
      return unreachableKind(message.code);
    case 'time-exceeded':
      return 'time-exceeded';
    case 'parameter-problem':
      return 'parameter-problem';
    default: // a source quench is ignored [RFC 6633; RFC 9293 MUST-55], and so is a redirect [attacks.md B9]
      return undefined;
  }
}

/** RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
function unreachableKind(code: number): IcmpErrorKind | undefined {
  switch (code) {
    case UNREACHABLE.network:
    case 6: // network unknown
    case 11: // network, for this type of service
      return 'net-unreachable';
    case UNREACHABLE.host:
    case 7: // host unknown
    case 8: // source host isolated
    case 12: // host, for this type of service
      return 'host-unreachable';
    case UNREACHABLE.protocol:
      return 'protocol-unreachable';
    case UNREACHABLE.port:
      return 'port-unreachable';
    case UNREACHABLE.fragmentationNeeded:
      return 'fragmentation-needed';
    case UNREACHABLE.sourceRouteFailed:
      return 'source-route-failed';
    case UNREACHABLE.networkProhibited:
    case UNREACHABLE.hostProhibited:
    case UNREACHABLE.prohibited:
    case 14: // host precedence violation
    case 15: // precedence cutoff
      return 'admin-prohibited';
    default:
      return undefined;
  }
}
