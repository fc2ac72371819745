import { type SeqNumber, lt, seq } from './sequence.ts';

/**
 * How much of the congestion window was used within the last round trip: several ACKs may come before more is sent, and each of them is of
 * the full window (as Linux has it).
 */
export class WindowUse {
  /** The most that was out since SND.UNA passed `#since`. */
  #most: number = 0;
  #since: SeqNumber = seq(0);

  /** Data has left: `flight` bytes are out, from `una` to `nxt`. */
  sent(flight: number, una: SeqNumber, nxt: SeqNumber): void {
    if (flight <= this.#most && lt(una, this.#since)) return;
    this.#most = flight;
    this.#since = nxt;
  }

  /** Whether a window of `cwnd` was used, by half at least, so that it may grow [RFC 5681 3.1]; `flight`: what was out before the ACK. */
  isFull(flight: number, cwnd: number, ssthresh: number, mss: number): boolean {
    const used = Math.max(flight, this.#most);
    return cwnd < ssthresh ? used * 2 > cwnd : (used + mss) * 2 > cwnd;
  }
}
