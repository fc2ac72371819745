import { type SeqNumber, add, distance, geq, leq, lt } from './sequence.ts';

/** What a range costs beside its payload: the object, its array slot, the typed array (attacks.md A13). */
const RANGE_OVERHEAD = 256;

/** A run of bytes that came too early. */
interface Range {
  readonly left: SeqNumber;
  readonly bytes: Uint8Array;
}

/**
 * Holds what arrived beyond RCV.NXT until the gap before it is filled [RFC 9293 SHLD-31]. Ranges are sorted and do not overlap;
 * bytes that came first win. Bounded by what it really costs, not by payload alone, so that one-byte segments cannot take the
 * host's memory (attacks.md A13).
 */
export class Assembler {
  readonly #ranges: Range[] = [];
  #bytes: number = 0;

  /** Payload bytes held. */
  get length(): number {
    return this.#bytes;
  }

  /** Separate ranges held. */
  get ranges(): number {
    return this.#ranges.length;
  }

  /**
   * Stores a copy of `bytes[at..at+length)`, which begins at `seq`, as far as it is new. Returns the bytes stored: 0 if all was
   * held already; -1 if it would cost more than `limit` bytes, overhead included, and was not stored.
   */
  insert(seq: SeqNumber, bytes: Uint8Array, at: number, length: number, limit: number): number {
    if (this.#cost + length + RANGE_OVERHEAD > limit) return -1;
    const end = add(seq, length);
    let index = this.#firstEndingAfter(seq);
    let from = seq;
    let stored = 0;
    while (lt(from, end)) {
      const next = this.#ranges[index];
      if (next === undefined || geq(next.left, end)) {
        stored += this.#store(index, from, end, seq, bytes, at);
        break;
      }
      if (lt(from, next.left)) {
        stored += this.#store(index, from, next.left, seq, bytes, at);
        index += 1;
      }
      from = add(next.left, next.bytes.length);
      index += 1;
    }
    this.#bytes += stored;
    return stored;
  }

  /** Takes out the bytes that begin at `seq` or before it, less what lies before; undefined if there is still a gap. */
  take(seq: SeqNumber): Uint8Array | undefined {
    for (;;) {
      const first = this.#ranges[0];
      if (first === undefined || lt(seq, first.left)) return undefined;
      this.#ranges.shift();
      this.#bytes -= first.bytes.length;
      const old = distance(first.left, seq);
      if (old < first.bytes.length) return old === 0 ? first.bytes : first.bytes.subarray(old);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#ranges.length = 0;
    this.#bytes = 0;
  }

  get #cost(): number {
    return this.#bytes + this.#ranges.length * RANGE_OVERHEAD;
  }

  #store(
    index: number,
    from: SeqNumber,
    to: SeqNumber,
    seq: SeqNumber,
    bytes: Uint8Array,
    at: number,
  ): number {
    const begin = at + distance(seq, from);
    const piece = bytes.slice(begin, begin + distance(from, to));
    this.#ranges.splice(index, 0, { left: from, bytes: piece });
    return piece.length;
  }

  /** Index of the first range that ends after `seq`, by bisection. */
  #firstEndingAfter(seq: SeqNumber): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#ranges[middle];
      if (range !== undefined && leq(add(range.left, range.bytes.length), seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
