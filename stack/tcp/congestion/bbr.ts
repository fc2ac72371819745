import type { Random } from '../../random.ts';
import type { TcpSettings } from '../../settings.ts';
import { type Duration, type Instant, after } from '../../time.ts';
import type { DeliveryRate, RateRecord } from '../delivery-rate.ts';
import { BbrCore } from './bbr-core.ts';
import { NO_SAMPLE } from './bbr-model.ts';
import { BbrProbe } from './bbr-probe.ts';
import { GAINS, PROBE_RTT_DURATION, STARTUP_FULL_LOSS_COUNT, isProbeBw } from './bbr-states.ts';
import type {
  AckSample,
  CongestionCause,
  CongestionControl,
  CongestionDetails,
} from './congestion-control.ts';

/**
 * BBR, version 3 [draft-ietf-ccwg-bbr]: keeps a model of the path (`bbr-model.ts`) and sends as fast as that says it delivers. Here is what
 * happens upon each input, and the states but for the cycle of ProbeBW (`bbr-probe.ts`); functions in the draft's order, section numbers
 * are its own. It needs every ACK (`sampled`), pacing, and the record of each transmission.
 */
export class Bbr implements CongestionControl {
  readonly name: string = 'bbr';
  /** Without a meaning here: there is no slow start. */
  ssthresh: number;
  readonly ownsWindow: boolean = true;
  readonly #core: BbrCore;
  readonly #probe: BbrProbe;
  /** BBR.drain_start_round. */
  #drainStartRound: number = 0;
  /** BBR.probe_rtt_done_stamp, BBR.probe_rtt_round_done. */
  #probeRttDoneStamp: Instant | undefined;
  #probeRttRoundDone: boolean = false;
  #idleRestart: boolean = false;
  /** Loss recovery, and of which kind. */
  #recovering: 'fast' | 'timeout' | undefined;
  /** Gaps among what was lost in this round, and the transmission last lost. */
  #lossRanges: number = 0;
  #lastLost: number = -1;
  /** BBR.undo_bw_shortterm, BBR.undo_inflight_shortterm, BBR.undo_inflight_longterm. */
  #undoBwShortterm: number = 0;
  #undoInflightShortterm: number = 0;
  #undoInflightLongterm: number = 0;

  constructor(settings: TcpSettings, random: Random, rate: DeliveryRate) {
    this.ssthresh = settings.initialSsthresh;
    this.#core = new BbrCore(settings, rate);
    this.#probe = new BbrProbe(this.#core, random);
  }

  get cwnd(): number {
    return this.#core.cwnd;
  }

  set cwnd(bytes: number) {
    this.#core.cwnd = bytes;
  }

  get pacingRate(): number {
    return this.#core.pacingRate;
  }

  // 5.2.1, 5.2.2: the connection begins, a segment leaves.

  established(
    smss: number,
    synLost: boolean,
    now: Instant,
    srtt: Duration | undefined,
    selective: boolean = false,
  ): void {
    const core = this.#core;
    core.smss = smss;
    core.selective = selective;
    core.cwnd = synLost ? smss : core.initialWindow;
    core.model.start(now, srtt);
    core.initPacingRate(srtt);
  }

  mssChanged(smss: number): void {
    this.#core.smss = smss;
    this.#core.cwnd = Math.max(this.#core.cwnd, smss);
  }

  /** HandleRestartFromIdle [5.4.1]. */
  segmentSent(inFlight: number, now: Instant): void {
    const core = this.#core;
    if (inFlight > 0 || !core.rate.appLimited) return;
    this.#idleRestart = true;
    core.model.restartAckAggregation(now);
    if (isProbeBw(core.state)) core.setPacingRate(1);
    else if (core.state === 'ProbeRTT') this.#checkProbeRttDone(now);
  }

  // 5.2.3: an ACK arrives.

  sampled(sample: AckSample): void {
    const core = this.#core;
    const { model } = core;
    const rs = sample.rate ?? NO_SAMPLE;
    core.rs = rs;
    core.srtt = sample.srtt ?? 0;
    if (!core.rttSeen && (sample.srtt ?? 0) > 0) core.initPacingRate(sample.srtt);
    // With the first ACK for what was sent after the timeout its recovery is over.
    if (this.#recovering === 'timeout' && sample.acked > 0 && !sample.afterTimeout) this.exitRecovery();
    model.updateLatestDeliverySignals(rs, core.rate.delivered);
    model.updateMaxBw(rs, core.rate.delivered);
    core.noteLimited(sample);
    this.#updateCongestionSignals();
    model.updateAckAggregation(sample.delivered, core.cwnd, sample.now);
    model.checkFullBwReached(rs);
    this.#checkStartupDone();
    this.#checkDrainDone(sample);
    this.#probe.update(sample);
    model.updateMinRtt(rs.rtt ?? sample.rtt, sample.now); // of the newest packet, and finer than a timestamp
    this.#checkProbeRtt(sample);
    model.advance(rs);
    core.setPacingRate(GAINS[core.state].pacing);
    core.setCwnd(sample.delivered);
  }

  acknowledged(): void {
    // `sampled` has seen it.
  }

  // 5.3.1, 5.3.2: Startup and Drain.

  #checkStartupDone(): void {
    const core = this.#core;
    this.#checkStartupHighLoss();
    if (core.state !== 'Startup' || !core.model.fullBwReached) return;
    core.state = 'Drain';
    this.#drainStartRound = core.model.roundCount;
  }

  /** Many losses, a whole round of recovery long, end Startup too; without SACK any loss does [5.3.1.3]. */
  #checkStartupHighLoss(): void {
    const core = this.#core;
    const { model } = core;
    if (!model.lossRoundStart) return;
    const ranges = this.#lossRanges;
    this.#lossRanges = 0;
    if (core.state !== 'Startup' || this.#recovering === undefined || ranges === 0) return;
    if (core.selective && (ranges < STARTUP_FULL_LOSS_COUNT || !core.isInflightTooHigh(core.rs))) return;
    core.undoState = 'Startup';
    model.fullBwReached = true;
    model.fullBwNow = true;
    model.inflightLongterm = Math.max(model.bdp(model.bw, core.initialWindow), model.inflightLatest);
  }

  #checkDrainDone({ inFlight, now }: AckSample): void {
    const core = this.#core;
    if (core.state !== 'Drain') return;
    const late = core.model.roundCount > this.#drainStartRound + 3;
    if (late || inFlight <= core.inflight(core.model.bw)) this.#probe.down(now);
  }

  // 5.3.4: ProbeRTT.

  #checkProbeRtt({ now, inFlight, delivered }: AckSample): void {
    const core = this.#core;
    if (core.state !== 'ProbeRTT' && core.model.probeRttExpired && !this.#idleRestart) {
      core.state = 'ProbeRTT';
      core.saveCwnd(this.#recovering !== undefined);
      this.#probeRttDoneStamp = undefined;
      this.#probe.stop();
      core.startRound();
    }
    if (core.state === 'ProbeRTT') this.#handleProbeRtt(inFlight, now);
    if (delivered > 0) this.#idleRestart = false;
  }

  #handleProbeRtt(inFlight: number, now: Instant): void {
    const core = this.#core;
    core.rate.markAppLimited(inFlight); // the low rate is ours
    if (this.#probeRttDoneStamp === undefined) {
      if (inFlight > core.probeRttCwnd) return;
      this.#probeRttDoneStamp = after(now, PROBE_RTT_DURATION);
      this.#probeRttRoundDone = false;
      core.startRound();
      return;
    }
    if (core.model.roundStart) this.#probeRttRoundDone = true;
    if (this.#probeRttRoundDone) this.#checkProbeRttDone(now);
  }

  #checkProbeRttDone(now: Instant): void {
    const core = this.#core;
    if (this.#probeRttDoneStamp === undefined || now <= this.#probeRttDoneStamp) return;
    core.model.probeRttMinStamp = now;
    core.restoreCwnd();
    core.model.resetShortTermModel();
    if (core.model.fullBwReached) {
      this.#probe.down(now);
      core.state = 'ProbeBW_CRUISE'; // the queue is empty already
    } else {
      core.state = 'Startup';
    }
  }

  // 5.5.10: losses.

  /** NoteLoss. */
  #noteLoss(): void {
    const { model, rate } = this.#core;
    if (model.isLossInRound) return;
    this.#saveStateUponLoss();
    model.startLossRound(rate.delivered);
  }

  /** HandleLostPacket. */
  lost(record: RateRecord, bytes: number, now: Instant): void {
    this.#noteLoss();
    if (record.order !== this.#lastLost + 1) this.#lossRanges += 1;
    this.#lastLost = record.order;
    this.#probe.lost(record, bytes, now);
  }

  /** UpdateCongestionSignals and AdaptLowerBoundsFromCongestion; UpdateMaxBw was before. */
  #updateCongestionSignals(): void {
    const { model, state, cwnd } = this.#core;
    if (!model.lossRoundStart) return;
    const probing = state === 'Startup' || state === 'ProbeBW_REFILL' || state === 'ProbeBW_UP';
    if (!probing && model.isLossInRound) model.lowerBounds(cwnd);
    model.isLossInRound = false;
  }

  enterRecovery(_flightSize: number, _now: Instant, cause: CongestionCause): void {
    if (cause === 'ecn') {
      this.#noteLoss(); // the draft wants a mark to be taken for congestion and leaves open how [3.6]
      return;
    }
    this.#saveStateUponLoss();
    this.#recovering = 'fast';
  }

  duplicateAck(): void {
    // The window is the model's.
  }

  partialAck(): void {
    // The window is the model's.
  }

  exitRecovery(): void {
    if (this.#recovering === undefined) return;
    this.#recovering = undefined;
    this.#core.restoreCwnd();
  }

  /** OnEnterRTO: room for one segment [5.6.4.4]. */
  timeout(): void {
    this.#saveStateUponLoss();
    this.#recovering = 'timeout';
    this.#core.cwnd = this.#core.smss;
  }

  restartAfterIdle(): void {
    // `segmentSent` sees to it: the window stays, and is paced [5.4.1].
  }

  #saveStateUponLoss(): void {
    const core = this.#core;
    core.saveCwnd(this.#recovering !== undefined);
    core.undoState = undefined;
    this.#undoBwShortterm = core.model.bwShortterm;
    this.#undoInflightShortterm = core.model.inflightShortterm;
    this.#undoInflightLongterm = core.model.inflightLongterm;
  }

  /** HandleSpuriousLossDetection [5.5.11.2]. */
  undo(): void {
    const core = this.#core;
    const { model, undoState, state } = core;
    core.undoState = undefined;
    this.#recovering = undefined;
    core.restoreCwnd();
    model.isLossInRound = false;
    model.resetFullBw();
    model.bwShortterm = Math.max(model.bwShortterm, this.#undoBwShortterm);
    model.inflightShortterm = Math.max(model.inflightShortterm, this.#undoInflightShortterm);
    model.inflightLongterm = Math.max(model.inflightLongterm, this.#undoInflightLongterm);
    if (undoState === 'Startup' && state !== 'Startup') {
      model.fullBwReached = false;
      if (state !== 'ProbeRTT') core.state = 'Startup';
    } else if (undoState === 'ProbeBW_UP' && state !== 'ProbeBW_UP' && state !== 'ProbeRTT') {
      this.#probe.refill();
    }
  }

  details(): CongestionDetails {
    const { model, state, pacingRate } = this.#core;
    return {
      phase: state,
      maxBw: Math.floor(model.maxBw),
      bw: Math.floor(model.bw),
      minRtt: finite(model.minRtt),
      rounds: model.roundCount,
      pacingRate: Math.floor(pacingRate),
      pacingGain: GAINS[state].pacing,
      cwndGain: GAINS[state].cwnd,
      bwShortterm: finite(model.bwShortterm),
      inflightShortterm: finite(model.inflightShortterm),
      inflightLongterm: finite(model.inflightLongterm),
      extraAcked: Math.floor(model.extraAcked),
      fullBwReached: model.fullBwReached,
      idleRestart: this.#idleRestart,
      recovering: this.#recovering,
    };
  }
}

function finite(value: number): number | undefined {
  return value === Number.POSITIVE_INFINITY ? undefined : Math.floor(value);
}
