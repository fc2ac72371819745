import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { IcmpErrorKind } from '../tcp/events.ts';
import { type Icmpv6Message, UNREACHABLE_V6 } from '../wire/icmpv6.ts';
import { ICMP_HEADER_LENGTH } from '../wire/icmp.ts';
import { PROTOCOL_ICMPV6 } from '../wire/ipv4.ts';
import { IPV6_HEADER_LENGTH } from '../wire/ipv6.ts';
import { findUpper, UNKNOWN_NEXT_HEADER } from './extension-headers.ts';
import { IPV6_MINIMUM_MTU } from './path-mtu.ts';

/** As much of the original as fits a packet of the minimum MTU [RFC 4443 2.4 (c)]. */
export const QUOTE_LIMIT_V6: number = IPV6_MINIMUM_MTU - IPV6_HEADER_LENGTH - ICMP_HEADER_LENGTH;

/** Types below this are errors [RFC 4443 2.1]. */
export const FIRST_INFORMATIONAL = 128;
const REDIRECT = 137;

/**
 * Whether the packet whose IPv6 header is at `headerAt` may be answered by an ICMPv6 error as far as its contents go: not an error itself, not
 * a redirect [RFC 4443 2.4 (e.1), (e.2)]. A fragment other than the first does not say, so it is not answered unless for itself.
 */
export function mayBeReported6(packet: PacketBuffer, headerAt: number, limit: number): boolean {
  const head = packet.head;
  packet.head = headerAt;
  const upper = findUpper(packet, limit);
  packet.head = head;
  if (upper === undefined || upper.later || upper.protocol !== PROTOCOL_ICMPV6) return true;
  if (upper.at >= packet.tail) return false;
  const type = packet.view.getUint8(upper.at);
  return type >= FIRST_INFORMATIONAL && type !== REDIRECT;
}

/** What an ICMPv6 error means to a transport; undefined if it is none. */
export function errorKind6(message: Icmpv6Message): IcmpErrorKind | undefined {
  switch (message.type) {
    case 'unreachable':
      return unreachableKind(message.code);
    case 'packet-too-big':
      return 'fragmentation-needed';
    case 'time-exceeded':
      return 'time-exceeded';
    case 'parameter-problem':
      return message.code === UNKNOWN_NEXT_HEADER ? 'protocol-unreachable' : 'parameter-problem';
    default:
      return undefined;
  }
}

/** RFC 4443 3.1. */
function unreachableKind(code: number): IcmpErrorKind | undefined {
  switch (code) {
    case UNREACHABLE_V6.noRoute:
      return 'net-unreachable';
    case UNREACHABLE_V6.prohibited:
    case 5: // the source address failed an ingress or egress policy
    case 6: // reject route
      return 'admin-prohibited';
    case UNREACHABLE_V6.beyondScope:
    case UNREACHABLE_V6.address:
      return 'host-unreachable';
    case UNREACHABLE_V6.port:
      return 'port-unreachable';
    default:
      return undefined;
  }
}
