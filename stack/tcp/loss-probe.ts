import type { TcpSettings } from '../settings.ts';
import { type Duration, us } from '../time.ts';
import { type SeqNumber, gt, lt } from './sequence.ts';

/** What an ACK says to a probe. */
export interface ProbeAck {
  readonly ack: SeqNumber;
  /** It moved SND.UNA. */
  readonly moved: boolean;
  /** It carried a D-SACK block that covers the probe; it carried SACK blocks at all. */
  readonly dsack: boolean;
  readonly blocks: boolean;
}

/** Tail loss probes: after two round trips without an ACK a segment is sent, so that an ACK comes and RACK can judge [RFC 8985 7]. */
export class LossProbe {
  readonly #settings: TcpSettings;
  /** TLP.end_seq; undefined: no probe is out. */
  #end: SeqNumber | undefined;
  /** TLP.is_retrans. */
  #again: boolean = false;
  /** A round-trip time was measured since the last probe, or since the connection began. */
  #measured: boolean = true;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
  }

  /** A probe is out. */
  get isOut(): boolean {
    return this.#end !== undefined;
  }

  /** A probe may leave: none is out, and SRTT can have followed the path since the last one [RFC 8985 7.3]. */
  get mayLeave(): boolean {
    return !this.isOut && this.#measured;
  }

  /** A round-trip time was measured. */
  measured(): void {
    this.#measured = true;
  }

  /** TLP_init() [7.1]. */
  reset(): void {
    this.#end = undefined;
    this.#again = false;
  }

  /** TLP_calc_PTO() [7.2], before the RTO bounds it. `single`: one segment is out, whose ACK may be delayed. */
  delay(srtt: Duration | undefined, single: boolean): Duration {
    const { maxAckDelay, probeSlack } = this.#settings;
    if (srtt === undefined) return us(1_000_000);
    return us(2 * srtt + (single ? maxAckDelay : probeSlack));
  }

  /** A probe left that ends before `end`: new data, or (`again`) the last segment a second time. */
  sent(end: SeqNumber, again: boolean): void {
    this.#end = end;
    this.#again = again;
    this.#measured = false;
  }

  /** TLP_process_ack() [7.4.2]: true if the probe has repaired a loss, to which congestion control has to react. */
  acknowledged({ ack, moved, dsack, blocks }: ProbeAck): boolean {
    const end = this.#end;
    if (end === undefined || lt(ack, end)) return false;
    if (!this.#again || dsack) {
      this.#end = undefined; // new data arrived; or both came, so that nothing was lost
      return false;
    }
    if (gt(ack, end)) {
      this.#end = undefined;
      return true;
    }
    if (!moved && !blocks) this.#end = undefined; // a duplicate ACK: both came
    return false;
  }
}
