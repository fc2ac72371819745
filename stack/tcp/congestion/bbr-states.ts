/** The states of BBR and its constants [draft-ietf-ccwg-bbr 2, 5.6.1]. */

import { type Duration, ms, seconds } from '../../time.ts';

/** A state, by the draft's name. */
export type BbrState =
  | 'Startup'
  | 'Drain'
  | 'ProbeBW_DOWN'
  | 'ProbeBW_CRUISE'
  | 'ProbeBW_REFILL'
  | 'ProbeBW_UP'
  | 'ProbeRTT';

/** How fast and how much in a state, in units of the bandwidth and of the bandwidth-delay product. */
export interface Gains {
  readonly pacing: number;
  readonly cwnd: number;
}

/** The table of draft-ietf-ccwg-bbr 5.6.1. */
export const GAINS: Readonly<Record<BbrState, Gains>> = {
  Startup: { pacing: 2.77, cwnd: 2 },
  Drain: { pacing: 0.5, cwnd: 2 },
  ProbeBW_DOWN: { pacing: 0.9, cwnd: 2 },
  ProbeBW_CRUISE: { pacing: 1, cwnd: 2 },
  ProbeBW_REFILL: { pacing: 1, cwnd: 2 },
  ProbeBW_UP: { pacing: 1.25, cwnd: 2.25 },
  ProbeRTT: { pacing: 1, cwnd: 0.5 },
};

/** What the ACKs that come tell of bandwidth probing [draft-ietf-ccwg-bbr 2.14, BBR.ack_phase]. */
export type AckPhase = 'INIT' | 'REFILLING' | 'PROBE_STARTING' | 'PROBE_FEEDBACK' | 'PROBE_STOPPING';

/** BBR.LossThresh: the loss rate that is too high when probing. */
export const LOSS_THRESH = 0.02;
/** BBR.Beta. */
export const BETA = 0.7;
/** BBR.Headroom. */
export const HEADROOM = 0.15;
/** BBR.PacingMarginPercent: pacing stays below the bandwidth by so much. */
export const PACING_MARGIN_PERCENT = 1;
/** BBRStartupFullLossCnt: gaps in one round that end Startup. */
export const STARTUP_FULL_LOSS_COUNT = 6;
/** BBR.MaxBwFilterLen in ProbeBW cycles. */
export const MAX_BW_FILTER_LENGTH = 2;
/** BBR.ExtraAckedFilterLen in round trips. */
export const EXTRA_ACKED_FILTER_LENGTH = 10;
/** BBR.MinRTTFilterLen. */
export const MIN_RTT_FILTER_LENGTH: Duration = seconds(10);
/** BBR.ProbeRTTInterval. */
export const PROBE_RTT_INTERVAL: Duration = seconds(5);
/** BBR.ProbeRTTDuration. */
export const PROBE_RTT_DURATION: Duration = ms(200);

/** Whether `state` is one of the four of ProbeBW. */
export function isProbeBw(state: BbrState): boolean {
  return state.startsWith('ProbeBW_');
}
