import type { ResetReason } from '../drop-reasons.ts';
import type { Duration, Instant } from '../time.ts';
import { AccountedBytes } from './connection-memory.ts';
import type { KeepAlive } from './events.ts';
import type { FastOpened } from './fast-open.ts';
import type { FastOpenAttempt } from './fast-open-client.ts';
import type { SynOffer } from './half-open.ts';
import type { SeqNumber } from './sequence.ts';
import type { TcpState } from './states.ts';

/** What a connection remembers beside its parts: what is in use, what is due, what the program asked for. */
export class ConnectionVariables {
  /** Window scaling and timestamps are in use (or offered, before the SYNs are exchanged). */
  windowScaling: boolean = false;
  timestamps: boolean = false;
  /** The SYN or SYN-ACK has to leave now. */
  synDue: boolean = false;
  /** An ACK has to leave now for a segment that was dropped [RFC 5961]. */
  challengeDue: boolean = false;
  lastChallenge: Instant = -1e15 as Instant;
  keepAliveDue: boolean = false;
  /** `send` took less than it was given, so the owner waits for `writable`. */
  writableWanted: boolean = false;
  /** Bytes that may wait unsent; the program chose the size of the send buffer. */
  notSentLowat: number = Infinity;
  sendBufferFixed: boolean = false;
  /** The last SND.UP that a segment told of. */
  urgentTold: SeqNumber | undefined;
  /** R1 was reached: IP is to be advised that the path may be dead [RFC 9293 MUST-20]. */
  pathInDoubt: boolean = false;
  resetDue: ResetReason | undefined;
  /** Retransmissions of the oldest segment (or the SYN) so far. */
  retransmissions: number = 0;
  /** The SYN was sent more than once [RFC 6298 5.7]. */
  synRetransmitted: boolean = false;
  /** A segment that is timed without timestamps: its end, and when it left [RFC 6298 3]. */
  timed: { readonly end: SeqNumber; readonly at: Instant } | undefined;
  /** Since when the oldest data waits for an ACK: for R2 and the user timeout. */
  progressAt: Instant = 0 as Instant;
  /** When an acceptable segment last came: junk from elsewhere proves nothing about the peer. */
  heardAt: Instant = 0 as Instant;
  persistBackoff: number = 0;
  keepAlive: KeepAlive | undefined;
  keepAliveProbes: number = 0;
  userTimeout: Duration | undefined;
  /** The program gave the connection up altogether: nobody reads, nobody waits. */
  orphaned: boolean = false;
  /** CLOSE came before the connection was established [RFC 9293 3.10.4]. */
  closeQueued: boolean = false;
  typeOfService: number = 0;
  /** Over IPv6 [RFC 6437]; 0 over IPv4. */
  flowLabel: number = 0;
  /** SYN-RECEIVED: what the peer's SYN offered. */
  synOffer: SynOffer | undefined;
  /** The connection rests as a record (`dormant.ts`), which knows the state; this object is only what its owner holds. */
  resting: (() => TcpState) | undefined;
  /** The handshake tells nothing about the round-trip time. */
  handshakeUntimed: boolean = false;
  readonly accounted: AccountedBytes = new AccountedBytes();
  /** Somebody looks at the object: no record may take its place. */
  observed: boolean = false;
  /** The Differentiated Services field and ECN bits of the segment last taken [RFC 9293 MAY-9]. */
  receivedTypeOfService: number = 0;
  /** The owner wants to hear of soft errors [RFC 9293 SHLD-20]. */
  softErrorReports: boolean = true;
  /** Fast Open: of the client, and of the server [RFC 7413]; undefined: it is not in use. */
  fastOpen: FastOpenAttempt | undefined;
  fastOpened: FastOpened | undefined;
}
