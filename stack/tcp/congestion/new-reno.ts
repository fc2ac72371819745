import type { TcpSettings } from '../../settings.ts';
import type { Duration, Instant } from '../../time.ts';
import type {
  AckSample,
  CongestionCause,
  CongestionControl,
  CongestionDetails,
} from './congestion-control.ts';

/** Slow start, congestion avoidance and NewReno's fast recovery: RFC 5681, RFC 6582 [RFC 9293 MUST-19], with byte counting by RFC 3465. */
export class NewReno implements CongestionControl {
  readonly name: string = 'newreno';
  cwnd: number = 0;
  ssthresh: number;
  readonly pacingRate: number | undefined = undefined;
  readonly ownsWindow: boolean = false;
  readonly #settings: TcpSettings;
  #smss: number = 0;
  /** Bytes acknowledged in congestion avoidance since cwnd last grew [RFC 3465 2.1]. */
  #bytesAcked: number = 0;
  /** cwnd and ssthresh before the last reduction. */
  #before: { readonly cwnd: number; readonly ssthresh: number } | undefined;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.ssthresh = settings.initialSsthresh;
  }

  established(smss: number, synLost: boolean): void {
    this.#smss = smss;
    this.cwnd = synLost ? smss : this.#initialWindow();
  }

  mssChanged(smss: number): void {
    // RFC 5681 3.1: no burst of many small segments in place of few large ones.
    if (smss < this.#smss) this.cwnd = Math.max(Math.floor((this.cwnd * smss) / this.#smss), smss);
    this.#smss = smss;
  }

  acknowledged({ acked, limited, afterTimeout }: AckSample): void {
    if (!limited) return;
    if (this.cwnd < this.ssthresh) {
      // RFC 3465 2.3: L is 1 while data is sent again after a timeout, since then one ACK may cover what was not lost.
      const limit = afterTimeout ? 1 : this.#settings.abcLimit;
      const growth = Math.min(acked, limit * this.#smss);
      // An ACK for many segments does not carry slow start far beyond ssthresh, where it has to end [RFC 5681 3.1].
      this.cwnd = Math.min(this.cwnd + growth, Math.max(this.ssthresh, this.cwnd + this.#smss));
      return;
    }
    this.#bytesAcked += acked;
    if (this.#bytesAcked >= this.cwnd) {
      this.#bytesAcked -= this.cwnd;
      this.cwnd += this.#smss;
    }
  }

  enterRecovery(flightSize: number, _now: Instant, cause: CongestionCause): void {
    this.#before = { cwnd: this.cwnd, ssthresh: this.ssthresh };
    this.ssthresh = this.#half(flightSize);
    // After a loss three segments have left the network.
    this.cwnd = this.ssthresh + (cause === 'loss' ? 3 * this.#smss : 0);
    this.#bytesAcked = 0;
  }

  duplicateAck(): void {
    this.cwnd += this.#smss;
  }

  partialAck(acked: number): void {
    this.cwnd = Math.max(this.cwnd - acked, 0);
    if (acked >= this.#smss) this.cwnd += this.#smss;
    this.cwnd = Math.max(this.cwnd, this.#smss);
  }

  exitRecovery(flightSize: number): void {
    // RFC 6582 3.2, step 3, option 1: no burst if little is left in flight.
    this.cwnd = Math.min(this.ssthresh, Math.max(flightSize, this.#smss) + this.#smss);
  }

  timeout(flightSize: number, first: boolean): void {
    if (first) {
      this.#before = { cwnd: this.cwnd, ssthresh: this.ssthresh };
      this.ssthresh = this.#half(flightSize);
    }
    this.cwnd = this.#smss; // the loss window
    this.#bytesAcked = 0;
  }

  restartAfterIdle(_idle: Duration, _rto: Duration): void {
    this.cwnd = Math.min(this.cwnd, this.#initialWindow());
  }

  undo(): void {
    if (this.#before === undefined) return;
    this.cwnd = Math.max(this.cwnd, this.#before.cwnd);
    this.ssthresh = Math.max(this.ssthresh, this.#before.ssthresh);
    this.#before = undefined;
  }

  details(): CongestionDetails {
    return { bytesAcked: this.#bytesAcked };
  }

  #half(flightSize: number): number {
    return Math.max(Math.floor(flightSize / 2), 2 * this.#smss);
  }

  /** RFC 6928 2: min(10 MSS, max(2 MSS, 14600)) for ten segments. */
  #initialWindow(): number {
    const segments = this.#settings.initialWindow;
    return Math.min(segments * this.#smss, Math.max(2 * this.#smss, segments * 1_460));
  }
}
