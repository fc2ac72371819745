/** How large the buffers are: as the path and the program need it, between the bounds of the settings. */

import type { Range } from '../settings.ts';
import { type Duration, type Instant, between, us } from '../time.ts';
import { type SeqNumber, add, gt } from './sequence.ts';

/** Segments of headroom over what the program read in a round trip, lest a small buffer never fill twice. */
const HEADROOM = 16;

/**
 * Dynamic right-sizing of the receive buffer (Fisk and Feng, "Dynamic Right-Sizing in TCP", 2001; Linux's tcp_rcv_space_adjust has the
 * idea). What the program read in one round trip is what the sender could send in it; a sender in slow start sends twice as much in
 * the next one, so the buffer has to hold twice as much, and in advance. It never shrinks: a slow program never makes it grow.
 *
 * The receiver may never have sent data, so it measures the round-trip time itself: by the echo of its timestamps, or by the time that the
 * peer takes to fill a window, which is one round trip at least.
 */
export class ReceiveAutotuning {
  /** A program chose the size itself. */
  fixed: boolean;
  #rtt: Duration | undefined;
  /** The window whose filling is timed ends here. */
  #windowEnd: SeqNumber | undefined;
  #windowSince: Instant = 0 as Instant;
  /** Bytes the program read since `#measuredSince`, and in the largest round trip so far. */
  #read: number = 0;
  #measuredSince: Instant | undefined;
  #space: number;

  constructor({ from, to }: Range) {
    this.fixed = from >= to;
    this.#space = Math.floor(from / 2);
  }

  /** The receiver's estimate of the round-trip time; undefined: none yet. */
  get rtt(): Duration | undefined {
    return this.#rtt;
  }

  /** Bytes that the program read in the largest round trip so far; half the first buffer before. */
  get space(): number {
    return this.#space;
  }

  /** Data came in order, up to `nxt`, and `wnd` more bytes may come; `echoed`: the age of the timestamp that came back with it. */
  arrived(nxt: SeqNumber, wnd: number, now: Instant, echoed: Duration | undefined): void {
    if (this.fixed) return;
    if (echoed !== undefined) this.#smooth(echoed);
    else if (this.#windowEnd !== undefined && gt(this.#windowEnd, nxt)) return;
    else if (this.#windowEnd !== undefined) this.#least(between(this.#windowSince, now));
    this.#windowEnd = add(nxt, wnd);
    this.#windowSince = now;
  }

  /** The program read `count` bytes from a buffer of `buffer` bytes: how large it is to be from now on, up to `limit`. */
  read(
    count: number,
    now: Instant,
    srtt: Duration | undefined,
    buffer: number,
    limit: number,
    mss: number,
  ): number {
    if (this.fixed || buffer >= limit) return buffer;
    this.#measuredSince ??= now;
    this.#read += count;
    const rtt = this.#rtt ?? srtt;
    const over = rtt !== undefined && between(this.#measuredSince, now) >= rtt;
    if (!over && this.#read <= buffer) return buffer; // a whole buffer takes a round trip, whatever was measured
    const read = this.#read;
    this.#read = 0;
    this.#measuredSince = now;
    if (read <= this.#space) return buffer;
    const growth = (read - this.#space) / this.#space; // the faster it grows, the more it is ahead
    this.#space = read;
    const wanted = Math.ceil((2 * read + HEADROOM * mss) * (1 + 2 * Math.min(growth, 1)));
    return Math.max(buffer, Math.min(wanted, limit));
  }

  /** By timestamps: an average, since each is good to a tick. */
  #smooth(sample: Duration): void {
    const floor = Math.max(sample, 1_000);
    this.#rtt =
      this.#rtt === undefined ? us(floor) : us(Math.max(1, Math.round(this.#rtt + (floor - this.#rtt) / 8)));
  }

  /** By windows: the smallest, since a sender may take its time. */
  #least(sample: Duration): void {
    if (sample > 0 && (this.#rtt === undefined || sample < this.#rtt)) this.#rtt = sample;
  }
}

/** Bytes that the send buffer is to hold: what is out, and as much again that waits to follow it, between the bounds. */
export function sendBufferFor(cwnd: number, present: number, { from, to }: Range): number {
  return Math.max(present, Math.min(Math.max(2 * cwnd, from), to));
}
