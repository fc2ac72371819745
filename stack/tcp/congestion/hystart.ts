import { type Duration, ms } from '../../time.ts';
import { type SeqNumber, geq } from '../sequence.ts';
import type { AckSample } from './congestion-control.ts';

// RFC 9406 4.3.
const MIN_RTT_THRESH = ms(4);
const MAX_RTT_THRESH = ms(16);
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

/**
 * HyStart++ [RFC 9406]: finds the end of the first slow start by the growth of the round-trip time, before the queue of the bottleneck runs
 * over. What looks like it first leads to conservative slow start (CSS); it needs `N_RTT_SAMPLE` measurements a round, so timestamps or
 * the record of each transmission.
 */
export class HyStart {
  /** In conservative slow start. */
  css: boolean = false;
  /** Slow start is over: ssthresh <- cwnd. */
  done: boolean = false;
  #windowEnd: SeqNumber | undefined;
  #lastRoundMinRtt: number = Number.POSITIVE_INFINITY;
  #currentRoundMinRtt: number = Number.POSITIVE_INFINITY;
  #rttSampleCount: number = 0;
  #cssBaselineMinRtt: number = Number.POSITIVE_INFINITY;
  #cssRounds: number = 0;

  /** What the growth of the window is to be divided by. */
  get divisor(): number {
    return this.css ? CSS_GROWTH_DIVISOR : 1;
  }

  /** Takes an ACK of slow start, in the order of RFC 9406 4.2. */
  acknowledged({ rate, rtt: coarse, seqAcked, seqSent }: AckSample): void {
    const rtt = rate?.rtt ?? coarse;
    this.#windowEnd ??= seqSent;
    if (rtt !== undefined) this.#measured(rtt);
    if (geq(seqAcked, this.#windowEnd)) this.#roundEnds(seqSent);
  }

  #measured(rtt: Duration): void {
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rtt);
    this.#rttSampleCount += 1;
    if (this.#rttSampleCount < N_RTT_SAMPLE) return;
    if (this.css) {
      // The delay went back: it was not the queue, slow start goes on.
      if (this.#currentRoundMinRtt >= this.#cssBaselineMinRtt) return;
      this.#cssBaselineMinRtt = Number.POSITIVE_INFINITY;
      this.css = false;
      return;
    }
    if (this.#lastRoundMinRtt === Number.POSITIVE_INFINITY) return;
    const eighth = this.#lastRoundMinRtt / MIN_RTT_DIVISOR;
    const threshold = Math.max(MIN_RTT_THRESH, Math.min(eighth, MAX_RTT_THRESH));
    if (this.#currentRoundMinRtt < this.#lastRoundMinRtt + threshold) return;
    this.#cssBaselineMinRtt = this.#currentRoundMinRtt;
    this.css = true;
    this.#cssRounds = 0;
  }

  #roundEnds(seqSent: SeqNumber): void {
    this.#windowEnd = seqSent;
    this.#lastRoundMinRtt = this.#currentRoundMinRtt;
    this.#currentRoundMinRtt = Number.POSITIVE_INFINITY;
    this.#rttSampleCount = 0;
    if (!this.css) return;
    this.#cssRounds += 1; // the round in which it began counts
    if (this.#cssRounds >= CSS_ROUNDS) this.done = true;
  }
}
