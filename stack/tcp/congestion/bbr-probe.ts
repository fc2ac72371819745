import { type Random, randomBelow } from '../../random.ts';
import { type Duration, type Instant, after, seconds, us } from '../../time.ts';
import type { RateRecord } from '../delivery-rate.ts';
import type { BbrCore } from './bbr-core.ts';
import { type AckPhase, BETA, LOSS_THRESH, isProbeBw } from './bbr-states.ts';
import type { AckSample } from './congestion-control.ts';

/** The cycle of DOWN, CRUISE, REFILL and UP in which BBR looks for more bandwidth [draft-ietf-ccwg-bbr 5.3.3], and what a loss means to it. */
export class BbrProbe {
  readonly #core: BbrCore;
  readonly #random: Random;
  #ackPhase: AckPhase = 'INIT';
  /** BBR.cycle_stamp, BBR.bw_probe_wait. */
  #cycleStamp: Instant = 0 as Instant;
  #probeWait: Duration = us(0);
  #isBwProbeSample: boolean = false;
  #prevProbeTooHigh: boolean = false;
  #prevProbePrecautionary: boolean = false;
  /** BBR.bw_probe_up_rounds, BBR.bw_probe_up_acked, BBR.probe_up_acked_per_inc. */
  #probeUpRounds: number = 0;
  #probeUpAcked: number = 0;
  #probeUpAckedPerIncrement: number = Number.POSITIVE_INFINITY;

  constructor(core: BbrCore, random: Random) {
    this.#core = core;
    this.#random = random;
  }

  /** BBR.ack_phase <- ACKS_PROBE_STOPPING: ProbeRTT interrupts. */
  stop(): void {
    this.#ackPhase = 'PROBE_STOPPING';
  }

  /** StartProbeBW_DOWN. */
  down(now: Instant): void {
    const core = this.#core;
    core.model.resetCongestionSignals();
    this.#probeUpAckedPerIncrement = Number.POSITIVE_INFINITY;
    this.#pickProbeWait();
    this.#cycleStamp = now;
    this.#ackPhase = 'PROBE_STOPPING';
    core.startRound();
    core.state = 'ProbeBW_DOWN';
  }

  /** StartProbeBW_REFILL. */
  refill(): void {
    const core = this.#core;
    core.model.resetShortTermModel();
    this.#probeUpRounds = 0;
    this.#probeUpAcked = 0;
    this.#prevProbePrecautionary = false;
    this.#ackPhase = 'REFILLING';
    core.startRound();
    core.state = 'ProbeBW_REFILL';
  }

  /** StartProbeBW_UP. */
  #up(): void {
    const core = this.#core;
    this.#ackPhase = 'PROBE_STARTING';
    core.startRound();
    core.model.resetFullBw(core.rs.deliveryRate);
    core.state = 'ProbeBW_UP';
    this.#raiseInflightLongtermSlope();
  }

  /** UpdateProbeBWCyclePhase, at each ACK. */
  update(sample: AckSample): void {
    const core = this.#core;
    if (!core.model.fullBwReached) return;
    if (this.#adaptLongTermModel(sample)) return;
    switch (core.state) {
      case 'ProbeBW_DOWN':
        if (!this.#startProbeIfDue(sample.now) && this.#isTimeToCruise(sample.inFlight)) {
          core.state = 'ProbeBW_CRUISE';
        }
        return;
      case 'ProbeBW_CRUISE':
        this.#startProbeIfDue(sample.now);
        return;
      case 'ProbeBW_REFILL':
        if (!core.model.roundStart) return;
        this.#isBwProbeSample = true;
        this.#up();
        return;
      case 'ProbeBW_UP':
        if (!this.#isTimeToGoDown(sample.inFlight)) return;
        this.#prevProbeTooHigh = false; // no high loss yet
        this.down(sample.now);
    }
  }

  /** IsTimeToProbeBW [5.3.3.8.3]. */
  #startProbeIfDue(now: Instant): boolean {
    const due = now > after(this.#cycleStamp, this.#probeWait) || this.#isRenoCoexistenceProbeTime();
    if (due) this.refill();
    return due;
  }

  #pickProbeWait(): void {
    const core = this.#core;
    core.model.roundsSinceProbeUp = randomBelow(this.#random, 2);
    this.#probeWait = us(seconds(2) + randomBelow(this.#random, 1_000_001));
  }

  /** As many rounds as Reno needs to fill the pipe: in segments, where the draft's pseudocode compares rounds with bytes. */
  #isRenoCoexistenceProbeTime(): boolean {
    const core = this.#core;
    return core.model.roundsSinceProbeUp >= Math.min(core.targetInflight / core.smss, 63);
  }

  #isTimeToCruise(inFlight: number): boolean {
    const core = this.#core;
    const { model } = core;
    if (inFlight > model.inflightWithHeadroom(core.smss, core.minPipeCwnd)) return false;
    return inFlight <= core.inflight(model.maxBw);
  }

  #isTimeToGoDown(inFlight: number): boolean {
    const core = this.#core;
    const { model } = core;
    if (this.#prevProbeTooHigh && inFlight >= model.inflightLongterm) {
      this.#prevProbePrecautionary = true;
      return true;
    }
    if (core.cwndLimited && core.cwnd >= model.inflightLongterm) {
      model.resetFullBw(core.rs.deliveryRate); // the window hides what the path could do
      return false;
    }
    return model.fullBwNow;
  }

  #raiseInflightLongtermSlope(): void {
    const core = this.#core;
    const growthThisRound = 2 ** this.#probeUpRounds;
    this.#probeUpRounds = Math.min(this.#probeUpRounds + 1, 30);
    this.#probeUpAckedPerIncrement = Math.max(core.cwnd / growthThisRound, core.smss);
  }

  #probeInflightLongtermUpward(newlyAcked: number): void {
    const core = this.#core;
    const { model } = core;
    if (!core.cwndLimited || core.cwnd < model.inflightLongterm) return;
    this.#probeUpAcked += newlyAcked;
    const steps = Math.floor(this.#probeUpAcked / this.#probeUpAckedPerIncrement);
    if (steps > 0) {
      this.#probeUpAcked -= steps * this.#probeUpAckedPerIncrement;
      model.inflightLongterm += steps * core.smss;
    }
    if (model.roundStart) this.#raiseInflightLongtermSlope();
  }

  /** AdaptLongTermModel: whether the state was changed. */
  #adaptLongTermModel({ delivered }: AckSample): boolean {
    const core = this.#core;
    const { model } = core;
    if (this.#ackPhase === 'PROBE_STARTING' && model.roundStart) this.#ackPhase = 'PROBE_FEEDBACK';
    if (this.#ackPhase === 'PROBE_STOPPING' && model.roundStart) {
      this.#isBwProbeSample = false;
      this.#ackPhase = 'INIT';
      if (isProbeBw(core.state)) {
        if (!core.rs.appLimited) model.advanceMaxBwFilter();
        // The careful probe went well: a real one [5.3.3.6].
        if (this.#prevProbePrecautionary && !this.#prevProbeTooHigh) {
          this.refill();
          return true;
        }
      }
    }
    if (core.isInflightTooHigh(core.rs) || model.inflightLongterm === Number.POSITIVE_INFINITY) return false;
    model.inflightLongterm = Math.max(model.inflightLongterm, core.rs.txInFlight);
    if (core.state === 'ProbeBW_UP') this.#probeInflightLongtermUpward(delivered);
    return false;
  }

  #handleInflightTooHigh(inflightAtLoss: number, appLimited: boolean, now: Instant): void {
    const core = this.#core;
    this.#prevProbeTooHigh = true;
    this.#isBwProbeSample = false; // once per probe
    if (!appLimited) core.model.inflightLongterm = Math.max(inflightAtLoss, core.targetInflight * BETA);
    if (core.state !== 'ProbeBW_UP') return;
    core.undoState = 'ProbeBW_UP';
    this.down(now);
  }

  /** HandleLostPacket, but for what every loss means [draft-ietf-ccwg-bbr 5.5.10.2]. */
  lost(record: RateRecord, bytes: number, now: Instant): void {
    if (!this.#isBwProbeSample) return;
    const { txInFlight, appLimited } = record;
    const lost = this.#core.rate.lost - record.lost;
    if (!this.#core.isInflightTooHigh({ lost, txInFlight })) return;
    // InflightAtLoss: where within this transmission did the losses become too many?
    const inflightBefore = txInFlight - bytes;
    const lostBefore = lost - bytes;
    const prefix = (LOSS_THRESH * inflightBefore - lostBefore) / (1 - LOSS_THRESH);
    this.#handleInflightTooHigh(inflightBefore + prefix, appLimited, now);
  }
}
