import type { TcpSettings } from '../settings.ts';
import type { Instant } from '../time.ts';
import type { AckSample } from './congestion/congestion-control.ts';
import type { AckTimes, CongestionState, LossRecovery, TakenAck } from './loss-recovery.ts';
import type { ScoreboardObserver } from './scoreboard.ts';
import type { ArrivedSegment } from './segment.ts';
import type { Sender } from './sender.ts';
import { type SeqNumber, add, distance, gt, leq, seq } from './sequence.ts';
import type { Transmission } from './transmission.ts';

/**
 * Loss recovery by duplicate ACKs: fast retransmit and NewReno's fast recovery [RFC 5681 3.2; RFC 6582], limited transmit
 * [RFC 3042]. For connections without SACK; `sack-recovery.ts` is for those with it.
 */
export class Recovery implements LossRecovery, ScoreboardObserver {
  /** Duplicate ACKs in a row. */
  dupAcks: number = 0;
  /** Fast recovery is under way. */
  active: boolean = false;
  /** `recover`: the highest sequence number sent when the last loss was found [RFC 6582 3.1]. */
  recover: SeqNumber = seq(0);
  readonly reorderingDeadline: undefined = undefined;
  readonly atRest: boolean = true;
  probeRestart: boolean = false;
  reductions: number = 0;
  /** SND.NXT when a mark had the window reduced, until an ACK goes beyond it: before, the peer cannot have seen CWR. */
  #marked: SeqNumber | undefined;
  #now: Instant = 0 as Instant;
  #delivered: number = 0;
  /** F-RTO: waits for the first ACK after the timeout, or the second [RFC 5682 2.1]. */
  #frto: 'off' | 'first' | 'second' = 'off';
  /** The retransmission timer is to be restarted only for the first partial ACK [RFC 6582 4, Impatient]. */
  #partialAcks: number = 0;
  /** Bytes out when the first duplicate ACK came. */
  #flightBefore: number = 0;
  /** Bytes out when fast recovery began. */
  #outstanding: number = 0;
  readonly #sender: Sender;
  readonly #settings: TcpSettings;

  constructor(sender: Sender, settings: TcpSettings) {
    this.#sender = sender;
    this.#settings = settings;
    sender.scoreboard.observer = this;
    this.start(sender.iss);
  }

  /** As Linux tells it: from a timeout until all is acknowledged that was out then, Loss. */
  get state(): CongestionState {
    const { highRxt, una, flightSize } = this.#sender;
    if (this.active) return 'Recovery';
    if (this.#marked !== undefined) return 'CWR';
    if (highRxt !== undefined || (flightSize > 0 && leq(una, this.recover))) return 'Loss';
    return this.dupAcks > 0 ? 'Disorder' : 'Open';
  }

  // What becomes of each transmission: the scoreboard tells.

  transmitted(record: Transmission): void {
    const { deliveryRate, inFlight } = this.#sender;
    deliveryRate.onSent(record, record.length, record.sentAt, inFlight - record.length);
  }

  delivered(record: Transmission, bytes: number): void {
    this.#delivered += bytes;
    this.#sender.deliveryRate.onDelivered(record, bytes, this.#now);
    this.#sender.deliveryRate.segments += record.segments;
  }

  lost(record: Transmission): void {
    const { deliveryRate, congestion } = this.#sender;
    deliveryRate.onLost(record.length);
    congestion.lost?.(record, record.length, this.#now);
  }

  takeBlocks(_segment: ArrivedSegment, _ack: SeqNumber, now: Instant): void {
    this.#now = now;
    this.#delivered = 0;
  }

  settle(taken: TakenAck): boolean {
    const { segment, ack, acked, flightBefore, now, times } = taken;
    const duplicate = acked === 0 && this.isDuplicate(segment, ack);
    if (acked > 0 || duplicate) this.#judgeTimeout(acked);
    if (acked > 0) return this.#newAck(acked, flightBefore, now, times);
    if (duplicate) this.duplicateAck(now);
    return false;
  }

  /** F-RTO without SACK: was the timeout spurious? [RFC 5682 2.1] */
  #judgeTimeout(acked: number): void {
    const sender = this.#sender;
    const phase = this.#frto;
    if (phase === 'off') return;
    this.#frto = 'off';
    sender.holdLost = false;
    if (acked === 0) {
      // Steps 2 a and 3 a: a duplicate ACK, so the loss is real. The two new segments count as lost with the rest: a peer that keeps
      // nothing out of order has dropped them, and duplicate ACKs for what lies beyond `recover` would find them only then.
      if (phase === 'first') return;
      sender.scoreboard.markAllLost();
      if (!sender.congestion.ownsWindow) sender.congestion.cwnd = sender.mss; // three in all with those two
      return;
    }
    if (phase === 'second') return this.#undo(); // step 3 b: what was not sent again has arrived
    if (gt(sender.una, this.recover) || !sender.mayProbeWithNewData) return; // nothing left to find out, or nothing to send instead
    this.#frto = 'second'; // step 2 b: up to two new segments
    sender.holdLost = true;
  }

  /** Nothing was lost, only late [RFC 4015 3.2]. */
  #undo(): void {
    const sender = this.#sender;
    sender.scoreboard.noneLost();
    sender.congestion.undo();
    this.recover = add(sender.una, -2);
  }

  reorderingTimeout(): void {}

  /** Without SACK a probe would tell nothing [RFC 8985 7]. */
  probeDelay(): undefined {
    return undefined;
  }

  probeTimeout(): void {}

  congestionExperienced(now: Instant, flight: number): boolean {
    const sender = this.#sender;
    const busy = this.active || this.#marked !== undefined;
    if (busy || (sender.flightSize > 0 && leq(sender.una, this.recover))) return false;
    this.reductions += 1;
    sender.congestion.enterRecovery(Math.max(flight, sender.mss), now, 'ecn');
    this.#marked = sender.nxt;
    return true;
  }

  /** Within one window of data the reduction that a mark brought is enough [RFC 3168 6.1.2]: three segments have left the network since. */
  #reduceForLoss(flight: number, now: Instant): void {
    const { congestion, mss } = this.#sender;
    const reduced = this.#marked !== undefined;
    this.#marked = undefined;
    this.reductions += 1;
    if (!reduced) congestion.enterRecovery(flight, now, 'loss');
    else if (!congestion.ownsWindow) congestion.cwnd = congestion.ssthresh + 3 * mss;
  }

  /**
   * The first sequence number is chosen: nothing was lost yet [RFC 6582 3.2, step 1]. One below the ISN, so that the ACK of the SYN alone
   * "covers more than recover": else the loss of the very first segment could not be found by duplicate ACKs.
   */
  start(iss: SeqNumber): void {
    this.recover = add(iss, -1);
  }

  /** Whether `segment` is a duplicate ACK by RFC 5681 2; SND.WND has not been updated from it yet. */
  isDuplicate(segment: ArrivedSegment, ack: SeqNumber): boolean {
    const sender = this.#sender;
    return (
      sender.flightSize > 0 &&
      segment.header.ack === ack &&
      ack === sender.una &&
      segment.wireLength === 0 &&
      segment.header.window << sender.windShift === sender.wnd
    );
  }

  /** A duplicate ACK came. */
  duplicateAck(now: Instant): void {
    const sender = this.#sender;
    this.dupAcks += 1;
    if (this.dupAcks === 1) this.#flightBefore = sender.flightSize;
    if (this.active) {
      // RFC 5681 3.2, step 4; not more often than there were segments out, since anybody can repeat an ACK (attacks.md A20).
      if (sender.congestion.cwnd < sender.congestion.ssthresh + this.#outstanding)
        sender.congestion.duplicateAck();
      return;
    }
    if (this.dupAcks < this.#settings.dupThresh) {
      if (this.#settings.limitedTransmit) sender.limitedTransmit = this.dupAcks * sender.mss;
      return;
    }
    // Only if the ACK covers more than the last loss: else these are echoes of what was sent again [RFC 6582 3.2, step 2].
    if (this.dupAcks > this.#settings.dupThresh || !gt(add(sender.una, -1), this.recover)) return;
    // What limited transmit has sent does not count [RFC 5681 3.2, step 2].
    const flight = Math.max(this.#flightBefore, sender.flightSize - sender.limitedTransmit);
    sender.limitedTransmit = 0;
    this.active = true;
    this.#partialAcks = 0;
    this.#outstanding = sender.flightSize;
    this.recover = add(sender.nxt, -1);
    this.#reduceForLoss(Math.max(flight, sender.mss), now);
    sender.retransmitNow = 'fast-retransmit';
  }

  /**
   * An ACK for new data came and SND.UNA has moved by `acked`; `flightBefore` was out before it. Returns whether the retransmission
   * timer is to be restarted.
   */
  #newAck(acked: number, flightBefore: number, now: Instant, times: AckTimes): boolean {
    const sender = this.#sender;
    if (this.#marked !== undefined && gt(sender.una, this.#marked)) this.#marked = undefined;
    this.dupAcks = 0;
    sender.limitedTransmit = 0;
    sender.retransmitNow = undefined; // of a segment that has come meanwhile
    const sample = this.#sample(acked, flightBefore, now, times);
    sender.congestion.sampled?.(sample);
    if (!this.active) {
      if (this.#marked === undefined) sender.congestion.acknowledged(sample);
      // `recover` follows, lest after 2^31 bytes without a loss it seem to lie ahead.
      if (gt(add(sender.una, -2), this.recover)) this.recover = add(sender.una, -2);
      return true;
    }
    if (gt(sender.una, this.recover)) {
      this.active = false;
      sender.congestion.exitRecovery(distance(sender.una, sender.nxt));
      return true;
    }
    sender.retransmitNow = 'partial-ack-retransmit';
    sender.congestion.partialAck(acked);
    this.#partialAcks += 1;
    return this.#partialAcks === 1;
  }

  #sample(acked: number, priorInFlight: number, now: Instant, times: AckTimes): AckSample {
    const sender = this.#sender;
    return {
      now,
      acked,
      delivered: this.#delivered,
      lost: 0,
      inFlight: sender.inFlight,
      priorInFlight,
      ...times,
      limited: sender.wasLimited(priorInFlight),
      // Whether what is acknowledged was out when the timer went off, to the last byte of it [RFC 3465 2.3].
      afterTimeout: leq(add(sender.una, -acked), this.recover),
      seqAcked: sender.una,
      seqSent: sender.nxt,
      rate: sender.deliveryRate.sample(times.minRtt),
    };
  }

  /** The retransmission timer went off; `first`: for the first time since SND.UNA moved [RFC 6582 3.2, step 4]. */
  timeout(first: boolean, now: Instant): void {
    const sender = this.#sender;
    // Not if it interrupts a recovery: what is acknowledged then may be of that one's retransmissions [RFC 5682 2.1, step 1].
    const fresh = first && !this.active && gt(sender.una, this.recover);
    this.#frto = this.#settings.frto && fresh ? 'first' : 'off';
    sender.holdLost = false;
    this.reductions += 1;
    sender.congestion.timeout(sender.flightSize, first, now);
    this.#now = now;
    this.active = false;
    this.#marked = undefined;
    this.dupAcks = 0;
    this.recover = add(sender.nxt, -1);
    sender.lossCause = 'retransmit-timeout';
    sender.goBack();
    sender.retransmitNow = 'retransmit-timeout';
  }
}
