import type { ResetReason } from '../drop-reasons.ts';
import type { SendCause } from '../trace.ts';
import type { TcpHeader } from '../wire/tcp.ts';
import { type SeqNumber, add } from './sequence.ts';

/**
 * A segment on its way in. The checks trim it to what is new and inside the window, so its place in the sequence space may
 * change; the header stays what the wire said.
 */
export class ArrivedSegment {
  readonly header: TcpHeader;
  /** SEG.SEQ of what is left of it. */
  seq: SeqNumber;
  /** The memory that holds the payload; valid until the drain of its batch is over. */
  readonly bytes: Uint8Array;
  /** Where the payload begins in `bytes`. */
  payloadAt: number;
  /** Payload bytes. */
  length: number;
  /** SYN and FIN as far as they were not trimmed off. */
  syn: boolean;
  fin: boolean;
  /** SEG.LEN as it came, before anything was cut off. */
  readonly wireLength: number;
  /** The ECN codepoint it came with: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE [RFC 3168 5]. */
  readonly ecn: number;
  /** How many segments of the wire it was (super-segments are merged ones). */
  readonly wireSegments: number;

  constructor(
    header: TcpHeader,
    bytes: Uint8Array,
    payloadAt: number,
    length: number,
    wireSegments: number,
    ecn: number = 0,
  ) {
    this.header = header;
    this.seq = header.seq;
    this.bytes = bytes;
    this.payloadAt = payloadAt;
    this.length = length;
    this.syn = header.syn;
    this.fin = header.fin;
    this.wireSegments = wireSegments;
    this.ecn = ecn;
    this.wireLength = this.sequenceLength;
  }

  /** SEG.LEN: what it takes of the sequence space [RFC 9293 3.4]. */
  get sequenceLength(): number {
    return this.length + (this.syn ? 1 : 0) + (this.fin ? 1 : 0);
  }

  /** The sequence number after its last. */
  get end(): SeqNumber {
    return add(this.seq, this.sequenceLength);
  }

  /** Cuts `count` sequence numbers off the front. */
  trimFront(count: number): void {
    let left = count;
    if (this.syn && left > 0) {
      this.syn = false;
      left -= 1;
    }
    const data = Math.min(left, this.length);
    this.payloadAt += data;
    this.length -= data;
    if (left > data) this.fin = false;
    this.seq = add(this.seq, count);
  }

  /** Cuts `count` sequence numbers off the end. */
  trimEnd(count: number): void {
    let left = count;
    if (this.fin && left > 0) {
      this.fin = false;
      left -= 1;
    }
    this.length -= Math.min(left, this.length);
  }
}

/** A segment on its way out: the header, and which bytes of the send queue go with it. */
export interface OutgoingSegment {
  readonly header: TcpHeader;
  /** Offset of the payload in the send queue, in bytes from its oldest. */
  readonly offset: number;
  /** Payload bytes. */
  readonly length: number;
  /** 0, or the payload bytes per segment that a super-segment is to be cut to. */
  readonly segmentSize: number;
  /** The ECN codepoint; Not-ECT if there is none. */
  readonly ecn?: number;
  readonly cause: SendCause;
  readonly reset?: ResetReason;
}
