import { PacketBuffer } from '../bytes/packet-buffer.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { emitFragment, FRAGMENT, FRAGMENT_HEADER_LENGTH } from '../wire/ipv6-extensions.ts';

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
  return cut(payload, mtu, headroom, ipv4.IPV4_HEADER_LENGTH, (piece, fragmentOffset, moreFragments) =>
    ipv4.emit({ ...header, moreFragments, fragmentOffset }, piece),
  );
}

/**
 * Cuts a payload (the packet's contents) into IPv6 fragments of at most `mtu` bytes [RFC 8200 4.5], each with its header and fragment header
 * and with `headroom` in front. `identification`: 0..2^32-1, not to be guessed [RFC 7739]. The fragments are copies.
 */
export function fragment6(
  header: ipv6.IPv6HeaderToEmit,
  payload: PacketBuffer,
  mtu: number,
  headroom: number,
  identification: number,
): PacketBuffer[] {
  const headers = ipv6.IPV6_HEADER_LENGTH + FRAGMENT_HEADER_LENGTH;
  const { nextHeader } = header;
  return cut(payload, mtu, headroom, headers, (piece, fragmentOffset, moreFragments) => {
    emitFragment({ nextHeader, fragmentOffset, moreFragments, identification }, piece);
    ipv6.emit({ ...header, nextHeader: FRAGMENT }, piece);
  });
}

function cut(
  payload: PacketBuffer,
  mtu: number,
  headroom: number,
  headers: number,
  emit: (piece: PacketBuffer, fragmentOffset: number, moreFragments: boolean) => void,
): PacketBuffer[] {
  // All but the last carry a multiple of 8 bytes.
  const size = Math.max(8, (mtu - headers) & ~7);
  const room = headroom + headers;
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
    emit(piece, offset, to < payload.tail);
    fragments.push(piece);
    at = piece.tail;
  }
  return fragments;
}
