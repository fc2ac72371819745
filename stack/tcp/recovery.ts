import type { TcpSettings } from '../settings.ts';
import type { Duration, Instant } from '../time.ts';
import type { ArrivedSegment } from './segment.ts';
import type { Sender } from './sender.ts';
import { type SeqNumber, add, distance, gt, leq, seq } from './sequence.ts';

/**
 * Loss recovery by duplicate ACKs: fast retransmit and NewReno's fast recovery [RFC 5681 3.2; RFC 6582], limited transmit
 * [RFC 3042]. What SACK adds will stand beside it.
 */
export class Recovery {
  /** Duplicate ACKs in a row. */
  dupAcks: number = 0;
  /** Fast recovery is under way. */
  active: boolean = false;
  /** `recover`: the highest sequence number sent when the last loss was found [RFC 6582 3.1]. */
  recover: SeqNumber = seq(0);
  /** Reductions of the congestion window so far, for whatever reason: the peer is told of each by CWR [RFC 3168 6.1.2]. */
  reductions: number = 0;
  /** SND.NXT when a mark last had the window reduced, until that is acknowledged: no second reduction, and no growth, before. */
  #reducedUntil: SeqNumber | undefined;
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
  }

  /**
   * The first sequence number is chosen: nothing was lost yet [RFC 6582 3.2, step 1]. One below the ISN, so that the ACK of the SYN alone
   * "covers more than recover": else the loss of the very first segment could not be found by duplicate ACKs.
   */
  start(iss: SeqNumber): void {
    this.recover = add(iss, -1);
  }

  /**
   * The peer says that packets came with "congestion experienced" (ECE, or Accurate ECN's counter), in a segment that acknowledges `ack`;
   * SND.UNA has not moved yet. Like a loss without anything to send again, once per window of data: not while recovery from a loss or what
   * was out at the last reduction is not acknowledged beyond [RFC 3168 6.1.2]. `minimal`: the window is one segment already.
   */
  congestionExperienced(now: Instant, ack: SeqNumber): 'reduced' | 'minimal' | 'ignored' {
    const sender = this.#sender;
    const { congestion, flightSize, mss } = sender;
    const reduced = this.#reducedUntil !== undefined && !gt(ack, this.#reducedUntil);
    if (this.active || reduced || !gt(add(ack, -1), this.recover)) return 'ignored';
    this.#reducedUntil = sender.nxt;
    this.reductions += 1;
    if (congestion.cwnd < 2 * mss) return 'minimal';
    congestion.enterRecovery(Math.max(flightSize, mss), now);
    congestion.exitRecovery(flightSize); // nothing was lost: cwnd is ssthresh at once
    return 'reduced';
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
  newAck(acked: number, flightBefore: number, now: Instant, srtt: Duration | undefined): boolean {
    const sender = this.#sender;
    this.dupAcks = 0;
    sender.limitedTransmit = 0;
    sender.retransmitNow = undefined; // of a segment that has come meanwhile
    if (!this.active) {
      // Whether what is acknowledged was out when the timer went off, to the last byte of it [RFC 3465 2.3].
      const afterTimeout = leq(add(sender.una, -acked), this.recover);
      if (this.#reducedUntil !== undefined && gt(sender.una, this.#reducedUntil))
        this.#reducedUntil = undefined;
      const limited = this.#reducedUntil === undefined && this.#wasLimited(flightBefore);
      sender.congestion.acknowledged(acked, limited, afterTimeout, now, srtt);
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

  /**
   * ssthresh is not reduced again for a loss in a window of data whose marks have done so already [RFC 3168 6.1.2]: half of what counts as
   * out is then what is out at all.
   */
  #reduceForLoss(flight: number, now: Instant): void {
    const { congestion } = this.#sender;
    const again = this.#reducedUntil !== undefined;
    this.#reducedUntil = undefined;
    this.reductions += 1;
    congestion.enterRecovery(again ? Math.max(flight, 2 * congestion.ssthresh) : flight, now);
  }

  /** Whether the window had been used, by half at least, so that it may grow; several ACKs may come before more is sent [RFC 5681 3.1]. */
  #wasLimited(flight: number): boolean {
    const { cwnd, ssthresh } = this.#sender.congestion;
    return cwnd < ssthresh ? flight * 2 > cwnd : (flight + this.#sender.mss) * 2 > cwnd;
  }

  /** The retransmission timer went off; `first`: for the first time since SND.UNA moved [RFC 6582 3.2, step 4]. */
  timeout(first: boolean, now: Instant): void {
    const sender = this.#sender;
    this.#reducedUntil = undefined;
    this.reductions += 1;
    sender.congestion.timeout(sender.flightSize, first, now);
    this.active = false;
    this.dupAcks = 0;
    this.recover = add(sender.nxt, -1);
    sender.goBack();
    sender.retransmitNow = 'retransmit-timeout';
  }
}
