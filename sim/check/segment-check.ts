import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { type SeqNumber, add, distance, gt, leq, lt } from '../../stack/tcp/sequence.ts';
import { type TcpState, TRANSITIONS, isSynchronized } from '../../stack/tcp/states.ts';
import type { SegmentEvent, StateEvent } from '../../stack/trace.ts';
import type { Breach } from './breach.ts';
import { ReceivedEdge } from './received-edge.ts';

/** What one connection says on the wire, and what it was told: invariants 2, 4, 5, 7 and part of 9. */
export class SegmentCheck {
  readonly #host: string;
  readonly #breach: Breach;
  readonly #received: ReceivedEdge = new ReceivedEdge();
  /** The furthest right edge that the peer ever offered. */
  #edge: SeqNumber | undefined;
  #iss: SeqNumber | undefined;
  #lastAck: SeqNumber | undefined;
  /** Where our FIN is. */
  #fin: SeqNumber | undefined;
  #state: TcpState | undefined;
  #lastChallenge: number = Number.NEGATIVE_INFINITY;

  constructor(host: string, breach: Breach) {
    this.#host = host;
    this.#breach = breach;
  }

  state(event: StateEvent): void {
    const legal = TRANSITIONS[event.from].includes(event.to);
    if (!legal) this.#broken(5, `${event.from} → ${event.to} (${event.cause}) is no transition of RFC 9293`);
    if (this.#state !== undefined && this.#state !== event.from)
      this.#broken(5, `it was in ${this.#state}, and goes from ${event.from} to ${event.to}`);
    this.#state = event.to;
  }

  /** A segment came. `connection` may not be known yet. */
  arrived(event: SegmentEvent, connection: TcpConnection | undefined): void {
    const { header, length } = event;
    const size = length + (header.syn ? 1 : 0) + (header.fin ? 1 : 0);
    const cookie = !header.rst && (connection === undefined ? this.#iss === undefined : connection.passive);
    this.#received.arrived(header.seq, size, header.syn || cookie);
    const shift = header.syn ? 0 : (connection?.sender.windShift ?? 0);
    const sent = connection?.sender.highestSent;
    const ack = header.ack ?? (this.#iss === undefined ? undefined : add(this.#iss, 1));
    if (ack === undefined || (sent !== undefined && gt(ack, sent))) return;
    const edge = add(ack, header.window << shift);
    if (this.#edge === undefined || gt(edge, this.#edge)) this.#edge = edge;
  }

  /** A segment leaves. */
  departs(event: SegmentEvent, connection: TcpConnection | undefined, mostPerInterval: number): void {
    const { header } = event;
    if (header.syn) this.#iss = header.seq;
    if (header.rst) return;
    this.#checkAck(event);
    this.#checkPlace(event);
    this.#checkFin(event);
    if (connection === undefined) return;
    if (event.cause === 'data' || event.cause === 'fin') this.#checkFlight(connection);
    if (event.cause === 'challenge-ack' && isSynchronized(connection.state)) {
      if (event.at - this.#lastChallenge < mostPerInterval)
        this.#broken(9, `two challenge ACKs within ${event.at - this.#lastChallenge} µs`);
      this.#lastChallenge = event.at;
    }
  }

  #checkAck({ header }: SegmentEvent): void {
    const { ack } = header;
    if (ack === undefined) return;
    const { edge } = this.#received;
    if (edge !== undefined && gt(ack, edge))
      this.#broken(
        2,
        `ACK ${ack} covers ${distance(edge, ack)} bytes that never arrived (up to ${edge} did)`,
      );
    if (this.#lastAck !== undefined && lt(ack, this.#lastAck))
      this.#broken(2, `ACK ${ack} goes back by ${distance(ack, this.#lastAck)}`);
    this.#lastAck = ack;
  }

  #checkPlace({ header, length, cause }: SegmentEvent): void {
    if (length === 0 || header.syn || cause === 'window-probe' || this.#edge === undefined) return;
    const end = add(header.seq, length);
    if (gt(end, this.#edge))
      this.#broken(4, `bytes up to ${end}, ${distance(this.#edge, end)} beyond the edge ${this.#edge}`);
  }

  #checkFin({ header, length }: SegmentEvent): void {
    const end = add(header.seq, length + (header.syn ? 1 : 0));
    if (this.#fin !== undefined && length > 0 && !leq(end, this.#fin))
      this.#broken(5, `data up to ${end} after the FIN at ${this.#fin}`);
    if (!header.fin) return;
    if (this.#fin !== undefined && this.#fin !== end)
      this.#broken(5, `the FIN moved from ${this.#fin} to ${end}`);
    this.#fin = end;
  }

  #checkFlight({ sender }: TcpConnection): void {
    const { inFlight, mss, congestion, limitedTransmit } = sender;
    if (inFlight > congestion.cwnd + limitedTransmit + mss)
      this.#broken(7, `${inFlight} bytes in flight with a cwnd of ${congestion.cwnd} and an MSS of ${mss}`);
  }

  #broken(number: 2 | 4 | 5 | 7 | 9, what: string): void {
    this.#breach(number, [this.#host], what);
  }
}
