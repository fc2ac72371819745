import { PacketBuffer } from '../bytes/packet-buffer.ts';
import * as ipv4 from '../wire/ipv4.ts';

/**
 * Cuts a payload (the packet's contents) into IPv4 fragments of at most `mtu` bytes [RFC 791 3.2], each with its header and
 * with `headroom` in front. The fragments are copies.
 */
export function fragment(
  header: ipv4.IPv4HeaderToEmit,
  payload: PacketBuffer,
  mtu: number,
  headroom: number,
): PacketBuffer[] {
  // All but the last carry a multiple of 8 bytes.
  const size = Math.max(8, (mtu - ipv4.IPV4_HEADER_LENGTH) & ~7);
  const room = headroom + ipv4.IPV4_HEADER_LENGTH;
  const count = Math.ceil(payload.length / size);
  // One piece of memory for all of them, and one view.
  const bytes = new Uint8Array(count * room + payload.length);
  const view = new DataView(bytes.buffer);
  const fragments: PacketBuffer[] = [];
  let at = 0;
  for (let offset = 0; offset < payload.length; offset += size) {
    const from = payload.head + offset;
    const to = Math.min(from + size, payload.tail);
    bytes.set(payload.bytes.subarray(from, to), at + room);
    const piece = new PacketBuffer(bytes, view, at + room, at + room + to - from);
    ipv4.emit({ ...header, moreFragments: to < payload.tail, fragmentOffset: offset }, piece);
    fragments.push(piece);
    at = piece.tail;
  }
  return fragments;
}
