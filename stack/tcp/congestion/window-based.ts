import type { TcpSettings } from '../../settings.ts';
import { type Duration, type Instant, between } from '../../time.ts';
import type {
  AckSample,
  CongestionCause,
  CongestionControl,
  CongestionDetails,
} from './congestion-control.ts';
import { HyStart } from './hystart.ts';
import { initialWindow } from './initial-window.ts';

/**
 * What NewReno and CUBIC have in common: slow start with byte counting [RFC 5681 3.1; RFC 3465] and HyStart++ [RFC 9406], the inflation of
 * the window that fast recovery without SACK needs [RFC 5681 3.2; RFC 6582], timeouts, idle time, and the way back from what was no loss.
 * They differ in how the window grows in congestion avoidance (`avoid`) and in how much a loss takes of it (`reduced`).
 */
export abstract class WindowBased implements CongestionControl {
  abstract readonly name: string;
  cwnd: number = 0;
  ssthresh: number;
  readonly pacingRate: number | undefined = undefined;
  readonly ownsWindow: boolean = false;
  protected smss: number = 0;
  readonly #settings: TcpSettings;
  /** From the first ACK of slow start on, where it is in use. */
  #hystart: HyStart | undefined;
  /** cwnd and ssthresh before the last reduction. */
  #before: { readonly cwnd: number; readonly ssthresh: number } | undefined;
  /** T_prev: since when the window has not been used, if it has not [RFC 2861 3]. */
  #unusedSince: Instant | undefined;
  /** W_used: the most that was in flight since then. */
  #used: number = 0;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.ssthresh = settings.initialSsthresh;
  }

  /** The window after a loss, in bytes, if there is no lower limit: a part of `flightSize`. */
  protected abstract reduced(flightSize: number): number;
  /** An ACK in congestion avoidance, with the window in use. */
  protected abstract avoid(sample: AckSample): void;
  /** An ACK that must not let the window grow, since it was not used. */
  protected abstract unused(): void;
  /** A new congestion avoidance begins with the next `avoid`; before the reduction to `reduced`, by a timeout or not. */
  protected abstract congested(byTimeout: boolean): void;
  /** Slow start is under way: what congestion avoidance has counted is void. */
  protected abstract slowStarted(): void;
  /** `congested` was for nothing. */
  protected abstract restored(): void;
  /** The inside of the algorithm, for people to look at. */
  abstract details(): CongestionDetails;

  /** Which rule the window follows now. */
  protected get phase(): string {
    if (this.cwnd >= this.ssthresh) return 'congestion-avoidance';
    return this.#hystart?.css === true && this.#firstSlowStart ? 'conservative-slow-start' : 'slow-start';
  }

  established(smss: number, synLost: boolean, _now: Instant, _srtt: Duration | undefined): void {
    this.smss = smss;
    this.cwnd = synLost ? smss : this.#initialWindow;
  }

  mssChanged(smss: number): void {
    // RFC 5681 3.1: no burst of many small segments in place of few large ones.
    if (smss < this.smss) this.cwnd = Math.floor((this.cwnd * smss) / this.smss);
    this.smss = smss;
    this.cwnd = Math.max(this.cwnd, smss);
    this.ssthresh = Math.max(this.ssthresh, 2 * smss);
  }

  acknowledged(sample: AckSample): void {
    if (this.#settings.cwndValidation) this.#validate(sample);
    const slowStart = this.cwnd < this.ssthresh;
    if (!sample.limited) {
      this.unused();
    } else if (slowStart) {
      this.#slowStart(sample);
    } else {
      this.avoid(sample);
    }
    if (!this.#settings.hystart || !slowStart || !this.#firstSlowStart) return;
    this.#hystart ??= new HyStart();
    this.#hystart.acknowledged(sample);
    if (this.#hystart.done) this.ssthresh = this.cwnd; // RFC 9406 4.2
  }

  /** HyStart++ is for the first slow start only: later ones know where to end [RFC 9406 4.3]. */
  get #firstSlowStart(): boolean {
    return this.ssthresh === this.#settings.initialSsthresh;
  }

  #slowStart({ acked, afterTimeout }: AckSample): void {
    // RFC 3465 2.3: L is 1 while data is sent again after a timeout, since then one ACK may cover what was not lost.
    const limit = afterTimeout ? 1 : this.#settings.abcLimit;
    const divisor = this.#firstSlowStart ? (this.#hystart?.divisor ?? 1) : 1;
    const growth = Math.floor(Math.min(acked, limit * this.smss) / divisor);
    // An ACK for many segments does not carry slow start far beyond ssthresh, where it has to end [RFC 5681 3.1].
    this.cwnd = Math.min(this.cwnd + growth, Math.max(this.ssthresh, this.cwnd + this.smss));
    this.slowStarted();
  }

  /**
   * A window that the program does not use says nothing about the path: after an RTO of that it goes half of the way to what was used
   * [RFC 2861 3, as Linux has it: not below the initial window]. RFC 7661, which replaces it, keeps such a window for five minutes.
   */
  #validate({ now, limited, priorInFlight, rto }: AckSample): void {
    if (limited) {
      this.#unusedSince = undefined;
      this.#used = 0;
      return;
    }
    this.#unusedSince ??= now;
    this.#used = Math.max(this.#used, priorInFlight);
    if (between(this.#unusedSince, now) < rto) return;
    this.#unusedSince = now;
    const used = Math.max(this.#used, this.#initialWindow);
    this.#used = 0;
    if (used >= this.cwnd) return;
    this.#keepThreshold();
    this.cwnd = Math.floor((this.cwnd + used) / 2);
  }

  enterRecovery(flightSize: number, _now: Instant, cause: CongestionCause): void {
    this.#congested(false);
    const reduced = this.reduced(flightSize);
    this.ssthresh = Math.max(reduced, 2 * this.smss);
    // After a loss three segments have left the network; after a mark nothing has, and one segment may be left [RFC 3168 6.1.2].
    this.cwnd = cause === 'loss' ? this.ssthresh + 3 * this.smss : Math.max(reduced, this.smss);
  }

  duplicateAck(): void {
    this.cwnd += this.smss;
  }

  partialAck(acked: number): void {
    this.cwnd = Math.max(this.cwnd - acked, 0);
    if (acked >= this.smss) this.cwnd += this.smss;
    this.cwnd = Math.max(this.cwnd, this.smss);
  }

  exitRecovery(flightSize: number): void {
    // RFC 6582 3.2, step 3, option 1: no burst if little is left in flight.
    this.cwnd = Math.min(this.ssthresh, Math.max(flightSize, this.smss) + this.smss);
  }

  timeout(flightSize: number, first: boolean, _now: Instant): void {
    if (first) {
      this.#congested(true);
      this.ssthresh = Math.max(this.reduced(flightSize), 2 * this.smss);
    }
    this.cwnd = this.smss; // the loss window
    this.slowStarted();
  }

  restartAfterIdle(idle: Duration, rto: Duration): void {
    const initial = this.#initialWindow;
    this.unused();
    this.#unusedSince = undefined;
    if (!this.#settings.cwndValidation) {
      this.cwnd = Math.min(this.cwnd, initial); // RFC 5681 4.1
      return;
    }
    // RFC 2861 3: half for each RTO, and slow start back to where it was.
    this.#keepThreshold();
    for (let left = idle - rto; left >= 0 && this.cwnd > initial; left -= rto) {
      this.cwnd = Math.max(Math.floor(this.cwnd / 2), initial);
    }
  }

  undo(): void {
    if (this.#before === undefined) return;
    if (this.cwnd < this.#before.cwnd) this.restored();
    this.cwnd = Math.max(this.cwnd, this.#before.cwnd);
    this.ssthresh = Math.max(this.ssthresh, this.#before.ssthresh);
    this.#before = undefined;
  }

  #congested(byTimeout: boolean): void {
    this.#before = { cwnd: this.cwnd, ssthresh: this.ssthresh };
    this.congested(byTimeout);
    this.#unusedSince = undefined;
    this.#used = 0;
  }

  /** ssthresh remembers a window that is given up without a loss [RFC 2861 3]. */
  #keepThreshold(): void {
    this.ssthresh = Math.max(this.ssthresh, Math.floor((3 * this.cwnd) / 4));
  }

  get #initialWindow(): number {
    return initialWindow(this.#settings, this.smss);
  }
}
