import { type Duration, type Instant, between } from '../time.ts';

/** What is noted of a transmission when it leaves: the per-packet state of "Delivery Rate Sampling" [draft-ietf-ccwg-bbr 4.1.2]. */
export interface RateRecord {
  /** P.delivered: bytes the connection had delivered then. */
  delivered: number;
  /** P.delivered_time: when that count had last changed. */
  deliveredAt: Instant;
  /** P.first_send_time: when the sample's sending began. */
  firstSentAt: Instant;
  /** P.send_time. */
  sentAt: Instant;
  /** P.is_app_limited. */
  appLimited: boolean;
  /** P.tx_in_flight: bytes in flight with this transmission. */
  txInFlight: number;
  /** P.lost: bytes the connection had marked lost then. */
  lost: number;
  /** P.packet_id: counts the transmissions. */
  order: number;
  /** How often the data had left before; an ACK of it then tells no round-trip time [RFC 6298 3]. Undefined counts as 0. */
  readonly retransmissions?: number;
}

/** One measurement [draft-ietf-ccwg-bbr 4.1.2, "Rate Sample Output"]. */
export interface RateSample {
  /** RS.delivery_rate in bytes per second; 0 if the interval was too short to be believed. */
  readonly deliveryRate: number;
  /** RS.delivered: bytes delivered between the transmission of the newest packet acknowledged and now. */
  readonly delivered: number;
  /** RS.interval. */
  readonly interval: Duration;
  /** RS.prior_delivered: the connection's count when the newest packet left; for counting rounds. */
  readonly priorDelivered: number;
  /** RS.is_app_limited: the rate may be the program's, not the path's. */
  readonly appLimited: boolean;
  /** RS.tx_in_flight of the newest packet. */
  readonly txInFlight: number;
  /** RS.rtt: since the newest packet left, in the clock's microseconds; undefined if it had left before. */
  readonly rtt: Duration | undefined;
  /** RS.lost: bytes marked lost since the newest packet left. */
  readonly lost: number;
}

/** A record for a transmission that is to be given to `onSent`. */
export function rateRecord(): RateRecord {
  const never = 0 as Instant;
  return {
    delivered: 0,
    deliveredAt: never,
    firstSentAt: never,
    sentAt: never,
    appLimited: false,
    txInFlight: 0,
    lost: 0,
    order: 0,
  };
}

/**
 * Measures how fast the path delivers [draft-ietf-ccwg-bbr 4.1; the same as Linux's tcp_rate.c]. For each ACK: `checkAppLimited`, then
 * `onLost` and `onDelivered` for what it settles, then `sample` once.
 */
export class DeliveryRate {
  /** C.delivered: bytes delivered so far. */
  delivered: number = 0;
  /** The same in segments of the wire, FINs among them. */
  segments: number = 0;
  /** The last sample that tells what the path delivers: of the program's own pace only if that was no slower than the one before. */
  latest: RateSample | undefined;
  /** C.lost: bytes marked lost so far. */
  lost: number = 0;
  /** C.delivered_time. */
  #deliveredAt: Instant = 0 as Instant;
  /** C.first_send_time. */
  #firstSentAt: Instant = 0 as Instant;
  /** C.app_limited: what `delivered` has to pass until samples count as the path's again; 0: they do. */
  #appLimited: number = 0;
  #orders: number = 0;
  /** The newest record delivered since the last `sample`. */
  #newest: RateRecord | undefined;

  /** Whether samples are the program's rather than the path's now. */
  get appLimited(): boolean {
    return this.#appLimited !== 0;
  }

  /** A segment of `bytes` leaves at `now` (or at its paced time) with `inFlight` bytes out before it: OnPacketSent. */
  onSent(record: RateRecord, bytes: number, now: Instant, inFlight: number): void {
    if (inFlight === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    this.#orders += 1;
    record.firstSentAt = this.#firstSentAt;
    record.deliveredAt = this.#deliveredAt;
    record.delivered = this.delivered;
    record.sentAt = now;
    record.appLimited = this.#appLimited !== 0;
    record.txInFlight = inFlight + bytes;
    record.lost = this.lost;
    record.order = this.#orders;
  }

  /** `bytes` of the transmission `record` were acknowledged for the first time, all or (of a super-segment) a part: UpdateRateSample. */
  onDelivered(record: RateRecord, bytes: number, now: Instant): void {
    this.delivered += bytes;
    this.#deliveredAt = now;
    if (this.#newest !== undefined && record.order < this.#newest.order) return;
    this.#newest = record;
    this.#firstSentAt = record.sentAt;
  }

  /** `bytes` were marked lost. */
  onLost(bytes: number): void {
    this.lost += bytes;
  }

  /** The ACK is settled: GenerateRateSample; before anything leaves again. Undefined if it delivered nothing. */
  sample(minRtt: Duration | undefined): RateSample | undefined {
    if (this.#appLimited !== 0 && this.delivered > this.#appLimited) this.#appLimited = 0; // the bubble is gone
    const newest = this.#newest;
    this.#newest = undefined;
    if (newest === undefined) return undefined;
    const sendElapsed = between(newest.firstSentAt, newest.sentAt);
    const ackElapsed = between(newest.deliveredAt, this.#deliveredAt);
    const interval = Math.max(sendElapsed, ackElapsed) as Duration;
    const delivered = this.delivered - newest.delivered;
    const reliable = interval > 0 && (minRtt === undefined || interval >= minRtt);
    const sample: RateSample = {
      deliveryRate: reliable ? (delivered * 1_000_000) / interval : 0,
      delivered,
      interval,
      priorDelivered: newest.delivered,
      appLimited: newest.appLimited,
      txInFlight: newest.txInFlight,
      rtt: (newest.retransmissions ?? 0) > 0 ? undefined : between(newest.sentAt, this.#deliveredAt),
      lost: this.lost - newest.lost,
    };
    const tells = !sample.appLimited || sample.deliveryRate >= (this.latest?.deliveryRate ?? 0);
    if (reliable && tells) this.latest = sample;
    return sample;
  }

  /**
   * CheckIfApplicationLimited: at each write of the program, at the start of each ACK and of each timer that may send. `unsent`: bytes that
   * wait for their first transmission; `lostOut`: marked lost and not sent again yet.
   */
  checkAppLimited(unsent: number, inFlight: number, cwnd: number, lostOut: number): void {
    if (unsent <= 0 && inFlight < cwnd && lostOut <= 0) this.markAppLimited(inFlight);
  }

  /** MarkConnectionAppLimited: for a round trip from now samples are the program's. */
  markAppLimited(inFlight: number): void {
    this.#appLimited = Math.max(this.delivered + inFlight, 1);
  }
}
