import type { TcpSettings } from '../settings.ts';
import type { Duration, Instant } from '../time.ts';
import { type AckAccount, noAccount } from './ack-account.ts';
import type { AckSample, CongestionCause } from './congestion/congestion-control.ts';
import { conservativeLoss } from './conservative-loss.ts';
import { LossProbe } from './loss-probe.ts';
import type { AckTimes, CongestionState, LossRecovery, TakenAck, TimestampClock } from './loss-recovery.ts';
import { Rack, type RackView } from './rack.ts';
import { RateReduction } from './rate-reduction.ts';
import { BlockReader } from './sack-blocks.ts';
import type { ScoreboardObserver } from './scoreboard.ts';
import type { ArrivedSegment } from './segment.ts';
import type { Sender } from './sender.ts';
import { type SeqNumber, add, gt, leq, seq } from './sequence.ts';
import { SpuriousRecovery } from './spurious.ts';
import type { Transmission } from './transmission.ts';

/**
 * Loss recovery with SACK: losses are found by RACK [RFC 8985] or by counting [RFC 6675], repaired at the pace of PRR [RFC 6937], the tail
 * is probed [RFC 8985 7], spurious timeouts and recoveries are found and undone [RFC 5682, RFC 4015].
 */
export class SackRecovery implements LossRecovery, ScoreboardObserver {
  state: CongestionState = 'Open';
  dupAcks: number = 0;
  recover: SeqNumber = seq(0);
  reorderingDeadline: Instant | undefined;
  probeRestart: boolean = false;
  reductions: number = 0;
  readonly rack: Rack;
  readonly blocks: BlockReader;
  readonly #probe: LossProbe;
  /** Undefined until the first reduction, and until the first loss. */
  #reduction: RateReduction | undefined;
  #spurious: SpuriousRecovery | undefined;
  readonly #sender: Sender;
  readonly #settings: TcpSettings;
  readonly #clock: TimestampClock;
  /** Bytes that SACKs let go in Disorder, since SND.UNA last moved: limited transmit [RFC 3042]. */
  #limited: number = 0;
  /** F-RTO: waits for the first ACK after the timeout, or the second [RFC 5682 3.1]. */
  #frto: 'off' | 'first' | 'second' = 'off';
  #account: AckAccount = noAccount();

  constructor(sender: Sender, settings: TcpSettings, clock: TimestampClock) {
    this.#sender = sender;
    this.#settings = settings;
    this.#clock = clock;
    this.rack = new Rack(sender.scoreboard, settings);
    this.blocks = new BlockReader(sender.scoreboard);
    this.#probe = new LossProbe(settings);
    sender.scoreboard.observer = this;
    this.start(sender.iss);
  }

  start(iss: SeqNumber): void {
    this.recover = add(iss, -1);
  }

  get active(): boolean {
    return this.state === 'Recovery' || this.state === 'Loss';
  }

  get atRest(): boolean {
    if (this.state !== 'Open' || this.#probe.isOut || this.reorderingDeadline !== undefined) return false;
    return this.#sender.congestion.sampled === undefined; // an algorithm with a model wants every ACK
  }

  // What becomes of each transmission: the scoreboard tells.

  transmitted(record: Transmission): void {
    const { deliveryRate, inFlight } = this.#sender;
    const { length } = record;
    if (record.retransmissions > 0) this.#spurious?.sentAgain(record, this.#stamp(record) ?? 0);
    else this.probeRestart = true;
    if (this.state === 'Recovery' || this.state === 'CWR') this.#reduction?.sent(length);
    if (this.state === 'Disorder') this.#limited += length;
    deliveryRate.onSent(record, length, record.sentAt, inFlight - length);
  }

  delivered(record: Transmission, bytes: number): void {
    const account = this.#account;
    account.delivered += bytes;
    if (record.isMtuProbe) this.#sender.mtuProbeResult = 'arrived';
    this.#sender.deliveryRate.onDelivered(record, bytes, account.now);
    this.#sender.deliveryRate.segments += record.segments;
    const stamp = this.#stamp(record);
    const isEcho = stamp === undefined || account.echo === undefined || ((account.echo - stamp) | 0) >= 0;
    this.rack.delivered(record, account.now, account.minRtt, isEcho);
    if (record.retransmissions === 0 && leq(record.end, add(this.recover, 1))) account.original = true;
  }

  /** The timestamp it had; undefined: timestamps are not in use. */
  #stamp({ sentAt }: Transmission): number | undefined {
    return this.#clock.timestamps ? this.#clock.timestampNow(sentAt) : undefined;
  }

  lost(record: Transmission): void {
    const { deliveryRate, congestion } = this.#sender;
    if (record.isMtuProbe) this.#sender.mtuProbeResult = 'lost';
    if (record.isForgiven) return;
    this.#account.lost += record.length;
    deliveryRate.onLost(record.length);
    congestion.lost?.(record, record.length, this.#account.now);
  }

  // ACKs.

  takeBlocks(segment: ArrivedSegment, ack: SeqNumber, now: Instant, minRtt: Duration | undefined): void {
    const { sack, timestamps } = segment.header.options;
    const account = this.#account;
    account.now = now;
    account.minRtt = minRtt;
    // What lies beyond a gap does not move TS.Recent: of a block's segments the echo says nothing [RFC 7323 4.3; RFC 8985 6.2, step 2].
    account.echo = undefined;
    account.delivered = 0;
    account.lost = 0;
    account.original = false;
    const { una, nxt, maxWnd, mss } = this.#sender;
    this.rack.ackArrives();
    const duplicate = this.blocks.read(sack, ack, una, nxt, maxWnd, mss);
    account.echo = timestamps?.echo;
    account.dsack = duplicate !== undefined;
    if (duplicate === undefined) return;
    const { left, right } = duplicate;
    this.#spurious?.duplicate(left, right, Math.max(1, Math.ceil(((right - left) >>> 0) / mss)));
  }

  settle(taken: TakenAck): boolean {
    const { acked, segment, now, times } = taken;
    const sender = this.#sender;
    const account = this.#account;
    const isDuplicate = acked === 0 && segment.wireLength === 0 && sender.flightSize > 0;
    this.dupAcks = acked > 0 ? 0 : this.dupAcks + (isDuplicate ? 1 : 0);
    if (acked > 0) {
      this.#limited = 0;
      this.probeRestart = true;
      sender.retransmitNow = undefined; // of a segment that has come meanwhile
    }
    this.rack.adapt(account.dsack, sender.una, sender.nxt);
    this.#settleProbe(taken);
    const before = this.state;
    this.#undoIfSpurious(taken);
    const over = this.state !== 'Open' && this.state !== 'Disorder' && gt(sender.una, this.recover);
    if (over) this.#leave();
    this.#detect(this.#view(now, times));
    if (this.state === 'Loss') this.#settleTimeout(taken);
    const sample = this.#sample(taken, before);
    sender.congestion.sampled?.(sample);
    this.#enterOrGrow(sample, taken, over && before !== 'Loss');
    return acked > 0;
  }

  reorderingTimeout(now: Instant, times: AckTimes): void {
    this.#account.now = now;
    this.#account.lost = 0;
    this.#account.delivered = 0;
    this.#detect(this.#view(now, times));
    if (this.#account.lost === 0) return;
    if (this.state === 'Open' || this.state === 'Disorder') this.#enterRecovery(this.#sender.flightSize, now);
    this.#reduce(false);
  }

  // The tail.

  probeDelay(times: AckTimes): Duration | undefined {
    const { scoreboard, flightSize, mss, wnd } = this.#sender;
    const { tailLossProbe } = this.#settings;
    if (!tailLossProbe || this.#probe.isOut || flightSize === 0 || wnd === 0) return undefined;
    if (this.state !== 'Open' || scoreboard.sackedBytes > 0 || scoreboard.lostBytes > 0) return undefined;
    return this.#probe.delay(times.srtt, flightSize <= mss);
  }

  probeTimeout(): void {
    if (!this.#probe.mayLeave) return;
    const sender = this.#sender;
    const { nxt } = sender;
    sender.probeTail = true;
    // New data if there is any and it may leave; else the last segment again, up to SND.NXT.
    const again = !sender.mayProbeWithNewData;
    this.#probe.sent(again ? nxt : add(nxt, Math.min(sender.unsent, sender.mss)), again);
  }

  // Timeouts.

  timeout(first: boolean, now: Instant, times: AckTimes): void {
    const sender = this.#sender;
    const { scoreboard } = sender;
    this.#account.now = now;
    this.#probe.reset();
    this.dupAcks = 0;
    // The peer has thrown away what it had reported: else SND.UNA would lie beyond it [RFC 2018 8].
    if (scoreboard.first?.isSacked === true) scoreboard.forgetSacks();
    // Not if it interrupts a recovery: what is acknowledged then may be of that one's retransmissions [RFC 5682 3.1, step 1]. But if the
    // same segment times out once more, the algorithm starts again [3.1; 3.2].
    const again = !first && this.#frto === 'first';
    const fresh = first && this.state !== 'Recovery' && this.state !== 'Loss';
    this.#frto = this.#settings.frto && (fresh || again) ? 'first' : 'off';
    if (first) this.#mayBeSpurious(sender.una);
    else this.#spurious?.end();
    this.reductions += 1;
    sender.congestion.timeout(sender.flightSize, first, now);
    this.state = 'Loss';
    this.recover = add(sender.nxt, -1);
    if (this.#settings.rack) this.rack.detectLossOnTimeout(sender.una, this.#view(now, times));
    else scoreboard.markAllLost();
    this.reorderingDeadline = undefined;
    sender.limitedTransmit = 0;
    sender.holdLost = false;
    sender.countSacked = false;
    sender.lossCause = 'retransmit-timeout';
    sender.retransmitNow = 'retransmit-timeout';
  }

  congestionExperienced(now: Instant, flight: number): boolean {
    if (this.state !== 'Open' && this.state !== 'Disorder') return false;
    this.#begin('CWR', Math.max(flight, this.#sender.mss), now, 'ecn');
    this.#spurious?.end();
    this.#reduce(false);
    return true;
  }

  // The steps of `settle`.

  #view(now: Instant, { minRtt, srtt }: AckTimes): RackView {
    return { now, minRtt, srtt, recovering: this.active };
  }

  /** A loss that the probe has repaired is a loss to congestion control [RFC 8985 7.4.2]. */
  #settleProbe({ segment, ack, acked, flightBefore, now, times }: TakenAck): void {
    if (times.rtt !== undefined) this.#probe.measured();
    const { dsack } = this.#account;
    const blocks = segment.header.options.sack !== undefined;
    if (!this.#probe.acknowledged({ ack, moved: acked > 0, dsack, blocks })) return;
    if (this.state !== 'Open' && this.state !== 'Disorder') return;
    const { congestion, flightSize } = this.#sender;
    this.reductions += 1;
    congestion.enterRecovery(flightBefore, now, 'loss');
    congestion.exitRecovery(flightSize);
    if (!congestion.ownsWindow) congestion.cwnd = congestion.ssthresh;
  }

  #undoIfSpurious({ acked }: TakenAck): void {
    if (!this.#settings.undo || this.#spurious === undefined) return;
    if (this.#spurious.isExhausted(this.#sender.una)) return;
    const eifel = acked > 0 && this.active && this.#spurious.isOlder(this.#account.echo);
    if (!eifel && !(this.#account.dsack && this.#spurious.allExplained)) return;
    // In fast recovery something may be lost beside what was late: as long as that is out, it goes on.
    const { lostBytes, againBytes } = this.#sender.scoreboard;
    if (this.state === 'Recovery' && eifel && lostBytes + againBytes > 0) return;
    this.#undo();
  }

  /** What was done for nothing is taken back [RFC 4015 3.2]. */
  #undo(): void {
    const sender = this.#sender;
    this.#spurious?.undone(sender.nxt);
    this.#frto = 'off';
    sender.holdLost = false;
    sender.retransmitNow = undefined;
    sender.scoreboard.noneLost();
    sender.congestion.undo();
    if (this.active) this.state = 'Open';
  }

  /** Everything is acknowledged that was out when it began. */
  #leave(): void {
    const sender = this.#sender;
    const { congestion } = sender;
    if (this.state !== 'Loss') {
      congestion.exitRecovery(sender.flightSize);
      if (!congestion.ownsWindow) congestion.cwnd = congestion.ssthresh;
    }
    if (this.active) this.rack.recovered();
    this.#frto = 'off';
    sender.holdLost = false;
    this.#probe.reset();
    this.state = 'Open';
  }

  #detect(view: RackView): void {
    if (this.#settings.rack) this.reorderingDeadline = this.rack.detectLoss(view);
    else conservativeLoss(this.#sender, this.#settings.dupThresh);
  }

  /** F-RTO with SACK: was the timeout spurious? [RFC 5682 3.1] */
  #settleTimeout({ acked, segment }: TakenAck): void {
    const sender = this.#sender;
    const room = (segment.header.window << sender.windShift) - sender.flightSize; // SND.WND is not updated yet
    if (this.#frto === 'second') {
      sender.holdLost = false;
      this.#frto = 'off';
      if (this.#account.original) this.#undo(); // step 3 b: what was not sent again has arrived
      return;
    }
    // Step 2 waits for what was sent again to be acknowledged; duplicates meanwhile only tell the scoreboard.
    if (this.#frto !== 'first' || acked === 0) return;
    this.#frto = 'off';
    if (sender.unsent <= 0 || Math.min(sender.unsent, sender.mss) > room) return; // nothing to send instead: the conventional way
    this.#frto = 'second'; // step 2 b: up to two new segments
    sender.holdLost = true;
  }

  #sample(taken: TakenAck, before: CongestionState): AckSample {
    const { acked, pipeBefore, now, times } = taken;
    const sender = this.#sender;
    const { delivered, lost } = this.#account;
    return {
      now,
      acked,
      delivered,
      lost,
      inFlight: sender.inFlight,
      priorInFlight: pipeBefore,
      ...times,
      limited: sender.wasLimited(pipeBefore),
      afterTimeout: before === 'Loss' || leq(add(sender.una, -acked), this.recover),
      seqAcked: sender.una,
      seqSent: sender.nxt,
      rate: sender.deliveryRate.sample(times.minRtt),
    };
  }

  /** New losses begin a recovery; one that lasts follows what is delivered; otherwise the window grows, but not upon the ACK that ended one. */
  #enterOrGrow(sample: AckSample, { acked, flightBefore, now }: TakenAck, recovered: boolean): void {
    const { scoreboard, congestion } = this.#sender;
    const lost = scoreboard.lostBytes > scoreboard.forgivenBytes;
    if (lost && this.state !== 'Recovery' && this.state !== 'Loss') this.#enterRecovery(flightBefore, now);
    if (this.state === 'Recovery' || this.state === 'CWR') {
      this.#reduce(acked > 0 && sample.lost === 0);
      return;
    }
    if (acked > 0 && !recovered) congestion.acknowledged(sample);
    if (this.state === 'Loss') return;
    this.state = scoreboard.sackedBytes > 0 ? 'Disorder' : 'Open';
    this.#sender.countSacked = this.state === 'Disorder' && !this.#settings.limitedTransmit;
    this.#keepRecoverClose();
  }

  /** `recover` follows, lest after 2^31 bytes without a loss it seem to lie ahead. */
  #keepRecoverClose(): void {
    const close = add(this.#sender.una, -2);
    if (gt(close, this.recover)) this.recover = close;
  }

  #enterRecovery(flight: number, now: Instant): void {
    // What limited transmit has sent does not count [RFC 5681 3.2, step 2].
    const { mss, una } = this.#sender;
    const before = Math.max(flight - this.#limited, mss);
    // Within one window of data the reduction that a mark brought is enough [RFC 3168 6.1.2].
    const reduced = this.state === 'CWR';
    if (reduced) this.state = 'Recovery';
    else this.#begin('Recovery', before, now, 'loss');
    this.#mayBeSpurious(una);
    this.#probe.reset();
    this.#sender.lossCause = 'fast-retransmit';
    this.#sender.countSacked = false;
  }

  #mayBeSpurious(una: SeqNumber): void {
    this.#spurious ??= new SpuriousRecovery();
    this.#spurious.begin(una);
  }

  #begin(state: 'Recovery' | 'CWR', flight: number, now: Instant, cause: CongestionCause): void {
    const { congestion, nxt } = this.#sender;
    this.reductions += 1;
    congestion.enterRecovery(flight, now, cause);
    this.#reduction ??= new RateReduction();
    this.#reduction.begin(flight);
    this.state = state;
    this.recover = add(nxt, -1);
  }

  /** The congestion window in recovery: PRR's, or ssthresh [RFC 6675 5, step 4.2]. */
  #reduce(safe: boolean): void {
    const { congestion, inFlight, mss } = this.#sender;
    if (congestion.ownsWindow) return;
    congestion.cwnd =
      this.#settings.proportionalRateReduction && this.#reduction !== undefined
        ? this.#reduction.window(this.#account.delivered, inFlight, congestion.ssthresh, mss, safe)
        : congestion.ssthresh;
  }
}
