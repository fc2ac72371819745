/** Packets that no stack of ours would send. */
import { checksum, pseudoHeaderSum } from '../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import * as ip from '../../stack/wire/ipv4.ts';
import { ATTACKER, type Forged, VICTIM, forge } from './field.ts';

/** A segment with these bytes as its options, padded with zeros. */
export function withOptions(forged: Forged, bytes: readonly number[]): PacketBuffer {
  const length = Math.ceil(bytes.length / 4) * 4;
  const plain = forge(forged).contents();
  const packet = new Uint8Array(plain.length + length);
  packet.set(plain.subarray(0, 40));
  packet.set(bytes, 40);
  packet.set(plain.subarray(40), 40 + length);
  packet[3] = packet.length;
  packet[32] = ((20 + length) / 4) << 4;
  return PacketBuffer.copyOf(repaired(packet));
}

/** The checksums put right as far as the lengths allow, so that the packet gets further; `source` if it is to have that one. */
export function repaired(packet: Uint8Array, source?: IPv4Address): Uint8Array {
  const bytes = packet;
  if (bytes.length < 20) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (source !== undefined) view.setUint32(12, source);
  const header = (view.getUint8(0) & 15) * 4;
  if (header < 20 || header > bytes.length) return bytes;
  view.setUint16(10, 0);
  view.setUint16(10, checksum(bytes, 0, header));
  const end = Math.min(view.getUint16(2), bytes.length);
  if (end < header + 18) return bytes;
  const from = view.getUint32(12) as IPv4Address;
  const to = view.getUint32(16) as IPv4Address;
  view.setUint16(header + 16, 0);
  const pseudo = pseudoHeaderSum(from, to, ip.PROTOCOL_TCP, end - header);
  view.setUint16(header + 16, checksum(bytes, header, end, pseudo));
  return bytes;
}

/** A fragment of a TCP packet. */
export function fragment(of: {
  readonly from?: IPv4Address;
  readonly identification: number;
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
  readonly payload?: Uint8Array;
}): PacketBuffer {
  const packet = PacketBuffer.allocate(60 + of.length, 60);
  packet.bytes.set(of.payload ?? new Uint8Array(of.length), 60);
  packet.tail += of.length;
  ip.emit(
    {
      source: of.from ?? ATTACKER,
      destination: VICTIM,
      protocol: ip.PROTOCOL_TCP,
      ttl: 64,
      tos: 0,
      identification: of.identification,
      dontFragment: false,
      moreFragments: of.more,
      fragmentOffset: of.offset,
    },
    packet,
  );
  return packet;
}
