import type { Duration, Instant } from '../../time.ts';
import type { RateRecord, RateSample } from '../delivery-rate.ts';
import type { SeqNumber } from '../sequence.ts';

/** What one ACK told. Sizes in bytes. */
export interface AckSample {
  readonly now: Instant;
  /** How far SND.UNA moved; 0 for an ACK that brought only SACK blocks, or nothing. */
  readonly acked: number;
  /** Newly acknowledged, cumulatively or selectively: DeliveredData [RFC 6937 2]. */
  readonly delivered: number;
  /** Newly marked lost upon this ACK. */
  readonly lost: number;
  /** Bytes in flight after this ACK (`pipe`), and before it. */
  readonly inFlight: number;
  readonly priorInFlight: number;
  /** Smoothed round-trip time; undefined before the first measurement. */
  readonly srtt: Duration | undefined;
  /** The smallest round-trip time of the connection so far. */
  readonly minRtt: Duration | undefined;
  /** The round-trip time that this ACK measured, if it did: never of what was sent twice, unless by timestamps. */
  readonly rtt: Duration | undefined;
  /** The retransmission timeout in use: the measure of "idle" [RFC 5681 4.1]. */
  readonly rto: Duration;
  /** The window had been used, so it may grow [RFC 5681 3.1; RFC 9438 5.8]. */
  readonly limited: boolean;
  /** What is acknowledged was sent again after a timeout [RFC 3465 2.3]. */
  readonly afterTimeout: boolean;
  /** SND.UNA after this ACK, and SND.NXT: both tell the rounds apart. */
  readonly seqAcked: SeqNumber;
  readonly seqSent: SeqNumber;
  /** The delivery rate, if this ACK delivered anything whose transmission was recorded. */
  readonly rate: RateSample | undefined;
}

/** What made the window smaller: a lost segment, or a mark [RFC 3168]. */
export type CongestionCause = 'loss' | 'ecn';

/** What an algorithm shows of its inside, to the trace, the labs and the tests: names as in its text. */
export type CongestionDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * How much may be in flight, and how fast. One interface for all algorithms; the sender tells what happened and reads `cwnd` and
 * `pacingRate`. All sizes in bytes.
 */
export interface CongestionControl {
  readonly name: string;
  /** The congestion window. Loss recovery by PRR sets it while recovery lasts [RFC 6937], unless the algorithm owns it. */
  cwnd: number;
  /** The slow start threshold. */
  ssthresh: number;
  /** Bytes per second the algorithm wants to be paced at; undefined: it has no opinion. */
  readonly pacingRate: number | undefined;
  /** The window is the algorithm's alone (BBR): neither PRR nor anything else sets `cwnd`. */
  readonly ownsWindow: boolean;
  /**
   * The handshake is over and the sender's maximum segment size known [RFC 5681 3.1]. `synLost`: its SYN or SYN-ACK left more than twice,
   * so sending begins with a single segment [RFC 5681 3.1; RFC 6928 2]. `srtt`: what the handshake measured. `selective`: SACK is in use.
   */
  established(
    smss: number,
    synLost: boolean,
    now: Instant,
    srtt: Duration | undefined,
    selective?: boolean,
  ): void;
  /** The sender's maximum segment size has changed, by path MTU discovery [RFC 5681 3.1]. */
  mssChanged(smss: number): void;
  /** An ACK for new data outside of fast recovery: the window may grow. */
  acknowledged(sample: AckSample): void;
  /** For algorithms with a model of the path: every ACK, inside of fast recovery too, and before `acknowledged`. */
  sampled?(sample: AckSample): void;
  /** The transmission `record` of `bytes` was marked lost; for algorithms with a model, before the `sampled` of the same ACK. */
  lost?(record: RateRecord, bytes: number, now: Instant): void;
  /** Data is about to leave with `inFlight` bytes out before it; for algorithms with a model, before the `DeliveryRate` records it. */
  segmentSent?(inFlight: number, now: Instant): void;
  /**
   * A loss was inferred (or a mark came, `cause`) with `flightSize` bytes out: one reduction for each window of data [RFC 5681 3.2,
   * step 2; RFC 3168 6.1.2]. Sets `ssthresh`, and `cwnd` as a sender without SACK needs it for a loss; PRR then overwrites `cwnd`.
   */
  enterRecovery(flightSize: number, now: Instant, cause: CongestionCause): void;
  /** A further duplicate ACK in fast recovery, without SACK: a segment has left the network [RFC 5681 3.2, step 4]. */
  duplicateAck(): void;
  /** An ACK in fast recovery, without SACK, that does not cover everything [RFC 6582 3.2, step 3]. */
  partialAck(acked: number): void;
  /** Everything that was out at the start of fast recovery is acknowledged [RFC 6582 3.2, step 3]. */
  exitRecovery(flightSize: number): void;
  /** The retransmission timer went off, for the first time for this segment (`first`) or again [RFC 5681 3.1, equation 4]. */
  timeout(flightSize: number, first: boolean, now: Instant): void;
  /** Data is about to leave after `idle`, longer than `rto`, without any [RFC 5681 4.1]. */
  restartAfterIdle(idle: Duration, rto: Duration): void;
  /**
   * The last `enterRecovery` or `timeout` was for nothing (Eifel, F-RTO, DSACK): the window as before it [RFC 4015 3.2; RFC 9438 4.9].
   * Call it before the ACK that told so is passed to `acknowledged`. Does nothing if there is nothing to undo.
   */
  undo(): void;
  /** The inside of the algorithm, for people to look at. */
  details(): CongestionDetails;
}
