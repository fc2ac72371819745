import type { TcpSettings } from '../settings.ts';
import type { Duration, Instant } from '../time.ts';
import { Assembler } from './assembler.ts';
import { ReceiveAutotuning } from './autotuning.ts';
import { ReceiveQueue } from './receive-queue.ts';
import { BlockWriter } from './sack-blocks.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, add, distance, gt, leq, lt, max, seq } from './sequence.ts';

/** Which acknowledgment the receiver owes; `overdue`: it was delayed, and its time is up. */
export type AckDue = 'none' | 'delayed' | 'overdue' | 'now';

/**
 * The receiving half of a connection: RCV.NXT, the window, reassembly, and when to acknowledge [RFC 9293 3.8.6, SHLD-18, 3.10.7.4].
 */
export class Receiver {
  /** Initial receive sequence number: the peer's ISN. */
  irs: SeqNumber = seq(0);
  /** RCV.NXT: the next sequence number expected. */
  nxt: SeqNumber = seq(0);
  /** RCV.NXT + RCV.WND as last offered, or the furthest ever: it is never drawn back [RFC 9293 SHLD-14]. */
  edge: SeqNumber = seq(0);
  /** Rcv.Wind.Shift [RFC 7323 2.2]; 0 without window scaling. */
  windShift: number = 0;
  /** RCV.UP: up to where urgent data goes [RFC 9293 3.8.5]; undefined: none seen. */
  up: SeqNumber | undefined;
  /** The peer's FIN was received: RCV.NXT lies after it. */
  finReceived: boolean = false;
  /** Where the peer's FIN belongs, if it came before what precedes it. */
  finAt: SeqNumber | undefined;
  /** The program gave up reading: data is answered by a RST [RFC 9293 SHLD-3]. */
  discarding: boolean = false;
  /** TS.Recent [RFC 7323 4.3] and when it was taken; undefined: timestamps are not in use, or it is too old. */
  tsRecent: number | undefined;
  tsRecentAt: Instant = 0 as Instant;
  /** Last.ACK.sent [RFC 7323 4.3]. */
  lastAckSent: SeqNumber = seq(0);
  /** Bytes the buffer may hold now; autotuning raises it up to `maxBuffer`. */
  buffer: number;
  maxBuffer: number;
  /** False under memory pressure: the buffer stays as it is (`maxMemory`). */
  mayGrow: boolean = true;
  /** Largest payload of a single segment seen: the peer's MSS for the purpose of acknowledging. */
  peerMss: number = 536;
  /** Duplicate ACKs to send, one for each segment that came out of order [RFC 5681 4.2]. */
  duplicateAcks: number = 0;
  ackDue: AckDue = 'none';
  /** What SACK reports; undefined: SACK is not in use. */
  sack: BlockWriter | undefined;
  readonly queue: ReceiveQueue = new ReceiveQueue();
  readonly assembler: Assembler = new Assembler();
  #tuning: ReceiveAutotuning | undefined;
  readonly #settings: TcpSettings;
  /** In-order bytes received since the last ACK left. */
  #unacknowledged: number = 0;
  #quickAcks: number;
  /** The program read something since a window was last offered. */
  #readSinceOffer: boolean = false;
  #largestOffered: number = 0;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.buffer = settings.receiveBuffer.from;
    this.maxBuffer = settings.receiveBuffer.to;
    this.#quickAcks = settings.quickAcks;
  }

  /** How the buffer grows; made when the first data comes. */
  get tuning(): ReceiveAutotuning {
    this.#tuning ??= new ReceiveAutotuning(this.#settings.receiveBuffer);
    return this.#tuning;
  }

  /** Takes the peer's SYN: its number, and the first window [RFC 9293 3.10.7.2]. */
  synArrived(irs: SeqNumber): void {
    this.irs = irs;
    this.nxt = add(irs, 1);
    this.lastAckSent = this.nxt;
    // The window of a SYN is not scaled [RFC 7323 2.3].
    this.#largestOffered = Math.min(this.buffer, 0xffff);
    this.edge = add(this.nxt, this.#largestOffered);
  }

  /** RCV.WND: what the peer may still send, in bytes. */
  get wnd(): number {
    return Math.max(0, distance(this.nxt, this.edge));
  }

  /** Free room in the buffer, in bytes. What is out of order lies inside the window and is not counted twice. */
  get room(): number {
    return Math.max(0, this.buffer - this.queue.length);
  }

  /** Takes in-order data in [RFC 9293 3.10.7.4, seventh check]; `segment` begins at RCV.NXT. */
  accept(segment: ArrivedSegment): void {
    this.#noteSize(segment);
    const gap = this.assembler.ranges > 0;
    this.nxt = add(this.nxt, segment.length);
    this.queue.append(segment.bytes, segment.payloadAt, segment.length);
    this.#unacknowledged += segment.length;
    if (gap) this.#fillGap();
    this.sack?.advance(this.nxt);
    const full = this.#unacknowledged >= this.#settings.ackEvery * this.peerMss;
    // A segment that fills all or part of a gap is acknowledged at once [RFC 5681 4.2].
    if (gap || full || this.#quickAcks > 0) this.ackDue = 'now';
    else if (this.ackDue === 'none') this.ackDue = 'delayed';
    if (this.#quickAcks > 0) this.#quickAcks -= 1;
  }

  /**
   * Keeps a segment that came too early [RFC 9293 SHLD-31, MAY-13] and owes a duplicate ACK for each segment of the wire
   * [RFC 5681 4.2]. Returns what `Assembler.insert` does.
   */
  hold(segment: ArrivedSegment): number {
    this.#noteSize(segment);
    const limit = 2 * Math.max(this.buffer, 65_536);
    const { seq: left, bytes, payloadAt, length } = segment;
    const ranges = Math.max(64, Math.floor(this.buffer / this.#settings.bytesPerRange)); // attacks.md A13
    const twice = this.sack === undefined ? undefined : this.assembler.firstHeld(left, add(left, length));
    const stored = this.assembler.insert(left, bytes, payloadAt, length, limit, ranges);
    // A merged super-segment stands for many; three are all that a sender needs to hear.
    this.duplicateAcks += Math.min(segment.wireSegments, 3);
    if (this.sack !== undefined) {
      if (twice !== undefined) this.cameTwice(twice.left, twice.right);
      // The FIN's number counts: else the peer takes the last segment, which is one with it, for lost [RFC 2018 3: sequence space].
      if (stored >= 0) this.sack.held(left, add(left, length + (segment.fin ? 1 : 0)));
      // More only if they have more to tell: beside timestamps three blocks fit into each.
      this.duplicateAcks = Math.min(this.duplicateAcks, Math.max(3, Math.ceil(this.sack.untold / 3)));
    }
    this.#quickAcks = this.#settings.quickAcks;
    return stored;
  }

  /** Gives up what is out of order, whatever SACK has said of it, and owes a duplicate ACK [RFC 2018 8]. */
  prune(): void {
    this.assembler.clear();
    if (this.sack !== undefined) this.sack = new BlockWriter();
    this.duplicateAcks += 1;
  }

  /** `[left, right)` had come before, all of it or a part: D-SACK tells the peer [RFC 2883 4]. */
  cameTwice(left: SeqNumber, right: SeqNumber): void {
    if (this.#settings.dsack && lt(left, right)) this.sack?.duplicate(left, right);
  }

  /** Keeps the text and the FIN of a SYN: in place, but not to be acknowledged or read yet. */
  holdUntilEstablished(segment: ArrivedSegment): void {
    const { seq: left, bytes, payloadAt, length } = segment;
    if (length > 0) this.assembler.insert(left, bytes, payloadAt, length, 2 * Math.max(this.buffer, 65_536));
    if (segment.fin) this.finAt = add(left, length);
  }

  /** Takes what was held in; true if there was something. */
  takeHeld(): boolean {
    if (this.assembler.ranges === 0) return false;
    const before = this.nxt;
    this.#fillGap();
    if (this.nxt === before) return false;
    this.ackDue = 'now';
    return true;
  }

  /** The peer's FIN is the next thing in order [RFC 9293 3.10.7.4, eighth check]. */
  acceptFin(): void {
    this.nxt = add(this.nxt, 1);
    this.finReceived = true;
    this.finAt = undefined;
    this.assembler.clear();
    this.ackDue = 'now';
  }

  /** Notes a segment's urgent pointer [RFC 9293 3.10.7.4, sixth check; MUST-31, MUST-62]; true if the program has to be told. */
  urgent(pointer: SeqNumber): boolean {
    if (leq(pointer, this.#consumed)) return false;
    const news = this.up === undefined || gt(pointer, this.up);
    if (news) this.up = pointer;
    return news; // also if some is pending already: MUST-32 asks for it, though 3.10.7.4 would be silent
  }

  /** Bytes up to the end of the urgent data that the program has not read yet [RFC 9293 MUST-33]. */
  get urgentBytes(): number {
    if (this.up === undefined) return 0;
    return Math.max(0, distance(this.#consumed, this.up));
  }

  /** The next sequence number that the program will read. */
  get #consumed(): SeqNumber {
    return add(this.nxt, -this.queue.length);
  }

  /** Hands up to `limit` bytes to the program, in memory that it keeps. */
  read(limit: number, now: Instant, srtt: Duration | undefined): Uint8Array | undefined {
    const bytes = this.queue.take(limit);
    if (bytes === undefined) return undefined;
    if (this.up !== undefined && this.urgentBytes === 0) this.up = undefined; // lest it seem to lie ahead 2^31 bytes later
    this.#readSinceOffer = true;
    if (this.mayGrow)
      this.buffer = this.tuning.read(bytes.length, now, srtt, this.buffer, this.maxBuffer, this.peerMss);
    return bytes;
  }

  /** The program chooses the size of the buffer. What was offered stays offered, and is taken if it comes. */
  fixBuffer(bytes: number): void {
    this.tuning.fixed = true;
    this.buffer = Math.max(1, Math.min(bytes, this.maxBuffer));
  }

  /** The program gave up reading: what is held goes, and what comes will be refused. */
  discard(): void {
    this.discarding = true;
    this.queue.clear();
    this.assembler.clear();
  }

  /**
   * The right edge that may be offered now. It moves only by a worthwhile step, so that no silly windows arise
   * [RFC 9293 3.8.6.2.2, MUST-39], and never back.
   */
  nextEdge(): SeqNumber {
    const possible = add(this.nxt, this.room);
    const step = Math.min(this.buffer >>> 1, this.peerMss);
    return distance(this.edge, possible) >= step ? possible : this.edge;
  }

  /**
   * Whether the program's reading has opened the window so far that the peer should hear of it without waiting for data: it had
   * shrunk to half of what the peer is used to. A buffer that autotuning made larger is told with the next ACK.
   */
  windowUpdateDue(): boolean {
    if (!this.#readSinceOffer || this.finReceived || this.wnd * 2 > this.#largestOffered) return false;
    const opened = distance(this.edge, this.nextEdge());
    return opened >= Math.min(this.buffer >>> 1, 2 * this.peerMss);
  }

  /**
   * The window field for a segment that leaves now (never for a SYN), and the edge that it tells the peer; 0 for as long as nobody reads
   * [RFC 9293 MAY-8].
   */
  offerWindow(): number {
    const edge = this.nextEdge();
    const wanted = Math.max(0, distance(this.nxt, edge));
    const unit = 1 << this.windShift;
    // Rounding down would draw the edge back by less than a unit; round up where the buffer has the room [RFC 7323 2.4].
    const roundedUp = Math.ceil(wanted / unit);
    const field = roundedUp * unit <= Math.max(this.room, wanted) ? roundedUp : Math.floor(wanted / unit);
    const offered = Math.min(field, 0xffff);
    this.edge = max(this.edge, add(this.nxt, offered * unit));
    this.#readSinceOffer = false;
    this.#largestOffered = Math.max(this.#largestOffered, offered * unit);
    return offered;
  }

  /** A segment with an ACK for RCV.NXT leaves: nothing is owed any more. `duplicates` of them were paid by it. */
  ackSent(): void {
    this.lastAckSent = this.nxt;
    this.ackDue = 'none';
    this.#unacknowledged = 0;
    if (this.duplicateAcks > 0) this.duplicateAcks -= 1;
  }

  #noteSize(segment: ArrivedSegment): void {
    const size = Math.ceil(segment.length / segment.wireSegments);
    if (size > this.peerMss) this.peerMss = size;
  }

  #fillGap(): void {
    for (;;) {
      const bytes = this.assembler.take(this.nxt);
      if (bytes === undefined) break;
      this.queue.append(bytes, 0, bytes.length);
      this.nxt = add(this.nxt, bytes.length);
    }
    // The gap is gone: what is owed now is one ACK for all of it.
    if (this.assembler.ranges === 0) this.duplicateAcks = 0;
  }
}
