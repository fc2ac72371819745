import { type Instant, after, between } from '../../time.ts';
import type { AckSample, CongestionDetails } from './congestion-control.ts';
import { cubeRoot } from './cube-root.ts';
import { WindowBased } from './window-based.ts';

/** C in segments per second cubed [RFC 9438 5.1]. */
const C = 0.4;
/** Beta_cubic: what a loss leaves of the window, in tenths [RFC 9438 4.6]. */
const BETA_TENTHS = 7;
/** Alpha_cubic = 3 (1 - beta) / (1 + beta) [RFC 9438 4.3]. */
const ALPHA = 9 / 17;

/** What the window is a function of, since congestion avoidance began: sizes in bytes. */
interface Epoch {
  /** t_epoch, moved on by the time in which the window was not used [RFC 9438 4.2, 5.8]. */
  start: Instant;
  /** W_max of this epoch, and K in seconds. */
  readonly wMax: number;
  readonly k: number;
  /** W_est: where Reno would be. */
  wEst: number;
  /** The last ACK that let the window grow. */
  grewAt: Instant;
  /** The window is not used at present: time stands still. */
  paused: boolean;
}

/**
 * CUBIC [RFC 9438], with fast convergence. Sizes in bytes; only operations whose results are exactly specified, so that every machine
 * computes the same window.
 */
export class Cubic extends WindowBased {
  readonly name: string = 'cubic';
  /** W_max, 0 if there is none: before the first loss, and after a timeout [RFC 9438 4.8, 4.10]. */
  #wMax: number = 0;
  /** cwnd_prior. */
  #cwndPrior: number = 0;
  /** Undefined until congestion avoidance begins. */
  #epoch: Epoch | undefined;
  /** The part of a byte by which the window should be larger. */
  #fraction: number = 0;
  /** The variables before the last reduction [RFC 9438 4.9.2]. */
  #before:
    | { readonly wMax: number; readonly cwndPrior: number; readonly epoch: Epoch | undefined }
    | undefined;

  /** Nothing was in flight: the time since the last growth is none in which the window could have grown [RFC 9438 4.2, 5.8]. */
  segmentSent(inFlight: number, now: Instant): void {
    const epoch = this.#epoch;
    if (inFlight > 0 || epoch === undefined || epoch.paused) return;
    epoch.start = after(epoch.start, between(epoch.grewAt, now));
    epoch.grewAt = now;
  }

  protected avoid({ acked, now, srtt }: AckSample): void {
    const epoch = this.#present(now);
    const rtt = srtt ?? 0;
    const bytes = Math.min(acked, this.cwnd);
    const t = between(epoch.start, now);
    // RFC 9438 4.3: AIMD(alpha, 0.7) is as fast as Reno on average; from where the last loss was, alpha is 1 as Reno's.
    const alpha = epoch.wEst >= this.#cwndPrior ? 1 : ALPHA;
    epoch.wEst += (alpha * bytes * this.smss) / this.cwnd;
    if (this.#cubic(epoch, t) < epoch.wEst) {
      this.cwnd = Math.max(this.cwnd, Math.floor(epoch.wEst));
    } else {
      const target = Math.min(this.#cubic(epoch, t + rtt), 1.5 * this.cwnd);
      this.#grow(((target - this.cwnd) * bytes) / this.cwnd); // RFC 9438 4.4, 4.5
    }
  }

  /** Adds `bytes`, the fraction included next time; the window never shrinks here [RFC 9438 4.2]. */
  #grow(bytes: number): void {
    if (bytes <= 0) return;
    const grown = this.#fraction + bytes;
    const whole = Math.floor(grown);
    this.#fraction = grown - whole;
    this.cwnd += whole;
  }

  /** The epoch, which begins with the first ACK of congestion avoidance; time in which the window was not used does not count. */
  #present(now: Instant): Epoch {
    let epoch = this.#epoch;
    if (epoch === undefined) {
      const wMax = Math.max(this.#wMax, this.cwnd);
      const k = cubeRoot((wMax - this.cwnd) / this.smss / C);
      epoch = { start: now, wMax, k, wEst: this.cwnd, grewAt: now, paused: false };
      this.#epoch = epoch;
      if (this.#cwndPrior === 0) this.#cwndPrior = this.cwnd; // HyStart++ ended slow start without a loss [RFC 9438 4.10]
      this.#fraction = 0;
    } else if (epoch.paused) {
      epoch.start = after(epoch.start, between(epoch.grewAt, now));
      epoch.paused = false;
    }
    epoch.grewAt = now;
    return epoch;
  }

  /** W_cubic in bytes, `t` microseconds into the epoch [RFC 9438 4.2, figure 1]. */
  #cubic({ k, wMax }: Epoch, t: number): number {
    const d = t / 1_000_000 - k;
    return C * d * d * d * this.smss + wMax;
  }

  protected reduced(flightSize: number): number {
    return Math.floor((flightSize * BETA_TENTHS) / 10);
  }

  protected congested(byTimeout: boolean): void {
    this.#before = { wMax: this.#wMax, cwndPrior: this.#cwndPrior, epoch: this.#epoch };
    // Fast convergence [RFC 9438 4.7]: who did not get back to W_max leaves room for others.
    const lower = this.cwnd < this.#wMax ? Math.floor((this.cwnd * (10 + BETA_TENTHS)) / 20) : this.cwnd;
    this.#wMax = byTimeout ? 0 : lower;
    this.#cwndPrior = this.cwnd;
    this.#epoch = undefined;
  }

  protected restored(): void {
    if (this.#before === undefined) return;
    this.#wMax = this.#before.wMax;
    this.#cwndPrior = this.#before.cwndPrior;
    this.#epoch = this.#before.epoch;
    this.#before = undefined;
  }

  protected unused(): void {
    if (this.#epoch !== undefined) this.#epoch.paused = true;
  }

  protected slowStarted(): void {
    this.#epoch = undefined;
  }

  override mssChanged(smss: number): void {
    super.mssChanged(smss);
    this.#epoch = undefined; // it counted in segments of the old size
  }

  details(): CongestionDetails {
    const epoch = this.#epoch;
    return {
      phase: this.phase,
      wMax: this.#wMax,
      cwndPrior: this.#cwndPrior,
      k: epoch?.k,
      epochStart: epoch?.start,
      wEst: epoch === undefined ? undefined : Math.floor(epoch.wEst),
    };
  }
}
