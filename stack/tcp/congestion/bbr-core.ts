import type { TcpSettings } from '../../settings.ts';
import type { Duration } from '../../time.ts';
import type { DeliveryRate, RateSample } from '../delivery-rate.ts';
import { sendQuantum } from '../pacer.ts';
import { BbrModel, NO_SAMPLE } from './bbr-model.ts';
import { type BbrState, GAINS, LOSS_THRESH, PACING_MARGIN_PERCENT, isProbeBw } from './bbr-states.ts';
import type { AckSample } from './congestion-control.ts';
import { initialWindow } from './initial-window.ts';

/**
 * BBR's state and what follows from it and from the model for the pacing rate and the window [draft-ietf-ccwg-bbr 5.6]. Volumes in
 * bytes, rates in bytes per second.
 */
export class BbrCore {
  /** BBR.state. */
  state: BbrState = 'Startup';
  /** The state that a loss has ended, in case it was none: BBR.undo_state. */
  undoState: 'Startup' | 'ProbeBW_UP' | undefined;
  /** RS, of the ACK at hand. */
  rs: RateSample = NO_SAMPLE;
  readonly model: BbrModel = new BbrModel();
  readonly rate: DeliveryRate;
  cwnd: number = 0;
  pacingRate: number = 0;
  smss: number = 0;
  /** In microseconds; 0: not measured yet. */
  srtt: number = 0;
  /** C.has_selective_acks. */
  selective: boolean = false;
  /** A round-trip time was known when the pacing rate was first set. */
  rttSeen: boolean = false;
  readonly #settings: TcpSettings;
  /** BBR.prior_cwnd: the last good window. */
  #priorCwnd: number = 0;
  /** The window was full in this round, and in the last. */
  #limitedNow: boolean = false;
  #limitedLast: boolean = false;

  constructor(settings: TcpSettings, rate: DeliveryRate) {
    this.#settings = settings;
    this.rate = rate;
  }

  /** StartRound. */
  startRound(): void {
    this.model.startRound(this.rate.delivered);
  }

  /** Notes whether the window was full at any time in a round. */
  noteLimited({ priorInFlight }: AckSample): void {
    if (this.model.roundStart) {
      this.#limitedLast = this.#limitedNow;
      this.#limitedNow = false;
    }
    if (Math.max(priorInFlight, this.rs.txInFlight) + this.smss > this.cwnd) this.#limitedNow = true;
  }

  /** C.is_cwnd_limited. */
  get cwndLimited(): boolean {
    return this.#limitedNow || this.#limitedLast;
  }

  /** IsInflightTooHigh. */
  isInflightTooHigh({ lost, txInFlight }: Pick<RateSample, 'lost' | 'txInFlight'>): boolean {
    return lost > txInFlight * LOSS_THRESH || (lost > 0 && !this.selective);
  }

  /** InitPacingRate: the initial window per round trip. */
  initPacingRate(srtt: Duration | undefined): void {
    this.rttSeen = srtt !== undefined && srtt > 0;
    const rtt = srtt !== undefined && srtt > 0 ? srtt : 1_000;
    this.pacingRate = (GAINS.Startup.pacing * this.initialWindow * 1_000_000) / rtt;
  }

  /**
   * SetPacingRateWithGain; never less than a segment per round trip, which the window would always allow: a program that sent ten bytes
   * before the first loss is no measure of the path, and at their rate the next segment would wait for a minute.
   */
  setPacingRate(gain: number): void {
    const wanted = (gain * this.model.bw * (100 - PACING_MARGIN_PERCENT)) / 100;
    const rate = wanted > 0 && this.srtt > 0 ? Math.max(wanted, (this.smss * 1_000_000) / this.srtt) : wanted;
    if (rate <= 0) return;
    if (this.model.fullBwReached || rate > this.pacingRate) this.pacingRate = rate;
  }

  /** C.InitialCwnd. */
  get initialWindow(): number {
    return initialWindow(this.#settings, this.smss);
  }

  /** BBR.MinPipeCwnd. */
  get minPipeCwnd(): number {
    return 4 * this.smss;
  }

  /** QuantizationBudget. */
  #quantizationBudget(inflight: number): number {
    const offloadBudget = 3 * sendQuantum(this.pacingRate, this.smss);
    const budget = Math.max(inflight, offloadBudget, this.minPipeCwnd);
    return this.state === 'ProbeBW_UP' ? budget + 2 * this.smss : budget;
  }

  /** Inflight with a gain of 1. */
  inflight(bw: number): number {
    return this.#quantizationBudget(this.model.bdp(bw, this.initialWindow));
  }

  get #maxInflight(): number {
    const bdp = this.model.bdp(this.model.bw, this.initialWindow);
    return this.#quantizationBudget(GAINS[this.state].cwnd * bdp + this.model.extraAcked);
  }

  /** ProbeRTTCwnd. */
  get probeRttCwnd(): number {
    const bdp = this.model.bdp(this.model.bw, this.initialWindow);
    return Math.max(GAINS.ProbeRTT.cwnd * bdp, this.minPipeCwnd);
  }

  /** SaveCwnd; `recovering`: in loss recovery already. */
  saveCwnd(recovering: boolean): void {
    const plain = !recovering && this.state !== 'ProbeRTT';
    this.#priorCwnd = plain ? this.cwnd : Math.max(this.#priorCwnd, this.cwnd);
  }

  /** RestoreCwnd. */
  restoreCwnd(): void {
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd);
  }

  /** SetCwnd [5.6.4.6, 5.6.4.7]. */
  setCwnd(newlyAcked: number): void {
    const maxInflight = this.#maxInflight;
    let { cwnd } = this;
    if (this.model.fullBwReached) {
      cwnd = Math.min(cwnd + newlyAcked, maxInflight);
    } else if (cwnd < maxInflight || this.rate.delivered < this.initialWindow) {
      cwnd += newlyAcked;
    }
    cwnd = Math.max(cwnd, this.minPipeCwnd);
    if (this.state === 'ProbeRTT') cwnd = Math.min(cwnd, this.probeRttCwnd);
    this.cwnd = Math.floor(Math.min(cwnd, this.#cap));
  }

  /** BoundCwndForModel. */
  get #cap(): number {
    const { model, state } = this;
    let cap = Number.POSITIVE_INFINITY;
    if (state === 'ProbeRTT' || state === 'ProbeBW_CRUISE') {
      cap = model.inflightWithHeadroom(this.smss, this.minPipeCwnd);
    } else if (isProbeBw(state)) {
      cap = model.inflightLongterm;
    }
    return Math.max(Math.min(cap, model.inflightShortterm), this.minPipeCwnd);
  }

  /** TargetInflight: the bandwidth-delay product, unless congestion cut the window. */
  get targetInflight(): number {
    return Math.min(this.model.bdp(this.model.bw, this.initialWindow), this.cwnd);
  }
}
