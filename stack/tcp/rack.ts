import type { TcpSettings } from '../settings.ts';
import { type Duration, type Instant, after, between, us } from '../time.ts';
import type { Scoreboard } from './scoreboard.ts';
import { type SeqNumber, geq, gt, lt } from './sequence.ts';
import type { Transmission } from './transmission.ts';

/** What RACK has to know of the connection when it looks for losses. */
export interface RackView {
  readonly now: Instant;
  readonly minRtt: Duration | undefined;
  readonly srtt: Duration | undefined;
  /** Fast recovery or recovery from a timeout is under way. */
  readonly recovering: boolean;
}

/** How many loss recoveries a reordering window that DSACK made larger is kept for [RFC 8985 6.2, step 4]. */
const PERSIST = 16;

/**
 * RACK: a transmission is lost if one that left later has arrived and the reordering window has passed since [RFC 8985 6]. With no duplicate
 * ACKs to count it finds lost retransmissions and lost tails, and bears reordering.
 */
export class Rack {
  /** RACK.rtt: of the most recent transmission that has arrived. */
  rtt: Duration = us(0);
  /** RACK.reordering_seen. */
  reorderingSeen: boolean = false;
  /** ACKs that told of reordering. */
  reorderings: number = 0;
  /** How far, in segments, a segment was ever overtaken; at least DupThresh (tcpi_reordering). */
  reordering: number;
  /** RACK.reo_wnd as last used. */
  reorderingWindow: Duration = us(0);
  /** RACK.reo_wnd_mult, in quarters of min_RTT. */
  multiplier: number = 1;
  readonly #scoreboard: Scoreboard;
  readonly #settings: TcpSettings;
  /** RACK.xmit_ts and what breaks ties: the latest transmission that has arrived. */
  #sentAt: Instant | undefined;
  #order: number = 0;
  #end: SeqNumber | undefined;
  /** RACK.fack: the highest sequence number that has arrived; and as it was before the present ACK. */
  #fack: SeqNumber | undefined;
  #fackBefore: SeqNumber | undefined;
  /** RACK.dsack_round: one step of the window per round trip; undefined: the next DSACK counts. */
  #dsackRound: SeqNumber | undefined;
  #persist: number = 0;
  #reordered: boolean = false;

  constructor(scoreboard: Scoreboard, settings: TcpSettings) {
    this.#scoreboard = scoreboard;
    this.#settings = settings;
    this.reordering = settings.dupThresh;
  }

  /**
   * Steps 2 and 3: `record` has arrived, upon an ACK. `isEcho`: the ACK can be of its last transmission, as far as the timestamp says.
   */
  delivered(record: Transmission, now: Instant, minRtt: Duration | undefined, isEcho: boolean): void {
    this.#detectReordering(record);
    const rtt = between(record.sentAt, now);
    if (record.retransmissions > 0 && (!isEcho || (minRtt !== undefined && rtt < minRtt))) return;
    if (this.#end !== undefined && !this.#leftAfter(record, this.#order, this.#end)) return;
    this.rtt = rtt;
    this.#sentAt = record.sentAt;
    this.#order = record.order;
    this.#end = record.end;
  }

  /** Step 4, upon an ACK: `dsack`: it had one; `una`, `nxt`: SND.UNA after it and SND.NXT. */
  adapt(dsack: boolean, una: SeqNumber, nxt: SeqNumber): void {
    if (this.#reordered) this.reorderings += 1;
    this.#reordered = false;
    if (this.#dsackRound !== undefined && geq(una, this.#dsackRound)) this.#dsackRound = undefined;
    if (!dsack || this.#dsackRound !== undefined) return;
    this.#dsackRound = nxt;
    this.multiplier += 1;
    this.#persist = PERSIST;
  }

  /** Step 4, when a recovery ends. */
  recovered(): void {
    this.#persist -= 1;
    if (this.#persist <= 0) this.multiplier = 1;
  }

  /**
   * Step 5: marks what is lost. Returns when to look again, undefined if there is nothing to wait for. By then all that left before the
   * latest arrival is lost: RACK.xmit_ts + RACK.rtt + RACK.reo_wnd bounds what the RFC computes per segment.
   */
  detectLoss(view: RackView): Instant | undefined {
    this.reorderingWindow = this.#window(view);
    const end = this.#end;
    if (this.#sentAt === undefined || end === undefined) return undefined;
    const patience = us(this.rtt + this.reorderingWindow);
    for (let record = this.#scoreboard.oldest; record !== undefined; record = this.#scoreboard.oldest) {
      if (record.end === end || this.#leftAfter(record, this.#order, end)) return undefined;
      if (after(record.sentAt, patience) > view.now) return after(this.#sentAt, patience);
      this.#scoreboard.markLost(record);
    }
    return undefined;
  }

  /** RACK_mark_losses_on_RTO() [6.3]: the first, and all that were sent long enough ago. */
  detectLossOnTimeout(una: SeqNumber, view: RackView): void {
    this.reorderingWindow = this.#window(view);
    const patience = us(this.rtt + this.reorderingWindow);
    const first = this.#scoreboard.find(una);
    if (first !== undefined) this.#scoreboard.markLost(first);
    for (let record = this.#scoreboard.oldest; record !== undefined; record = this.#scoreboard.oldest) {
      if (after(record.sentAt, patience) > view.now) return;
      this.#scoreboard.markLost(record);
    }
  }

  /** RACK_sent_after(): parts of one super-segment left together, and follow the sequence space. */
  #leftAfter(record: Transmission, order: number, end: SeqNumber): boolean {
    return record.order === order ? gt(record.end, end) : record.order > order;
  }

  /** An ACK comes: what it tells of arrived together, so that its order says nothing of reordering. */
  ackArrives(): void {
    this.#fackBefore = this.#fack;
  }

  /** A segment that was never sent twice arrives after one with higher numbers: the path reorders. */
  #detectReordering(record: Transmission): void {
    const before = this.#fackBefore;
    if (this.#fack === undefined || gt(record.end, this.#fack)) this.#fack = record.end;
    if (before !== undefined && lt(record.end, before) && record.retransmissions === 0) {
      this.reorderingSeen = true;
      this.#reordered = true;
      const overtaken = Math.ceil(((before - record.start) >>> 0) / record.segmentSize);
      if (overtaken < 0x10000) this.reordering = Math.max(this.reordering, overtaken);
    }
  }

  /** RACK_update_reo_wnd(), its second half. */
  #window({ minRtt, srtt, recovering }: RackView): Duration {
    if (!this.reorderingSeen) {
      if (recovering || this.#scoreboard.sackedSegments >= this.#settings.dupThresh) return us(0);
    }
    const window = Math.floor((this.multiplier * (minRtt ?? 0)) / 4);
    return us(Math.min(window, srtt ?? window));
  }
}
