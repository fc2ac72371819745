import type { TcpSettings } from '../settings.ts';
import type { Duration, Instant } from '../time.ts';
import type { AckSample } from './congestion/congestion-control.ts';
import type { ArrivedSegment } from './segment.ts';
import type { Sender } from './sender.ts';
import { type SeqNumber, add, distance, gt, leq, seq } from './sequence.ts';

/** The round-trip times as they are at an ACK; `rtt`: what it measured. */
export interface AckTimes {
  readonly srtt: Duration | undefined;
  readonly minRtt: Duration | undefined;
  readonly rtt: Duration | undefined;
  readonly rto: Duration;
}

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
    sender.congestion.enterRecovery(Math.max(flight, sender.mss), now, 'loss');
    sender.retransmitNow = 'fast-retransmit';
  }

  /**
   * An ACK for new data came and SND.UNA has moved by `acked`; `flightBefore` was out before it. Returns whether the retransmission
   * timer is to be restarted.
   */
  newAck(acked: number, flightBefore: number, now: Instant, times: AckTimes): boolean {
    const sender = this.#sender;
    this.dupAcks = 0;
    sender.limitedTransmit = 0;
    sender.retransmitNow = undefined; // of a segment that has come meanwhile
    if (!this.active) {
      sender.congestion.acknowledged(this.#sample(acked, flightBefore, now, times));
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
      delivered: acked,
      lost: 0,
      inFlight: sender.inFlight,
      priorInFlight,
      ...times,
      limited: this.#wasLimited(priorInFlight),
      // Whether what is acknowledged was out when the timer went off, to the last byte of it [RFC 3465 2.3].
      afterTimeout: leq(add(sender.una, -acked), this.recover),
      seqAcked: sender.una,
      seqSent: sender.nxt,
      rate: undefined,
    };
  }

  /** Whether the window had been used, by half at least, so that it may grow; several ACKs may come before more is sent [RFC 5681 3.1]. */
  #wasLimited(flight: number): boolean {
    const { cwnd, ssthresh } = this.#sender.congestion;
    return cwnd < ssthresh ? flight * 2 > cwnd : (flight + this.#sender.mss) * 2 > cwnd;
  }

  /** The retransmission timer went off; `first`: for the first time since SND.UNA moved [RFC 6582 3.2, step 4]. */
  timeout(first: boolean, now: Instant): void {
    const sender = this.#sender;
    sender.congestion.timeout(sender.flightSize, first, now);
    this.active = false;
    this.dupAcks = 0;
    this.recover = add(sender.nxt, -1);
    sender.goBack();
    sender.retransmitNow = 'retransmit-timeout';
  }
}
