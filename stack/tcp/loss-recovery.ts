import type { Duration, Instant } from '../time.ts';
import type { Rack } from './rack.ts';
import type { BlockReader } from './sack-blocks.ts';
import type { ArrivedSegment } from './segment.ts';
import type { SeqNumber } from './sequence.ts';

/** The sender's congestion state, in Linux's names (tcpi_ca_state). */
export type CongestionState = 'Open' | 'Disorder' | 'CWR' | 'Recovery' | 'Loss';

/** The round-trip times as they are at an ACK; `rtt`: what it measured. */
export interface AckTimes {
  readonly srtt: Duration | undefined;
  readonly minRtt: Duration | undefined;
  readonly rtt: Duration | undefined;
  readonly rto: Duration;
}

/** An ACK that was taken: SND.UNA has moved, SND.WND has not been updated from it yet. */
export interface TakenAck {
  readonly segment: ArrivedSegment;
  readonly ack: SeqNumber;
  /** How far SND.UNA moved. */
  readonly acked: number;
  /** FlightSize and pipe before it. */
  readonly flightBefore: number;
  readonly pipeBefore: number;
  readonly now: Instant;
  readonly times: AckTimes;
}

/** Finds losses and repairs them: one way for connections with SACK, one for those without. */
export interface LossRecovery {
  /** The first sequence number is chosen. */
  start(iss: SeqNumber): void;
  readonly state: CongestionState;
  /** Duplicate ACKs in a row. */
  readonly dupAcks: number;
  /** With SACK: what RACK knows, and what the peer's blocks told. */
  readonly rack?: Rack;
  readonly blocks?: BlockReader;
  /** Fast recovery, or what follows a timeout with SACK, is under way. */
  readonly active: boolean;
  /** The highest sequence number sent when the last loss was found. */
  readonly recover: SeqNumber;
  /** An ACK came: takes its SACK blocks, before SND.UNA moves. */
  takeBlocks(segment: ArrivedSegment, ack: SeqNumber, now: Instant, minRtt: Duration | undefined): void;
  /** What follows from the ACK. Returns whether the retransmission timer is to be restarted. */
  settle(ack: TakenAck): boolean;
  /** When the reordering timer is due; undefined: nothing waits for it [RFC 8985 6.2]. */
  readonly reorderingDeadline: Instant | undefined;
  reorderingTimeout(now: Instant, times: AckTimes): void;
  /** How long after the last new data, or the last ACK for new data, the tail is to be probed; undefined: not [RFC 8985 7.2]. */
  probeDelay(times: AckTimes): Duration | undefined;
  /** New data left, or was acknowledged, since this was last set to false: the probe timer starts again. */
  probeRestart: boolean;
  /** The probe timer went off. */
  probeTimeout(): void;
  /** The retransmission timer went off; `first`: for the first time since SND.UNA moved. */
  timeout(first: boolean, now: Instant, times: AckTimes): void;
  /**
   * The network says that it is congested, without a loss, in an ACK that is settled; `flight`: FlightSize before it [RFC 3168 6.1.2]. True if
   * the window was reduced.
   */
  congestionExperienced(now: Instant, flight: number): boolean;
  /** Reductions of the congestion window so far, for whatever reason: CWR tells the peer of each [RFC 3168 6.1.2]. */
  readonly reductions: number;
}
