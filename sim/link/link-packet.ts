import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import type { PacketFate } from './fate.ts';

/** A packet on a link: memory of its own. */
export interface LinkPacket {
  readonly packet: PacketBuffer;
  /** How many entered this direction before it; a copy has the number of its original. */
  readonly index: number;
  /** 0; of a copy, 1 and up. */
  readonly copy: number;
  /** When it entered. */
  readonly at: Instant;
  /** What the dice say of it. */
  readonly fate: PacketFate;
  /** When it entered the queue. */
  queuedAt: Instant;
  /** What the dice added to its way, in µs. */
  extraDelay: number;
  /** It may arrive before one that was sent earlier. */
  mayOvertake: boolean;
}

/** `packet` in memory of its own, with room in front for an Ethernet header. */
export function copyOf(packet: PacketBuffer): PacketBuffer {
  const copy = PacketBuffer.copyOf(packet.contents(), 16);
  copy.checksum = packet.checksum === 'partial' ? 'partial' : 'complete';
  copy.segmentSize = packet.segmentSize;
  return copy;
}
