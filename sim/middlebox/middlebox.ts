import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import type { LinkDirection, LinkReason } from '../link/link-event.ts';

/** What a middlebox sees of a packet, and what it can do beside changing the bytes. */
export interface Passage {
  /** The box may change the bytes, head and tail. */
  readonly packet: PacketBuffer;
  readonly direction: LinkDirection;
  readonly medium: 'ip' | 'ethernet';
  readonly now: Instant;
  /** Sends an IP packet of the box's own along the link, this way or that; it passes no middlebox of the link. */
  inject(packet: PacketBuffer, direction: LinkDirection): void;
  /** Tells the trace what was changed. */
  rewrote(detail: string): void;
}

/**
 * Something between the hosts that looks into packets. It has state of its own, so that each world needs a new one, and one box may
 * stand in both directions of a link.
 */
export interface Middlebox {
  readonly name: string;
  /** `pass`, or why the packet is lost. */
  process(passage: Passage): 'pass' | LinkReason;
}

/** The other way. */
export function opposite(direction: LinkDirection): LinkDirection {
  return direction === 'a→b' ? 'b→a' : 'a→b';
}
