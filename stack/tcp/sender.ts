import { RingBuffer } from '../bytes/ring-buffer.ts';
import type { Random } from '../random.ts';
import type { TcpSettings } from '../settings.ts';
import { type Duration, type Instant, between } from '../time.ts';
import type { SendCause } from '../trace.ts';
import { congestionControl } from './congestion/choice.ts';
import type { CongestionControl } from './congestion/congestion-control.ts';
import { DeliveryRate } from './delivery-rate.ts';
import { Pacer, sendQuantum } from './pacer.ts';
import type { RttEstimator } from './rtt.ts';
import { Scoreboard } from './scoreboard.ts';
import type { SendPlan } from './send-plan.ts';
import { type SeqNumber, add, distance, geq, gt, lt, min, seq } from './sequence.ts';
import { WindowUse } from './window-use.ts';

/**
 * The sending half of a connection: SND.UNA, SND.NXT, the peer's window, the send queue, and what may leave next
 * [RFC 9293 3.7.4, 3.8.6; RFC 5681]. The SYN is the connection's affair; everything after it is here.
 */
export class Sender {
  /** Initial send sequence number. */
  iss: SeqNumber = seq(0);
  /** SND.UNA: the oldest unacknowledged sequence number. */
  una: SeqNumber = seq(0);
  /** SND.NXT: the next one to be sent; never drawn back. */
  nxt: SeqNumber = seq(0);
  /** SND.WND: the window the peer offers from SND.UNA on, in bytes, scaled [RFC 9293 MUST-1, REC-1]. */
  wnd: number = 0;
  /** SND.WL1, SND.WL2: the segment that last updated SND.WND. */
  wl1: SeqNumber = seq(0);
  wl2: SeqNumber = seq(0);
  /** MAX.SND.WND: the largest window ever offered [RFC 5961 5.2; RFC 9293 3.8.6.2.1]. */
  maxWnd: number = 0;
  /** Snd.Wind.Shift [RFC 7323 2.2]. */
  windShift: number = 0;
  /** Effective send MSS: payload bytes of a full-sized segment [RFC 9293 MUST-16]. */
  mss: number = 536;
  /** Payload bytes that may leave as one super-segment; `mss` where the device does not cut. */
  largest: number = 536;
  /** SND.UP: the number behind the urgent data [RFC 9293 3.3.1]; undefined: nothing urgent is unacknowledged. */
  up: SeqNumber | undefined;
  /** Nagle's algorithm is off [RFC 9293 MUST-17]. */
  noDelay: boolean;
  /** The program closed the write side: a FIN follows the queue. */
  finQueued: boolean = false;
  /** A retransmission of the segment at SND.UNA is due at once. */
  retransmitNow: SendCause | undefined;
  /** A zero-window probe is due at once. */
  probeNow: boolean = false;
  /** What is held back by Nagle or the silly-window rule may leave once. */
  pushNow: boolean = false;
  /** An octet (or the FIN) at SND.NXT was sent as a probe, and may be acknowledged though SND.NXT has not moved. */
  probed: boolean = false;
  /** Bytes beyond cwnd that limited transmit allows [RFC 3042 2]. */
  limitedTransmit: number = 0;
  /** Why what counts as lost leaves again. */
  lossCause: SendCause = 'retransmit-timeout';
  /** New data goes before what counts as lost: whether it is lost at all is being found out [RFC 5682 2.1, step 2 b]. */
  holdLost: boolean = false;
  /** The tail is to be probed: by new data, beyond cwnd if need be, or by its last segment again [RFC 8985 7.3]. */
  probeTail: boolean = false;
  /** Payload bytes of a probe of the path MTU that is to leave next; 0: none [RFC 4821 7]. */
  mtuProbe: number = 0;
  /** What became of the last one, until somebody looks. */
  mtuProbeResult: 'arrived' | 'lost' | undefined;
  /** What SACK reported still counts as in flight, so that it lets no new data go [RFC 3042 switched off]. */
  countSacked: boolean = false;
  /** The pacer holds what could leave until then; undefined: it does not. */
  pacedUntil: Instant | undefined;
  /** When data last left; for the restart after idle time [RFC 5681 4.1]. */
  lastSent: Instant = 0 as Instant;
  readonly deliveryRate: DeliveryRate = new DeliveryRate();
  readonly congestion: CongestionControl;
  readonly pacer: Pacer;
  readonly queue: RingBuffer;
  /** Undefined until it is asked for, which is when something leaves. */
  #scoreboard: Scoreboard | undefined;
  /** Sequence number of the queue's oldest byte. */
  #queueSeq: SeqNumber = seq(0);

  readonly #restartsAfterIdle: boolean;
  readonly #use: WindowUse = new WindowUse();

  constructor(settings: TcpSettings, random: Random) {
    this.noDelay = !settings.nagle;
    this.queue = new RingBuffer(settings.sendBuffer.from);
    this.pacer = new Pacer(settings);
    this.congestion = congestionControl(settings, random, this.deliveryRate);
    this.#restartsAfterIdle = settings.slowStartAfterIdle;
  }

  /** Chooses the first sequence number; the SYN takes it. */
  start(iss: SeqNumber): void {
    this.iss = iss;
    this.una = iss;
    this.nxt = add(iss, 1);
    this.#queueSeq = add(iss, 1);
  }

  /** What is out, and what became of it. */
  get scoreboard(): Scoreboard {
    this.#scoreboard ??= new Scoreboard();
    return this.#scoreboard;
  }

  /** Where the FIN goes, or will go: after the queue. */
  get finSeq(): SeqNumber {
    return add(this.#queueSeq, this.queue.length);
  }

  /** Our FIN was sent and acknowledged. */
  get finAcknowledged(): boolean {
    return this.finQueued && gt(this.una, this.finSeq);
  }

  /** Our FIN was sent. */
  get finSent(): boolean {
    return this.finQueued && gt(this.nxt, this.finSeq);
  }

  /** Bytes out that are neither acknowledged, in whichever way, nor taken for lost: `pipe` of RFC 6675. */
  get inFlight(): number {
    if (this.#scoreboard === undefined) return this.flightSize;
    const { lostBytes, sackedBytes } = this.#scoreboard;
    return distance(this.una, this.nxt) - lostBytes - (this.countSacked ? 0 : sackedBytes);
  }

  /** The first number that counts as lost and has to leave again; undefined if there is none. */
  get highRxt(): SeqNumber | undefined {
    return this.#scoreboard?.firstLost?.start;
  }

  /** What RFC 5681 calls FlightSize: all that is out and not cumulatively acknowledged. */
  get flightSize(): number {
    return distance(this.una, this.nxt);
  }

  /** Data and FIN that were not sent yet. */
  get unsent(): number {
    return distance(this.nxt, this.finSeq) + (this.finQueued ? 1 : 0);
  }

  /** The last number that may be acknowledged: SND.NXT, one more after a probe. */
  get highestSent(): SeqNumber {
    return this.probed ? add(this.nxt, 1) : this.nxt;
  }

  /** Payload bytes of one plan at most: the parts of a super-segment would all have the same urgent pointer. */
  get #most(): number {
    return this.up === undefined ? this.largest : this.mss;
  }

  /** Offset in the queue of sequence number `at`. */
  offsetOf(at: SeqNumber): number {
    return distance(this.#queueSeq, at);
  }

  /** SND.UNA <- `ack`; drops what it covers. Returns the bytes it moved. */
  acknowledge(ack: SeqNumber): number {
    const advanced = distance(this.una, ack);
    this.una = ack;
    if (gt(ack, this.nxt)) this.nxt = ack; // the probe's octet was taken
    if (advanced > 0) this.probed = false;
    if (this.up !== undefined && geq(ack, this.up)) this.up = undefined;
    const data = Math.min(Math.max(0, distance(this.#queueSeq, ack)), this.queue.length);
    this.queue.drop(data);
    this.#queueSeq = add(this.#queueSeq, data);
    this.#scoreboard?.acknowledge(ack);
    return advanced;
  }

  /**
   * SND.WND <- the window of a segment, if it is no older than the last that did so [RFC 9293 3.10.7.4]. True if it changed. A segment
   * that was sent again has an old SEG.SEQ, but if it acknowledges more than SND.WL2 it is the newer one: by the letter its window
   * would be passed over while SND.UNA moves, and the right edge with it, beyond what the peer offered. Linux takes it as well.
   */
  updateWindow(segmentSeq: SeqNumber, ack: SeqNumber, field: number): boolean {
    const newer = lt(this.wl1, segmentSeq) || lt(this.wl2, ack);
    if (!newer && !(this.wl1 === segmentSeq && this.wl2 === ack)) return false;
    const before = this.wnd;
    this.setWindow(segmentSeq, ack, field << this.windShift);
    return before !== this.wnd;
  }

  /** The first window of a connection, and each later one. */
  setWindow(segmentSeq: SeqNumber, ack: SeqNumber, bytes: number): void {
    this.wnd = bytes;
    this.wl1 = segmentSeq;
    this.wl2 = ack;
    if (bytes > this.maxWnd) this.maxWnd = bytes;
  }

  /** All that is out counts as lost: sending begins again at SND.UNA, as the window allows. */
  goBack(): void {
    this.scoreboard.markAllLost();
    this.limitedTransmit = 0;
  }

  /** What leaves next; undefined if nothing may. What it returns counts as sent. */
  next(now: Instant, rtt: RttEstimator): SendPlan | undefined {
    this.pacedUntil = undefined;
    if (this.retransmitNow !== undefined) {
      const again = this.#retransmit(this.retransmitNow, now);
      if (again !== undefined) return again;
    }
    if (this.probeTail) {
      const probe = this.#tailProbe(now);
      if (probe !== undefined) return probe;
    }
    const lost = this.scoreboard.lostBytes > 0 && !this.holdLost;
    if (!lost && this.probeNow) return this.#probe();
    const rate = this.pacer.rate(this.congestion, rtt.srtt);
    if (rate !== undefined && this.#paced(now)) return undefined;
    const burst = rate === undefined ? this.#most : this.#burst(rate);
    let plan = lost ? this.#sendLost(burst, now) : this.#sendNew(burst, now, rtt.rto);
    if (plan === undefined && this.holdLost && this.inFlight === 0) plan = this.#sendLost(burst, now); // nothing new may go
    if (plan !== undefined) this.pacer.sent(plan.length, now, rate, this.mss);
    return plan;
  }

  /** The segment at SND.UNA again, as far as SACK has not reported it, though the peer may have drawn its window back [RFC 9293 SHLD-16, MAY-7]. */
  #retransmit(cause: SendCause, now: Instant): SendPlan | undefined {
    this.retransmitNow = undefined;
    const hole = this.scoreboard.endOfHole(this.una, this.mss); // small segments become a large one, but not over what SACK reported
    const length = Math.min(this.mss, distance(this.una, min(hole, this.finSeq)));
    return this.#again(this.una, Math.max(0, length), cause, this.finSent && hole === this.nxt, now);
  }

  /** What counts as lost, again: after a timeout from SND.UNA on, in slow start [RFC 5681 3.1]; with SACK each hole [RFC 6675 4, NextSeg (1)]. */
  #sendLost(burst: number, now: Instant): SendPlan | undefined {
    const first = this.scoreboard.firstLost;
    if (first === undefined) return undefined;
    let end = first.end;
    for (let after = first.next; after?.isLost === true && distance(first.start, end) < burst; )
      [end, after] = [after.end, after.next];
    const left = distance(first.start, min(end, this.finSeq));
    const room = Math.min(this.congestion.cwnd - this.inFlight, this.wnd - distance(this.una, first.start));
    const length = Math.min(left, room, burst);
    if (length < left && length < this.mss) return undefined;
    const whole = length < left ? length - (length % this.mss) : length;
    return this.#again(first.start, Math.max(0, whole), this.lossCause, gt(end, this.finSeq), now);
  }

  /** A plan for what was sent before. */
  #again(
    from: SeqNumber,
    length: number,
    cause: SendCause,
    fin: boolean,
    now: Instant,
  ): SendPlan | undefined {
    const plan = this.#plan(from, length, cause, fin);
    if (plan.length === 0 && !plan.fin) return undefined;
    const to = add(from, plan.length + (plan.fin ? 1 : 0));
    this.congestion.segmentSent?.(this.inFlight, now);
    this.scoreboard.sentAgain(from, to, this.mss, now);
    return plan;
  }

  /** New data, as much as may leave in one go. */
  #sendNew(burst: number, now: Instant, rto: Duration): SendPlan | undefined {
    if (this.mtuProbe > 0) return this.#sendMtuProbe(now);
    const length = this.#permitted(burst, now, rto);
    if (length < 0) return undefined;
    this.pushNow = false;
    return this.#new(length, 'data', this.#finFits(length), now);
  }

  /** Waits, as long as something is out, until there is room for the whole probe [RFC 4821 7.4]. */
  #sendMtuProbe(now: Instant): SendPlan | undefined {
    if (Math.min(this.congestionRoom, this.wnd - this.flightSize) < this.mtuProbe) return undefined;
    return this.#new(this.mtuProbe, 'mtu-probe', false, now);
  }

  /** A plan for what was never sent. */
  #new(length: number, cause: SendCause, finAllowed: boolean, now: Instant): SendPlan {
    const plan = this.#plan(this.nxt, length, cause, finAllowed);
    this.congestion.segmentSent?.(this.inFlight, now);
    this.nxt = add(this.nxt, plan.length + (plan.fin ? 1 : 0));
    this.#use.sent(this.flightSize, this.una, this.nxt);
    this.scoreboard.sent(plan.seq, this.nxt, this.mss, plan.fin, now, cause === 'mtu-probe');
    this.probed = false;
    this.lastSent = now;
    return plan;
  }

  /** CheckIfApplicationLimited() [draft-ietf-ccwg-bbr 4.1.2.4]: at each write, and at the start of each ACK. */
  checkAppLimited(): void {
    const { cwnd } = this.congestion;
    this.deliveryRate.checkAppLimited(this.unsent, this.inFlight, cwnd, this.#scoreboard?.lostBytes ?? 0);
  }

  /** New data, or the FIN, waits and the peer's window lets a segment of it go. */
  get mayProbeWithNewData(): boolean {
    const length = Math.min(distance(this.nxt, this.finSeq), this.mss);
    return this.unsent > 0 && Math.max(length, 1) <= this.wnd - this.flightSize;
  }

  /** Whether the window had been used, so that it may grow [RFC 5681 3.1]; `flight`: what was out before the ACK. */
  wasLimited(flight: number): boolean {
    const { cwnd, ssthresh } = this.congestion;
    return this.#use.isFull(flight, cwnd, ssthresh, this.mss);
  }

  /** TLP_send_probe() [RFC 8985 7.3]: a new segment if there is one and the peer's window lets it go, else the last one again. */
  #tailProbe(now: Instant): SendPlan | undefined {
    this.probeTail = false;
    if (this.mayProbeWithNewData) {
      const data = distance(this.nxt, this.finSeq);
      const length = Math.min(data, this.mss);
      return this.#new(length, 'loss-probe', length === data && this.wnd - this.flightSize > length, now);
    }
    const { last } = this.scoreboard;
    if (last === undefined || last.isSacked) return undefined;
    const text = distance(last.start, min(last.end, this.finSeq));
    const from = add(last.start, Math.max(0, text - 1) - (Math.max(0, text - 1) % last.segmentSize));
    const piece = Math.min(this.mss, distance(from, min(last.end, this.finSeq)));
    return this.#again(from, Math.max(0, piece), 'loss-probe-retransmit', last.fin, now);
  }

  /** Whether the pacer says "later". */
  #paced(now: Instant): boolean {
    const until = this.pacer.delayUntil(now);
    if (until > now) this.pacedUntil = until;
    return until > now;
  }

  /** What may leave in one go at `rate`, in whole segments. */
  #burst(rate: number): number {
    const quantum = sendQuantum(rate, this.mss);
    return Math.max(this.mss, Math.min(this.#most, quantum - (quantum % this.mss)));
  }

  /** What the congestion window leaves room for, in bytes; below 0 after a reduction. */
  get congestionRoom(): number {
    return this.congestion.cwnd + this.limitedTransmit - this.inFlight;
  }

  /** One octet of new data, or the FIN, beyond a closed window [RFC 9293 3.8.6.1]; SND.NXT stays where it is. */
  #probe(): SendPlan | undefined {
    this.probeNow = false;
    if (this.unsent <= 0) return undefined;
    this.probed = true;
    const octet = distance(this.nxt, this.finSeq) > 0 ? 1 : 0;
    return this.#plan(this.nxt, octet, 'window-probe', octet === 0);
  }

  /**
   * How many bytes of new data may leave as one segment, 0 for a lone FIN, -1 for nothing: the windows, Nagle [RFC 9293 3.7.4] and
   * the sender's silly-window avoidance [RFC 9293 3.8.6.2.1, MUST-38, SHLD-28].
   */
  #permitted(burst: number, now: Instant, rto: Duration): number {
    const unsent = this.unsent;
    if (unsent <= 0) return -1;
    const flight = this.flightSize;
    if (flight === 0) this.#restartAfterIdle(now, rto);
    const usable = Math.min(this.wnd - flight, this.congestionRoom);
    const data = distance(this.nxt, this.finSeq);
    const length = Math.min(data, usable, burst);
    if (usable < 1) return -1; // far below if the peer drew its window back [RFC 9293 MUST-34, SHLD-15]
    const all = length === data;
    // (1) full-sized segments go; so does the rest with them if nothing holds it back
    if (length >= this.mss)
      return all && this.#mayBeSmall(flight, length) ? length : length - (length % this.mss);
    // (2) and (3) the rest of the queue goes, and with it the FIN
    if (all && this.#mayBeSmall(flight, length)) return length;
    // (3) half of the largest window the peer ever had, if nothing is out; (4) the override timer
    if (flight === 0 && length > 0 && (length * 2 >= this.maxWnd || this.pushNow)) return length;
    return -1;
  }

  /** Nagle: a small segment waits while anything is out, and others are gathered into it [RFC 9293 3.7.4, MAY-16, SHLD-27]. */
  #mayBeSmall(flight: number, length: number): boolean {
    const atOnce = this.noDelay || this.finQueued || this.pushNow || this.up !== undefined;
    return atOnce || flight === 0 || length % this.mss === 0;
  }

  #restartAfterIdle(now: Instant, rto: Duration): void {
    if (!this.#restartsAfterIdle || this.lastSent === 0) return;
    const idle = between(this.lastSent, now);
    if (idle > rto) this.congestion.restartAfterIdle(idle, rto);
  }

  /** The FIN takes a sequence number and so needs a place in the windows. */
  #finFits(length: number): boolean {
    return Math.min(this.wnd - this.flightSize, this.congestionRoom) > length;
  }

  #plan(from: SeqNumber, length: number, cause: SendCause, finAllowed: boolean): SendPlan {
    const last = add(from, length) === this.finSeq;
    const fin = last && this.finQueued && finAllowed;
    return { seq: from, length, fin, psh: last && length > 0, cause };
  }
}
