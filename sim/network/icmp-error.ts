import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { mayBeReported, QUOTE_LIMIT } from '../../stack/ip/icmp-errors.ts';
import { type IPv4Address, isBroadcast, isMulticast, readIPv4 } from '../../stack/wire/address.ts';
import { type IcmpMessage, emit } from '../../stack/wire/icmp.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
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
