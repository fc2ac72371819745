import type { Duration, Instant } from '../../time.ts';

/**
 * How much may be in flight. One interface for all algorithms; the sender tells what happened and reads `cwnd`. All sizes in bytes.
 */
export interface CongestionControl {
  readonly name: string;
  /** The congestion window. */
  readonly cwnd: number;
  /** The slow start threshold. */
  readonly ssthresh: number;
  /**
   * The handshake is over and the sender's maximum segment size known [RFC 5681 3.1]. `synLost`: its SYN or SYN-ACK left more than twice,
   * so sending begins with a single segment [RFC 5681 3.1; RFC 6928 2].
   */
  established(smss: number, synLost?: boolean): void;
  /**
   * `acked` bytes of new data were acknowledged outside of fast recovery. `limited`: the window had been used, so it may grow
   * [RFC 5681 3.1]. `afterTimeout`: what is acknowledged was sent again after a timeout [RFC 3465 2.3].
   */
  acknowledged(
    acked: number,
    limited: boolean,
    afterTimeout: boolean,
    now: Instant,
    srtt: Duration | undefined,
  ): void;
  /** Fast retransmit: a loss was inferred with `flightSize` bytes out [RFC 5681 3.2, step 2]. */
  enterRecovery(flightSize: number, now: Instant): void;
  /** A further duplicate ACK in fast recovery: a segment has left the network [RFC 5681 3.2, step 4]. */
  duplicateAck(): void;
  /** An ACK in fast recovery that does not cover everything [RFC 6582 3.2, step 3]. */
  partialAck(acked: number): void;
  /** Everything that was out at the start of fast recovery is acknowledged [RFC 6582 3.2, step 3]. */
  exitRecovery(flightSize: number): void;
  /** The retransmission timer went off, for the first time for this segment (`first`) or again [RFC 5681 3.1, equation 4]. */
  timeout(flightSize: number, first: boolean, now: Instant): void;
  /** Nothing was sent for longer than an RTO [RFC 5681 4.1]. */
  restartAfterIdle(): void;
}
