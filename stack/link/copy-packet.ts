import { PacketBuffer } from '../bytes/packet-buffer.ts';

/** A packet over its own copy of the bytes, with what is known of checksum and segment size, and `headroom` in front. */
export function copyPacket(packet: PacketBuffer, headroom: number): PacketBuffer {
  const length = packet.tail - packet.head;
  const copy = PacketBuffer.allocate(headroom + length, headroom);
  copy.bytes.set(packet.bytes.subarray(packet.head, packet.tail), headroom);
  copy.tail = headroom + length;
  copy.checksum = packet.checksum;
  copy.segmentSize = packet.segmentSize;
  return copy;
}
