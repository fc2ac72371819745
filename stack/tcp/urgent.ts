/** Urgent data on its way out [RFC 9293 3.8.5]. */

import { blocked } from './send-plan.ts';
import type { TcpConnection } from './connection.ts';
import type { Sender } from './sender.ts';
import { type SeqNumber, distance, geq } from './sequence.ts';

/**
 * The urgent pointer of a segment at `at`: how far the number behind the urgent data lies ahead [RFC 9293 MUST-62]. What does not fit
 * into 16 bits is told as 65,535, and more with later segments [MUST-31]. Undefined: no URG.
 */
export function urgentPointer({ up }: Sender, at: SeqNumber): number | undefined {
  return up === undefined || geq(at, up) ? undefined : Math.min(distance(at, up), 0xffff);
}

/** Urgent data is news to the peer, but its window is closed: the pointer is told without it [RFC 9293 MUST-66]. */
export function urgentDue({ sender, urgentTold }: TcpConnection): boolean {
  const { up } = sender;
  return up !== undefined && up !== urgentTold && blocked(sender) === 'window';
}
