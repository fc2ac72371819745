import { type Chunk, type Place, RunPages } from './run-pages.ts';
import { type SeqNumber, add, distance, geq, lt, max, min } from './sequence.ts';

/** What a chunk costs beside its bytes: the objects, their places in a page, the typed array (attacks.md A13). */
export const CHUNK_OVERHEAD = 256;
/** Payload up to this length is copied behind what is there, into memory taken ahead: it is not worth a chunk of its own. */
const SMALL = 512;
/** The most memory taken ahead. */
const LARGEST_AHEAD = 2_048;

/** A run of received bytes: `left` is the first, `right` the one after the last. */
export interface Range {
  readonly left: SeqNumber;
  readonly right: SeqNumber;
}

/**
 * Holds what arrived beyond RCV.NXT until the gap before it is filled [RFC 9293 SHLD-31], in runs without gaps; bytes that came first win.
 * A segment costs O(log n) in the number of runs, and what is held is bounded by what it really costs and by the number of runs, not by
 * payload alone, so that one-byte segments can take neither the host's memory nor its time (attacks.md A13, SegmentSmack).
 */
export class Assembler {
  readonly #runs: RunPages = new RunPages();
  #bytes: number = 0;
  /** Memory of all chunks. */
  #backing: number = 0;
  #chunks: number = 0;

  /** Payload bytes held. */
  get length(): number {
    return this.#bytes;
  }

  /** Runs held: each has a gap before it. */
  get ranges(): number {
    return this.#runs.size;
  }

  /** What all of it costs in bytes. */
  get cost(): number {
    return this.#backing + this.#chunks * CHUNK_OVERHEAD;
  }

  /** Elements touched so far: for tests of growth. */
  get steps(): number {
    return this.#runs.steps;
  }

  /** The first run; undefined: there is none. */
  first(): Range | undefined {
    return this.#runs.first;
  }

  /** All runs, in order. */
  *[Symbol.iterator](): Iterator<Range> {
    yield* this.#runs;
  }

  /** What of `[left, right)` is here already: the first piece of it; undefined: nothing is. */
  firstHeld(left: SeqNumber, right: SeqNumber): Range | undefined {
    const run = this.#runs.at(this.#runs.firstEndingAfter(left));
    if (run === undefined || !lt(run.left, right)) return undefined;
    return { left: max(left, run.left), right: min(right, run.right) };
  }

  /** The run that holds the byte at `seq`; undefined: it is not here. */
  rangeAt(seq: SeqNumber): Range | undefined {
    const run = this.#runs.at(this.#runs.firstEndingAfter(seq));
    return run === undefined || lt(seq, run.left) ? undefined : run;
  }

  /**
   * Stores a copy of `bytes[at..at+length)`, which begins at `seq`, as far as it is new. Returns the bytes stored: 0 if all was
   * held already; -1 if it would cost more than `limit` bytes, overhead included, or begin a run more than `maxRanges`, and was not stored.
   */
  insert(
    seq: SeqNumber,
    bytes: Uint8Array,
    at: number,
    length: number,
    limit: number,
    maxRanges: number = Number.POSITIVE_INFINITY,
  ): number {
    if (this.cost + length + CHUNK_OVERHEAD > limit) return -1;
    const end = add(seq, length);
    let from = seq;
    let stored = 0;
    while (lt(from, end)) {
      const place = this.#runs.firstEndingAfter(from);
      const next = this.#runs.at(place);
      if (next !== undefined && geq(from, next.left)) {
        from = next.right;
        continue;
      }
      const to = next === undefined || geq(next.left, end) ? end : next.left;
      const begin = at + distance(seq, from);
      const count = distance(from, to);
      if (!this.#store(place, from, to, bytes, begin, maxRanges)) return stored === 0 ? -1 : stored;
      stored += count;
      this.#bytes += count;
      from = to;
    }
    return stored;
  }

  /** Takes out the bytes that begin at `seq` or before it, less what lies before; undefined if there is still a gap. */
  take(seq: SeqNumber): Uint8Array | undefined {
    for (;;) {
      const run = this.#runs.first;
      if (run === undefined || lt(seq, run.left)) return undefined;
      const { bytes, length, next } = run.head;
      const old = distance(run.left, seq);
      this.#bytes -= length;
      this.#backing -= bytes.length;
      this.#chunks -= 1;
      if (next === undefined) {
        this.#runs.remove({ page: 0, at: 0 });
      } else {
        run.left = add(run.left, length);
        run.head = next;
      }
      if (old < length) return old === 0 && length === bytes.length ? bytes : bytes.subarray(old, length);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#runs.clear();
    this.#bytes = 0;
    this.#backing = 0;
    this.#chunks = 0;
  }

  /** Stores what fills the gap, or a part of it, before the run at `place`; false if that takes a run too many. */
  #store(
    place: Place,
    from: SeqNumber,
    to: SeqNumber,
    bytes: Uint8Array,
    at: number,
    maxRanges: number,
  ): boolean {
    const length = distance(from, to);
    const before = this.#runs.before(place);
    const behind = this.#runs.at(place);
    const fillsGap = behind !== undefined && behind.left === to;
    if (before !== undefined && before.right === from) {
      if (!this.#appended(before.tail, bytes, at, length)) {
        before.tail.next = this.#chunk(bytes, at, length, length <= SMALL ? before.tail.bytes.length : 0);
        before.tail = before.tail.next;
      }
      before.right = to;
      if (fillsGap) {
        before.tail.next = behind.head;
        before.tail = behind.tail;
        before.right = behind.right;
        this.#runs.remove(place);
      }
    } else if (fillsGap) {
      const chunk = this.#chunk(bytes, at, length, 0);
      chunk.next = behind.head;
      behind.head = chunk;
      behind.left = from;
    } else {
      if (this.#runs.size >= maxRanges) return false;
      const chunk = this.#chunk(bytes, at, length, 0);
      this.#runs.insert(place, { left: from, right: to, head: chunk, tail: chunk });
    }
    return true;
  }

  /** Whether the bytes fitted behind those of `chunk`. */
  #appended(chunk: Chunk, bytes: Uint8Array, at: number, length: number): boolean {
    if (chunk.bytes.length - chunk.length < length) return false;
    chunk.bytes.set(bytes.subarray(at, at + length), chunk.length);
    chunk.length += length;
    return true;
  }

  /** A chunk with a copy of the bytes, so that no large packet is kept for a small part of it (attacks.md J5). */
  #chunk(bytes: Uint8Array, at: number, length: number, ahead: number): Chunk {
    const memory = new Uint8Array(Math.max(length, Math.min(2 * ahead, LARGEST_AHEAD)));
    memory.set(bytes.subarray(at, at + length));
    this.#backing += memory.length;
    this.#chunks += 1;
    return { bytes: memory, length, next: undefined };
  }
}
