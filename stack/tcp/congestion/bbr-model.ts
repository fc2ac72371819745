import { type Duration, type Instant, after } from '../../time.ts';
import type { RateSample } from '../delivery-rate.ts';
import {
  BETA,
  EXTRA_ACKED_FILTER_LENGTH,
  HEADROOM,
  MAX_BW_FILTER_LENGTH,
  MIN_RTT_FILTER_LENGTH,
  PROBE_RTT_INTERVAL,
} from './bbr-states.ts';
import { WindowedMax } from './windowed-max.ts';

/** What stands for the rate sample of an ACK that delivered nothing. */
export const NO_SAMPLE: RateSample = {
  deliveryRate: 0,
  delivered: 0,
  interval: 0 as Duration,
  priorDelivered: -1,
  appLimited: true,
  txInFlight: 0,
  rtt: undefined,
  lost: 0,
};

/**
 * What BBR believes of the path: bandwidths in bytes per second, volumes in bytes [draft-ietf-ccwg-bbr 5.5]. It knows nothing of the states
 * in which that was measured; `bbr.ts` does. Functions in the order in which an ACK calls them.
 */
export class BbrModel {
  /** BBR.max_bw. */
  maxBw: number = 0;
  /** BBR.bw: what max_bw and the short-term model allow. */
  bw: number = 0;
  /** BBR.bw_shortterm, BBR.inflight_shortterm: after a loss, until the next probe. */
  bwShortterm: number = Number.POSITIVE_INFINITY;
  inflightShortterm: number = Number.POSITIVE_INFINITY;
  /** BBR.inflight_longterm: more in flight has led to losses. */
  inflightLongterm: number = Number.POSITIVE_INFINITY;
  /** BBR.min_rtt in microseconds; infinite before the first measurement. */
  minRtt: number = Number.POSITIVE_INFINITY;
  /** BBR.probe_rtt_expired: ProbeRTT is due. */
  probeRttExpired: boolean = false;
  /** BBR.probe_rtt_min_stamp. */
  probeRttMinStamp: Instant = 0 as Instant;
  /** BBR.round_count, and whether the present ACK began a round. */
  roundCount: number = 0;
  roundStart: boolean = false;
  /** BBR.rounds_since_probe_up. */
  roundsSinceProbeUp: number = 0;
  /** BBR.bw_latest, BBR.inflight_latest: the most of the last round. */
  bwLatest: number = 0;
  inflightLatest: number = 0;
  /** BBR.loss_round_start, BBR.is_loss_in_round. */
  lossRoundStart: boolean = false;
  isLossInRound: boolean = false;
  /** BBR.full_bw_reached: the pipe was filled once; BBR.full_bw_now: in this search for the end of it. */
  fullBwReached: boolean = false;
  fullBwNow: boolean = false;
  /** BBR.full_bw, BBR.full_bw_count. */
  fullBw: number = 0;
  fullBwCount: number = 0;
  /** BBR.extra_acked: how much comes at once. */
  extraAcked: number = 0;
  readonly #maxBwFilter: WindowedMax = new WindowedMax();
  #cycleCount: number = 0;
  #nextRoundDelivered: number = 0;
  #lossRoundDelivered: number = 0;
  readonly #extraAckedFilter: WindowedMax = new WindowedMax();
  #extraAckedDelivered: number = 0;
  #extraAckedStart: Instant = 0 as Instant;
  #minRttStamp: Instant = 0 as Instant;
  #probeRttMinDelay: number = Number.POSITIVE_INFINITY;

  /** The connection begins: the part of OnInit that is the model's [draft-ietf-ccwg-bbr 5.2.1]. */
  start(now: Instant, srtt: Duration | undefined): void {
    if (srtt !== undefined && srtt > 0) this.minRtt = srtt;
    this.#probeRttMinDelay = this.minRtt;
    this.#minRttStamp = now;
    this.probeRttMinStamp = now;
    this.#extraAckedStart = now;
  }

  /** BDPMultiple with a gain of 1: what `bw` puts in flight within the smallest round-trip time; `unknown` if that was not measured yet. */
  bdp(bw: number, unknown: number): number {
    return this.minRtt === Number.POSITIVE_INFINITY ? unknown : (bw * this.minRtt) / 1_000_000;
  }

  /** StartRound: it ends when something is acknowledged that left after this. */
  startRound(delivered: number): void {
    this.#nextRoundDelivered = delivered;
  }

  /** UpdateLatestDeliverySignals [draft-ietf-ccwg-bbr 5.5.10.3]; `delivered`: C.delivered. */
  updateLatestDeliverySignals(rs: RateSample, delivered: number): void {
    this.bwLatest = Math.max(this.bwLatest, rs.deliveryRate);
    this.inflightLatest = Math.max(this.inflightLatest, rs.delivered);
    this.lossRoundStart = rs.priorDelivered >= this.#lossRoundDelivered;
    if (this.lossRoundStart) this.#lossRoundDelivered = delivered;
  }

  /** UpdateMaxBw and UpdateRound [draft-ietf-ccwg-bbr 5.5.1, 5.5.5]. */
  updateMaxBw(rs: RateSample, delivered: number): void {
    this.roundStart = rs.priorDelivered >= this.#nextRoundDelivered;
    if (this.roundStart) {
      this.startRound(delivered);
      this.roundCount += 1;
      this.roundsSinceProbeUp += 1;
    }
    if (rs.deliveryRate <= 0 || (rs.appLimited && rs.deliveryRate < this.maxBw)) return;
    this.maxBw = this.#maxBwFilter.update(rs.deliveryRate, this.#cycleCount, MAX_BW_FILTER_LENGTH);
  }

  /** AdvanceMaxBwFilter: a ProbeBW cycle is over. */
  advanceMaxBwFilter(): void {
    this.#cycleCount += 1;
  }

  /** InitLowerBounds and LossLowerBounds: a round with losses, and not for probing, is over [draft-ietf-ccwg-bbr 5.5.10.3]. */
  lowerBounds(cwnd: number): void {
    if (this.bwShortterm === Number.POSITIVE_INFINITY) this.bwShortterm = this.maxBw;
    if (this.inflightShortterm === Number.POSITIVE_INFINITY) this.inflightShortterm = cwnd;
    this.bwShortterm = Math.max(this.bwLatest, BETA * this.bwShortterm);
    this.inflightShortterm = Math.max(this.inflightLatest, BETA * this.inflightShortterm);
  }

  /** UpdateACKAggregation [draft-ietf-ccwg-bbr 5.5.9]. */
  updateAckAggregation(newlyAcked: number, cwnd: number, now: Instant): void {
    let expected = (this.bw * (now - this.#extraAckedStart)) / 1_000_000;
    if (this.#extraAckedDelivered <= expected) {
      this.restartAckAggregation(now);
      expected = 0;
    }
    this.#extraAckedDelivered += newlyAcked;
    const extra = Math.min(this.#extraAckedDelivered - expected, cwnd);
    const length = this.fullBwReached ? EXTRA_ACKED_FILTER_LENGTH : 1;
    this.extraAcked = this.#extraAckedFilter.update(extra, this.roundCount, length);
  }

  /** The interval in which more came than was expected is over. */
  restartAckAggregation(now: Instant): void {
    this.#extraAckedDelivered = 0;
    this.#extraAckedStart = now;
  }

  /** ResetFullBW; `baseline`: the rate that is to be exceeded. */
  resetFullBw(baseline: number = 0): void {
    this.fullBw = baseline;
    this.fullBwCount = 0;
    this.fullBwNow = false;
  }

  /** CheckFullBWReached: three rounds without a quarter more [draft-ietf-ccwg-bbr 5.3.1.2]. */
  checkFullBwReached(rs: RateSample): void {
    if (this.fullBwNow || !this.roundStart || rs.appLimited) return;
    if (rs.deliveryRate >= this.fullBw * 1.25) {
      this.resetFullBw(rs.deliveryRate);
      return;
    }
    this.fullBwCount += 1;
    this.fullBwNow = this.fullBwCount >= 3;
    if (this.fullBwNow) this.fullBwReached = true;
  }

  /** UpdateMinRTT [draft-ietf-ccwg-bbr 5.3.4.3]. */
  updateMinRtt(rtt: Duration | undefined, now: Instant): void {
    this.probeRttExpired = now > after(this.probeRttMinStamp, PROBE_RTT_INTERVAL);
    if (rtt !== undefined && (rtt < this.#probeRttMinDelay || this.probeRttExpired)) {
      this.#probeRttMinDelay = rtt;
      this.probeRttMinStamp = now;
    }
    const expired = now > after(this.#minRttStamp, MIN_RTT_FILTER_LENGTH);
    if (this.#probeRttMinDelay < this.minRtt || expired) {
      this.minRtt = this.#probeRttMinDelay;
      this.#minRttStamp = this.probeRttMinStamp;
    }
  }

  /** AdvanceLatestDeliverySignals and BoundBWForModel, at the end of an ACK. */
  advance(rs: RateSample): void {
    if (this.lossRoundStart) {
      this.bwLatest = rs.deliveryRate;
      this.inflightLatest = rs.delivered;
    }
    this.bw = Math.min(this.maxBw, this.bwShortterm);
  }

  /** ResetCongestionSignals. */
  resetCongestionSignals(): void {
    this.isLossInRound = false;
    this.bwLatest = 0;
    this.inflightLatest = 0;
  }

  /** ResetShortTermModel. */
  resetShortTermModel(): void {
    this.bwShortterm = Number.POSITIVE_INFINITY;
    this.inflightShortterm = Number.POSITIVE_INFINITY;
  }

  /** The first loss of a round: it ends a round trip from now. */
  startLossRound(delivered: number): void {
    this.#lossRoundDelivered = delivered;
    this.isLossInRound = true;
  }

  /** InflightWithHeadroom: some of inflight_longterm is left to others [draft-ietf-ccwg-bbr 5.3.3.9]. */
  inflightWithHeadroom(smss: number, least: number): number {
    if (this.inflightLongterm === Number.POSITIVE_INFINITY) return this.inflightLongterm;
    const headroom = Math.max(smss, HEADROOM * this.inflightLongterm);
    return Math.max(this.inflightLongterm - headroom, least);
  }
}
