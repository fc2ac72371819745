/**
 * Explicit congestion notification [RFC 3168 6.1; RFC 9293 SHLD-8]: who offers and who accepts, what each segment says of it, and what
 * follows from what arrives. Accurate ECN's counters are in `accurate-ecn.ts` (RFC 9768, from memory: section numbers are the draft's).
 */

import { after } from '../time.ts';
import type { EcnSetting, TcpSettings } from '../settings.ts';
import type { RawOption } from '../wire/tcp-options.ts';
import type { TcpHeader } from '../wire/tcp.ts';
import { AccurateEcn, CE, ECT_0, NOT_ECT, handshakeAce, handshakeCodepoint } from './accurate-ecn.ts';
import type { TcpConnection } from './connection.ts';
import { updateMss } from './path-mtu.ts';
import type { ArrivedSegment } from './segment.ts';
import type { SendPlan } from './send-plan.ts';
import { type SeqNumber, distance, geq, gt } from './sequence.ts';

/** Which feedback is agreed on: none, that of RFC 3168, or that of RFC 9768. */
export type EcnMode = 'off' | 'classic' | 'accurate';

/** The flags of a segment that ECN uses. */
export type EcnFlags = Pick<TcpHeader, 'ae' | 'cwr' | 'ece'>;

/** AE, CWR and ECE as a number. */
const CLASSIC_SYN = 0b011;
const ACCURATE_SYN = 0b111;
const CLASSIC_SYN_ACK = 0b001;
/** How often a SYN with each kind of offer leaves, before one leaves that has none [RFC 3168 6.1.1.1; RFC 9768 3.1.4.1]. */
const CLASSIC_OFFERS = 1;
const ACCURATE_OFFERS = 2;

/** ECN of one connection: what was negotiated, and the state of both directions. */
export class Ecn {
  /** What is in use; `off` until a SYN or SYN-ACK of the peer has agreed. */
  mode: EcnMode = 'off';
  /** New data may leave with ECT: both sides want it, and no SYN or SYN-ACK without it was sent or seen [RFC 3168 6.1.1]. */
  capable: boolean = false;
  /** Classic: ECE is set on all segments, until CWR comes [RFC 3168 6.1.3]. */
  echoing: boolean = false;
  /** A segment with data came with ECT or CE. */
  seen: boolean = false;
  /** Packets of ours that were marked, as far as the peer's feedback tells; without Accurate ECN those that ACKs with ECE covered. */
  deliveredMarks: number = 0;
  /** Segments that came with CE. */
  receivedMarks: number = 0;
  /** ECE came with a congestion window of one segment: nothing leaves before the retransmission timer goes off [RFC 3168 6.1.2]. */
  waiting: boolean = false;
  #accurate: AccurateEcn | undefined;
  readonly #setting: EcnSetting;
  readonly #withOption: boolean;
  /** What our SYN asked for. */
  #offered: EcnMode = 'off';
  /** A SYN or SYN-ACK of ours left without ECN: ECT is out of the question [RFC 3168 6.1.1; RFC 9768 3.1.5]. */
  #sentPlain: boolean = false;
  /** The codepoint of the peer's SYN or SYN-ACK, for Accurate ECN's feedback in the handshake. */
  #synCodepoint: number = NOT_ECT;
  /** The ACK of the SYN-ACK is still to leave: it has a field of its own. */
  #thirdAckDue: boolean = false;
  /** A field of the peer was read: the first one tells whether the path leaves it alone. */
  #fieldSeen: boolean = false;
  /** The option was lost with a SYN-ACK, it seems. */
  #optionLost: boolean = false;
  /** Reductions of the congestion window, and times that it could not be reduced any more, that the peer was told of. */
  #announced: number = 0;
  #waits: number = 0;
  /** The congestion window before the ACK that is being taken. */
  #windowBefore: number = 0;
  /** The first number that left after the last of them; undefined: there was none for long. */
  #reducedAt: SeqNumber | undefined;

  constructor(settings: TcpSettings) {
    this.#setting = settings.ecn;
    this.#withOption = settings.accurateEcnOption;
  }

  /** Accurate ECN's counters. */
  get accurate(): AccurateEcn {
    this.#accurate ??= new AccurateEcn();
    return this.#accurate;
  }

  /** The ECN bits of the type of service are ours, not the program's. */
  get inUse(): boolean {
    return this.mode !== 'off' || this.#offered !== 'off';
  }

  /** So many marks wait for an ACK that the peer will lose count: it cannot wait for the end of the batch. */
  get ackAtOnce(): boolean {
    return this.mode === 'accurate' && this.accurate.wouldWrap;
  }

  /** The flags of a SYN [RFC 3168 6.1.1; RFC 9768 3.1.1]; `retransmissions`: how often its timer went off. */
  synFlags(retransmissions: number): EcnFlags {
    const accurate = this.#setting === 'accurate';
    if (!accurate && this.#setting !== 'on') return flagsOf(0);
    this.#offered = accurate ? 'accurate' : 'classic';
    if (retransmissions < (accurate ? ACCURATE_OFFERS : CLASSIC_OFFERS))
      return flagsOf(accurate ? ACCURATE_SYN : CLASSIC_SYN);
    this.#sentPlain = true;
    return flagsOf(0);
  }

  /**
   * A SYN came [RFC 3168 6.1.1; RFC 9768 3.1.2, Table 2], with `codepoint`. `opened`: our own SYN has left already (simultaneous open), so
   * both have to have offered.
   */
  synArrived(header: EcnFlags, codepoint: number, opened: boolean): void {
    const wanted = this.#accepted(fieldOf(header), codepoint);
    this.#synCodepoint = codepoint;
    this.mode = opened && this.#offered === 'off' ? 'off' : wanted;
    this.capable = this.mode !== 'off' && !this.#sentPlain;
  }

  #accepted(field: number, codepoint: number): EcnMode {
    if (this.#setting === 'off' || field === 0) return 'off';
    // Any other field is Accurate ECN's, of today or of later [RFC 9768 3.1.3].
    if (this.#setting === 'accurate' && field !== CLASSIC_SYN) return 'accurate';
    if ((field & CLASSIC_SYN) !== CLASSIC_SYN) return 'off';
    // A classic SYN never has ECT [RFC 3168 6.1.1]: the path sets these bits to something else. Linux refuses then, too.
    return field === CLASSIC_SYN && codepoint !== NOT_ECT ? 'off' : 'classic';
  }

  /** A SYN came again. Without ECN, the peer has given ECN up, and hears of none [RFC 3168 6.1.1, 6.1.1.1]. */
  synArrivedAgain(header: TcpHeader): void {
    if (fieldOf(header) !== 0) return;
    this.mode = 'off';
    this.capable = false;
  }

  /** The flags of a SYN-ACK [RFC 3168 6.1.1; RFC 9768 3.1.2, 3.1.4.2]. */
  synAckFlags(retransmissions: number): EcnFlags {
    if (this.mode === 'off') return flagsOf(0);
    if (this.mode === 'classic') return flagsOf(CLASSIC_SYN_ACK);
    if (retransmissions > 0) this.#optionLost = true;
    if (retransmissions < ACCURATE_OFFERS) return flagsOf(handshakeAce(this.#synCodepoint));
    this.#sentPlain = true;
    this.capable = false;
    return flagsOf(0);
  }

  /** The answer to our SYN came, with `codepoint` [RFC 3168 6.1.1; RFC 9768 3.1.2, Table 2]. */
  synAckArrived(header: TcpHeader, codepoint: number): void {
    const field = fieldOf(header);
    this.mode = this.#answered(field);
    this.capable = this.mode !== 'off' && !this.#sentPlain;
    if (this.mode !== 'accurate') return;
    // Our SYN had no ECT: if it came with some, the path cannot be trusted with it [RFC 9768 3.2.2.3].
    if (handshakeCodepoint(field) !== NOT_ECT) this.capable = false;
    this.#synCodepoint = codepoint;
    this.#thirdAckDue = true;
    if (codepoint === CE) {
      this.receivedMarks += 1;
      this.accurate.arrived(CE, 1, 0);
    }
  }

  #answered(field: number): EcnMode {
    if (this.#offered === 'off') return 'off';
    // ECE without CWR is an ECN-setup SYN-ACK [RFC 3168 6.1.1]; both are an echo of what the SYN had [6.1.1.2].
    if (this.#offered === 'classic') return (field & CLASSIC_SYN) === CLASSIC_SYN_ACK ? 'classic' : 'off';
    if (field === CLASSIC_SYN_ACK) return 'classic';
    // 0b101 is reserved and means Accurate ECN to whom does not know better [RFC 9768 3.1.3].
    return field === 0 || field === ACCURATE_SYN ? 'off' : 'accurate';
  }

  /** The SYN-ACK of a simultaneous open: one without ECN takes back what the SYN said [RFC 3168 6.1.1]. */
  crossedSynAckArrived(header: TcpHeader): void {
    if (fieldOf(header) === 0) this.capable = false;
  }

  /** The ACK of our SYN-ACK came: which codepoint the SYN-ACK had [RFC 9768 3.2.2.1, Table 4]. */
  thirdAckArrived(header: TcpHeader): void {
    if (this.mode !== 'accurate') return;
    const field = fieldOf(header);
    const codepoint = handshakeCodepoint(field);
    this.#fieldSeen = true;
    // 0: something clears the flags [RFC 9768 3.2.2.4]. Our SYN-ACK had no ECT [3.2.2.3].
    if (field === 0 || codepoint !== NOT_ECT) this.capable = false;
    if (codepoint !== CE) return;
    this.accurate.synAckMarked();
    this.deliveredMarks += 1;
  }

  /**
   * The flags of a segment that acknowledges, of `length` bytes from `seq` on. The first `newData` after each of the `reductions` of the
   * window has CWR [RFC 3168 6.1.2].
   */
  flags(seq: SeqNumber, length: number, newData: boolean, reductions: number): EcnFlags {
    if (this.mode === 'off') return NO_FLAGS;
    const cwr = newData && this.capable && reductions + this.#waits !== this.#announced;
    if (cwr) {
      this.#announced = reductions + this.#waits;
      this.#reducedAt = seq;
    }
    if (this.mode === 'accurate') return flagsOf(this.#field(length === 0));
    return cwr || this.echoing ? { ae: false, cwr, ece: this.echoing } : NO_FLAGS;
  }

  /** The first pure ACK after the SYN-ACK tells of its codepoint, all else has the counter [RFC 9768 3.2.2.1]. */
  #field(pure: boolean): number {
    const handshake = this.#thirdAckDue && pure;
    this.#thirdAckDue = false;
    this.accurate.ackSent();
    return handshake ? handshakeAce(this.#synCodepoint) : this.accurate.ace;
  }

  /** Accurate ECN's option for the segment that leaves now, with `length` bytes of data: where it does not make it too long. */
  options(length: number, mss: number): readonly RawOption[] | undefined {
    if (this.mode !== 'accurate' || !this.#withOption || this.#optionLost) return undefined;
    return length > 0 && length + OPTION_LENGTH > mss ? undefined : [this.accurate.option()];
  }

  /** The codepoint of a segment: ECT(0) for new data only, not for what is sent again, probes and ACKs [RFC 3168 6.1.2, 6.1.4 to 6.1.6]. */
  codepoint(plan: SendPlan): number {
    return this.capable && plan.cause === 'data' && plan.length > 0 ? ECT_0 : NOT_ECT;
  }

  /** Who cuts a super-segment for us clears CWR on all but the first piece [RFC 3168 6.1.2]: that bit of the counter would be lost. */
  get cuttingHarms(): boolean {
    return this.mode === 'accurate' && (this.accurate.ace & 0b010) !== 0;
  }

  /** The type of service of a segment with `codepoint`: its ECN bits are the program's only where ECN is not in use. */
  typeOfService(wanted: number, codepoint: number = NOT_ECT): number {
    return this.inUse ? (wanted & 0xfc) | codepoint : wanted;
  }

  /** The retransmission timer went off. */
  timeout(): void {
    this.waiting = false;
  }

  /** An acceptable segment came, SND.UNA has not moved yet: its marks; returns how many of ours it tells of. */
  arrived(connection: TcpConnection, segment: ArrivedSegment, ack: SeqNumber): number {
    if (this.mode === 'off') return 0;
    this.#windowBefore = connection.sender.congestion.cwnd;
    if (this.mode === 'accurate') this.#countArrived(connection, segment);
    else this.#echo(connection, segment);
    if (segment.header.syn || !geq(ack, connection.sender.una)) return 0;
    if (this.#reducedAt !== undefined && gt(ack, this.#reducedAt)) this.#reducedAt = undefined;
    return this.mode === 'accurate'
      ? this.#readFeedback(connection, segment, ack)
      : this.#readEcho(connection, segment, ack);
  }

  /**
   * The ACK is settled, and told of `marks`; `flight` was out before it. The window is reduced once per window of data: not for marks on what
   * had left before the last reduction, whatever that was for [RFC 3168 6.1.2].
   */
  settle(connection: TcpConnection, ack: SeqNumber, marks: number, flight: number): void {
    if (marks <= 0) return;
    this.deliveredMarks += marks;
    const { recovery, sender, context } = connection;
    const { congestion } = sender;
    // An ACK with ECE does not open the window [RFC 3168 6.1.2].
    if (!recovery.active && !congestion.ownsWindow)
      congestion.cwnd = Math.min(congestion.cwnd, this.#windowBefore);
    if (recovery.reductions + this.#waits !== this.#announced) return; // nothing new has left since
    if (this.#reducedAt !== undefined && !gt(ack, this.#reducedAt)) return;
    if (congestion.cwnd < 2 * sender.mss) this.#wait(connection);
    else recovery.congestionExperienced(context.now, flight);
  }

  /** RFC 3168 6.1.3. CWR ends what came before it; a mark on the same segment begins anew. The sender has a small window then: no delay. */
  #echo({ receiver }: TcpConnection, { header, ecn, wireLength, wireSegments }: ArrivedSegment): void {
    if (header.cwr && !header.syn) this.echoing = false;
    if (wireLength === 0) return;
    if (ecn !== NOT_ECT) this.seen = true;
    if (header.cwr) receiver.ackDue = 'now';
    if (ecn !== CE) return;
    this.receivedMarks += wireSegments;
    if (!this.echoing) receiver.ackDue = 'now';
    this.echoing = true;
  }

  #countArrived(connection: TcpConnection, segment: ArrivedSegment): void {
    const { ecn, header, wireSegments, wireLength } = segment;
    if (header.syn) return;
    const bytes = wireLength - (header.fin ? 1 : 0);
    if (ecn !== NOT_ECT && bytes > 0) this.seen = true;
    if (ecn === CE) this.receivedMarks += wireSegments;
    if (this.accurate.arrived(ecn, wireSegments, bytes)) connection.receiver.ackDue = 'now';
    if (ecn === CE) updateMss(connection); // super-segments may have become possible, or impossible
  }

  /** Packets that an ACK with ECE covers: at least the one that was marked. */
  #readEcho({ sender }: TcpConnection, { header }: ArrivedSegment, ack: SeqNumber): number {
    if (!header.ece || !this.capable) return 0;
    return Math.max(1, Math.ceil(distance(sender.una, ack) / sender.mss));
  }

  /** RFC 9768 3.2.2.5, 3.2.2.4. An ACK that is not known to be newer than the last may be an old one that was overtaken: not read. */
  #readFeedback({ sender }: TcpConnection, { header }: ArrivedSegment, ack: SeqNumber): number {
    const field = fieldOf(header);
    const first = !this.#fieldSeen;
    this.#fieldSeen = true;
    if (first && field === 0) this.capable = false;
    if (!gt(ack, sender.una) && !this.accurate.isNewer(header.options.timestamps?.value)) return 0;
    const acked = Math.ceil(distance(sender.una, ack) / sender.mss);
    const marks = this.accurate.acknowledged(field, acked, sender.mss, header.options);
    return this.capable ? marks : 0;
  }

  /** RFC 3168 6.1.2: with a window of one segment only the retransmission timer can slow the sender down further. */
  #wait({ timers, context, rtt }: TcpConnection): void {
    this.waiting = true;
    this.#waits += 1;
    timers.set('retransmission', after(context.now, rtt.rto));
  }
}

/** What connections without ECN have in common once their handshake is over: nothing that arrives or leaves changes it. */
const sharedWithout: WeakMap<TcpSettings, Ecn> = new WeakMap();

/** The handshake is over: the state of a connection that has no ECN need not be kept for it. */
export function settledEcn(ecn: Ecn, settings: TcpSettings): Ecn {
  if (ecn.inUse) return ecn;
  const shared = sharedWithout.get(settings) ?? new Ecn(settings);
  sharedWithout.set(settings, shared);
  return shared;
}

/** Bytes that the option takes of a segment, padding included. */
const OPTION_LENGTH = 12;

const NO_FLAGS: EcnFlags = Object.freeze({ ae: false, cwr: false, ece: false });

function flagsOf(field: number): EcnFlags {
  return { ae: (field & 0b100) !== 0, cwr: (field & 0b010) !== 0, ece: (field & 0b001) !== 0 };
}

function fieldOf({ ae, cwr, ece }: EcnFlags): number {
  return (ae ? 0b100 : 0) | (cwr ? 0b010 : 0) | (ece ? 0b001 : 0);
}
