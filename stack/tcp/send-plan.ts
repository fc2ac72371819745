import type { SendCause } from '../trace.ts';
import type { Sender } from './sender.ts';
import type { SeqNumber } from './sequence.ts';

/** What the sender wants to leave next, as a place in the sequence space. */
export interface SendPlan {
  readonly seq: SeqNumber;
  /** Payload bytes. */
  readonly length: number;
  readonly fin: boolean;
  /** Set on the last segment in the buffer [RFC 9293 MUST-61]. */
  readonly psh: boolean;
  readonly cause: SendCause;
}

/** Why nothing leaves although something waits. */
export type Blocked = 'nothing' | 'cwnd' | 'window' | 'nagle' | 'silly-window';

/** Why nothing leaves now. */
export function blocked(sender: Sender): Blocked {
  const lost = sender.scoreboard.lostBytes > 0;
  if (sender.unsent <= 0 || lost) return lost ? 'cwnd' : 'nothing';
  const flight = sender.flightSize;
  if (sender.wnd - flight <= 0) return 'window';
  if (sender.congestionRoom < Math.min(sender.mss, sender.unsent)) return 'cwnd';
  return flight > 0 ? 'nagle' : 'silly-window';
}
