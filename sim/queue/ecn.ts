import { update } from '../../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';

/** Sets "congestion experienced" in the IP header [RFC 3168 5]; false if the packet is not ECN-capable. */
export function markCongestion(packet: PacketBuffer, medium: 'ip' | 'ethernet'): boolean {
  const { view } = packet;
  const ip = medium === 'ip' ? packet.head : packet.head + 14;
  if (ip + 20 > packet.tail) return false;
  const word = view.getUint16(ip);
  const version = word >>> 12;
  if (version === 4) {
    if ((word & 3) === 0) return false;
    view.setUint16(ip, word | 3);
    view.setUint16(ip + 10, update(view.getUint16(ip + 10), word, word | 3));
    return true;
  }
  if (version !== 6 || (word & 0x30) === 0) return false;
  view.setUint16(ip, word | 0x30);
  return true;
}
