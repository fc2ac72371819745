import type { SendCause } from '../trace.ts';
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
