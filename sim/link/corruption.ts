import { completeChecksum, transportOf } from '../../device/segmentation.ts';
import { checksum } from '../../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { KeyedDice } from '../random.ts';

/** Bytes that arrive other than they were sent. */
export interface Corruption {
  /** Per packet, 0..1. */
  readonly p: number;
  /** One bit flipped, one byte changed, `bytes` bytes changed, or the end cut off. `bit` at first. */
  readonly kind?: 'bit' | 'byte' | 'bytes' | 'truncate';
  /** With `bytes`: how many, 1 and up; 4 at first. */
  readonly bytes?: number;
  /** Where: anywhere in the frame, or in the TCP or UDP header and payload, or in the payload alone. `frame` at first. */
  readonly where?: 'frame' | 'transport' | 'payload';
  /** `wrong`: as on a real wire, the checksum shows it. `fixed`: the checksums are made right, so that it goes past them. */
  readonly checksum?: 'wrong' | 'fixed';
}

/** One corruption, drawn. Offsets are fractions of 2^32, so that a plan fits a packet of any size. */
export interface CorruptionDraw {
  readonly [name: string]: number | string | readonly (readonly [number, number])[];
  readonly where: 'frame' | 'transport' | 'payload';
  readonly checksum: 'wrong' | 'fixed';
  /** Place (0..2^32-1) and what it is XORed with (1..255). */
  readonly flips: readonly (readonly [number, number])[];
  /** Where it is cut off (0..2^32-1), or -1. */
  readonly cut: number;
}

/** What becomes of packet `index`; undefined: nothing. */
export function drawCorruption(
  model: Corruption,
  dice: KeyedDice,
  index: number,
): CorruptionDraw | undefined {
  const { kind = 'bit', bytes = 4, where = 'frame', checksum: sum = 'wrong' } = model;
  if (!dice.chance(model.p, index, 0)) return undefined;
  if (kind === 'truncate') return { where, checksum: sum, flips: [], cut: dice.u32(index, 1) };
  const flips: [number, number][] = [];
  for (let number = 0; number < (kind === 'bytes' ? bytes : 1); number++) {
    const mask = dice.u32(index, 2 + 2 * number);
    const change = kind === 'bit' ? 1 << (mask & 7) : 1 + (mask % 255);
    flips.push([dice.u32(index, 1 + 2 * number), change]);
  }
  return { where, checksum: sum, flips, cut: -1 };
}

/** Does it to `packet`. */
export function corrupt(packet: PacketBuffer, draw: CorruptionDraw, medium: 'ip' | 'ethernet'): void {
  const layout = draw.where === 'frame' ? undefined : transportOf(packet, medium);
  const from =
    layout === undefined ? packet.head : draw.where === 'payload' ? layout.payload : layout.transport;
  const size = (layout?.end ?? packet.tail) - from;
  if (size <= 0) return;
  const place = (fraction: number): number => from + Math.floor((fraction * size) / 0x1_0000_0000);
  for (const [fraction, change] of draw.flips) {
    const at = place(fraction);
    packet.bytes[at] = (packet.bytes[at] ?? 0) ^ change;
  }
  // At least one byte is left: a frame of none is no frame.
  if (draw.cut >= 0) packet.tail = Math.max(packet.head + 1, place(draw.cut));
  if (draw.checksum === 'fixed') fixChecksums(packet, medium);
}

/** Makes length and checksums of an IPv4 packet right, as far as its header still says what it is. */
export function fixChecksums(packet: PacketBuffer, medium: 'ip' | 'ethernet'): void {
  const ip = medium === 'ip' ? packet.head : packet.head + 14;
  const { view, bytes } = packet;
  if (ip + 20 <= packet.tail && view.getUint8(ip) >>> 4 === 4) {
    const end = ip + (view.getUint8(ip) & 0xf) * 4;
    if (end > packet.tail) return;
    if (ip + view.getUint16(ip + 2) > packet.tail) view.setUint16(ip + 2, packet.tail - ip);
    view.setUint16(ip + 10, 0);
    view.setUint16(ip + 10, checksum(bytes, ip, end));
  }
  packet.checksum = 'partial';
  completeChecksum(packet, medium);
}
