import type { Instant } from '../time.ts';
import type { RateRecord } from './delivery-rate.ts';
import { type SeqNumber, add, distance, geq } from './sequence.ts';

/**
 * What was sent in one go and waits for its acknowledgment: a segment, a super-segment, or a FIN. The scoreboard keeps them in the order
 * of the sequence space (`previous`, `next`) and in the order in which they left (`older`, `newer`).
 */
export class Transmission implements RateRecord {
  start: SeqNumber;
  end: SeqNumber;
  /** Payload bytes per segment of the wire, if it was a super-segment: blocks of a SACK option cut it there and nowhere else. */
  segmentSize: number;
  /** Its last sequence number is the FIN. */
  fin: boolean;
  /** When it last left: Segment.xmit_ts of RFC 8985 6.1. */
  sentAt: Instant = 0 as Instant;
  /** Its place among all transmissions, for those that left at the same instant. */
  order: number = 0;
  /** A SACK option told that it has arrived. */
  isSacked: boolean = false;
  /** It counts as lost, and has not left again since. */
  isLost: boolean = false;
  /** Its loss says nothing about congestion: it was too large for the path [RFC 1191 6.5; RFC 4821 7.5]. */
  isForgiven: boolean = false;
  /** It is larger than the MSS, to find out whether such a packet arrives [RFC 4821 7]. */
  isMtuProbe: boolean = false;
  /** How often it left again. */
  retransmissions: number = 0;
  previous: Transmission | undefined;
  next: Transmission | undefined;
  older: Transmission | undefined;
  newer: Transmission | undefined;
  // For the delivery rate (`delivery-rate.ts`): the connection as it was when this left.
  delivered: number = 0;
  deliveredAt: Instant = 0 as Instant;
  firstSentAt: Instant = 0 as Instant;
  appLimited: boolean = false;
  txInFlight: number = 0;
  lost: number = 0;

  constructor(start: SeqNumber, end: SeqNumber, segmentSize: number, fin: boolean) {
    this.start = start;
    this.end = end;
    this.segmentSize = Math.max(1, segmentSize);
    this.fin = fin;
  }

  /** What it takes of the sequence space. */
  get length(): number {
    return distance(this.start, this.end);
  }

  /** Segments of the wire. */
  get segments(): number {
    return Math.max(1, Math.ceil((this.length - (this.fin ? 1 : 0)) / this.segmentSize));
  }

  /** Its state, for the part of it from `at` on, which becomes a transmission of its own. */
  cutOff(at: SeqNumber): Transmission {
    const rest = new Transmission(at, this.end, this.segmentSize, this.fin);
    rest.sentAt = this.sentAt;
    rest.order = this.order;
    rest.isSacked = this.isSacked;
    rest.isLost = this.isLost;
    rest.isForgiven = this.isForgiven;
    rest.retransmissions = this.retransmissions;
    rest.delivered = this.delivered;
    rest.deliveredAt = this.deliveredAt;
    rest.firstSentAt = this.firstSentAt;
    rest.appLimited = this.appLimited;
    rest.txInFlight = this.txInFlight;
    rest.lost = this.lost;
    this.end = at;
    this.fin = false;
    return rest;
  }

  /** The last place at or before `at` where a SACK block may cut it: a segment's boundary. */
  boundaryBefore(at: SeqNumber): SeqNumber {
    if (geq(at, this.end)) return this.end;
    const into = distance(this.start, at);
    return add(this.start, into - (into % this.segmentSize));
  }

  /** The first place at or after `at` where a SACK block may cut it. */
  boundaryAfter(at: SeqNumber): SeqNumber {
    const before = this.boundaryBefore(at);
    if (before === at) return at;
    const after = add(before, this.segmentSize);
    return geq(after, this.end) ? this.end : after;
  }
}
