import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { mayBeReported, QUOTE_LIMIT } from '../../stack/ip/icmp-errors.ts';
import { mayBeReported6, QUOTE_LIMIT_V6 } from '../../stack/ip/icmp6-errors.ts';
import {
  type IPv4Address,
  type IPv6Address,
  isBroadcast,
  isMulticast,
  isUnspecified,
  readIPv4,
  readIPv6,
} from '../../stack/wire/address.ts';
import { type IcmpMessage, emit } from '../../stack/wire/icmp.ts';
import { type Icmpv6Message, emit as emit6 } from '../../stack/wire/icmpv6.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
import * as ipv6 from '../../stack/wire/ipv6.ts';
import { plainHeader } from '../middlebox/firewall.ts';

/**
 * The ICMP error `message` from `from` about the IPv4 packet at the head of `packet`; undefined if none may be sent about it
 * [RFC 1122 3.2.2]. Memory of its own, with 16 bytes in front.
 */
export function icmpErrorAbout(
  packet: PacketBuffer,
  message: IcmpMessage,
  from: IPv4Address,
): PacketBuffer | undefined {
  const { view, head } = packet;
  if (!mayBeReported(packet, head)) return undefined;
  const sender = readIPv4(view, head + 12);
  const target = readIPv4(view, head + 16);
  if (sender === 0 || isBroadcast(sender) || isMulticast(sender)) return undefined;
  if (isBroadcast(target) || isMulticast(target)) return undefined;
  const quote = packet.bytes.subarray(head, Math.min(packet.tail, head + QUOTE_LIMIT));
  const error = PacketBuffer.copyOf(quote, 16 + 28);
  emit(message, error);
  ipv4.emit(plainHeader(from, sender, ipv4.PROTOCOL_ICMP), error);
  return error;
}

/** The same for ICMPv6 about an IPv6 packet [RFC 4443 2.4]. */
export function icmp6ErrorAbout(
  packet: PacketBuffer,
  message: Icmpv6Message,
  from: IPv6Address,
): PacketBuffer | undefined {
  const { view, head } = packet;
  if (packet.length < ipv6.IPV6_HEADER_LENGTH || !mayBeReported6(packet, head, 8)) return undefined;
  const sender = readIPv6(view, head + 8);
  if (isUnspecified(sender) || isMulticast(sender)) return undefined;
  // RFC 4443 2.4 (e.3): of the errors of a router only "too big" may be about a multicast packet.
  if (isMulticast(readIPv6(view, head + 24)) && message.type !== 'packet-too-big') return undefined;
  const quote = packet.bytes.subarray(head, Math.min(packet.tail, head + QUOTE_LIMIT_V6));
  const error = PacketBuffer.copyOf(quote, 16 + 48);
  emit6(message, error, from, sender);
  const still = { trafficClass: 0, flowLabel: 0, nextHeader: ipv4.PROTOCOL_ICMPV6, hopLimit: 64 };
  ipv6.emit({ ...still, source: from, destination: sender }, error);
  return error;
}
