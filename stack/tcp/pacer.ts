import type { TcpSettings } from '../settings.ts';
import type { Duration, Instant } from '../time.ts';
import type { CongestionControl } from './congestion/congestion-control.ts';

/** No burst is larger, whatever the rate: 64 KB [draft-ietf-ccwg-bbr 5.6.3]. */
const LARGEST_QUANTUM = 64 * 1024;

/**
 * C.send_quantum: the most that should leave at once at `rate` bytes per second, what takes 1 ms, at least two segments, at most 64 KB
 * [draft-ietf-ccwg-bbr 5.6.3]. Not paced (undefined): 64 KB.
 */
export function sendQuantum(rate: number | undefined, smss: number): number {
  if (rate === undefined) return LARGEST_QUANTUM;
  return Math.max(Math.min(Math.floor(rate / 1_000), LARGEST_QUANTUM), 2 * smss);
}

/**
 * Spreads what leaves over time: a next-send-time pacer [draft-ietf-ccwg-bbr 5.6.2]. Before each segment `delayUntil`, after it `sent`.
 * A quantum leaves at once; then the clock has to catch up.
 */
export class Pacer {
  readonly #settings: TcpSettings;
  /** C.next_send_time. */
  #nextSend: Instant = 0 as Instant;
  /** When all that has left will be paid for, with fractions of a microsecond. */
  #paidUntil: number = 0;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
  }

  /**
   * Bytes per second for `congestion`: what it wants, else a multiple of cwnd/SRTT; undefined: not paced. Twice that in slow start, so that
   * the window can double within a round trip, 1.2 times in avoidance, so that it is used (Linux's ratios).
   */
  rate(congestion: CongestionControl, srtt: Duration | undefined): number | undefined {
    const { pacing } = this.#settings;
    if (pacing === 'off') return undefined;
    if (congestion.pacingRate !== undefined) return congestion.pacingRate;
    return pacing === 'auto' ? undefined : this.estimate(congestion, srtt);
  }

  /** The rate that `rate` gives or, where nothing is paced, would give; undefined before the first round-trip time. */
  estimate(congestion: CongestionControl, srtt: Duration | undefined): number | undefined {
    const { pacingSlowStart, pacingAvoidance } = this.#settings;
    if (congestion.pacingRate !== undefined) return congestion.pacingRate;
    if (srtt === undefined || srtt <= 0) return undefined;
    const { cwnd, ssthresh } = congestion;
    // Half of ssthresh, as Linux: shortly before its end slow start already slows down.
    const ratio = cwnd < ssthresh / 2 ? pacingSlowStart : pacingAvoidance;
    return (ratio * cwnd * 1_000_000) / srtt;
  }

  /** `sendQuantum`. */
  quantum(rate: number | undefined, smss: number): number {
    return sendQuantum(rate, smss);
  }

  /** When the next segment may leave: `now` if it may. A deadline for a timer otherwise. */
  delayUntil(now: Instant): Instant {
    return this.#nextSend > now ? this.#nextSend : now;
  }

  /**
   * `bytes` left at `now` at `rate`. Up to a quantum leaves within one instant; then all of it has to be paid for, so that the next
   * quantum can leave at once, too. Time in which nothing left is saved up for one quantum at most: that makes up for timers that are late.
   */
  sent(bytes: number, now: Instant, rate: number | undefined, smss: number): void {
    if (rate === undefined || rate <= 0) {
      this.#paidUntil = now;
      this.#nextSend = now;
      return;
    }
    const quantumTime = (sendQuantum(rate, smss) * 1_000_000) / rate;
    this.#paidUntil = Math.max(this.#paidUntil, now - quantumTime) + (bytes * 1_000_000) / rate;
    const exhausted = this.#paidUntil >= now + quantumTime;
    this.#nextSend = exhausted ? (Math.ceil(this.#paidUntil) as Instant) : now;
  }
}
