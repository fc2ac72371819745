import { type SeqNumber, leq } from './sequence.ts';

/** Bytes that follow each other, a part of a run. */
export interface Chunk {
  bytes: Uint8Array;
  /** How many of `bytes` are used. */
  length: number;
  next: Chunk | undefined;
}

/** A run of bytes without a gap. */
export interface Run {
  left: SeqNumber;
  right: SeqNumber;
  head: Chunk;
  tail: Chunk;
}

/** Where a run is, or would be inserted. */
export interface Place {
  readonly page: number;
  readonly at: number;
}

/** Runs in a page; a page that is full is halved. */
const PAGE = 64;

/** Runs in order, in pages: to find, insert or remove one costs two bisections and the moving of a page's part (attacks.md A13). */
export class RunPages {
  #pages: Run[][] = [];
  #size: number = 0;
  /** Elements touched so far: for tests of growth. */
  steps: number = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Run | undefined {
    return this.#pages[0]?.[0];
  }

  /** All, in order. */
  *[Symbol.iterator](): Iterator<Run> {
    for (const page of this.#pages) yield* page;
  }

  /** The place of the first run that ends after `seq`; behind all if none does. */
  firstEndingAfter(seq: SeqNumber): Place {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >>> 1;
      const page = this.#pages[middle];
      const last = page?.[page.length - 1];
      if (last !== undefined && leq(last.right, seq)) low = middle + 1;
      else high = middle;
    }
    const page = this.#pages[low];
    if (page === undefined) return { page: low, at: 0 };
    const index = low;
    low = 0;
    high = page.length;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >>> 1;
      const run = page[middle];
      if (run !== undefined && leq(run.right, seq)) low = middle + 1;
      else high = middle;
    }
    return { page: index, at: low };
  }

  /** The run at a place. */
  at({ page, at }: Place): Run | undefined {
    return this.#pages[page]?.[at];
  }

  /** The run before a place. */
  before({ page, at }: Place): Run | undefined {
    if (at > 0) return this.#pages[page]?.[at - 1];
    const previous = this.#pages[page - 1];
    return previous?.[previous.length - 1];
  }

  /** Puts a run before the one at `place`. */
  insert(place: Place, run: Run): void {
    this.#size += 1;
    // Behind all: the last page takes it, so that pages fill up.
    const index = place.page === this.#pages.length && place.page > 0 ? place.page - 1 : place.page;
    const page = this.#pages[index];
    if (page === undefined) {
      this.#pages.push([run]);
      return;
    }
    const at = index === place.page ? place.at : page.length;
    this.steps += page.length - at + 1;
    page.splice(at, 0, run);
    if (page.length < PAGE) return;
    this.steps += PAGE / 2 + this.#pages.length - index;
    this.#pages.splice(index + 1, 0, page.splice(PAGE / 2));
  }

  /** Takes the run at `place` out. */
  remove({ page: index, at }: Place): void {
    const page = this.#pages[index];
    if (page === undefined || at >= page.length) return;
    this.#size -= 1;
    this.steps += page.length - at;
    page.splice(at, 1);
    if (page.length > 0) return;
    this.steps += this.#pages.length - index;
    this.#pages.splice(index, 1);
  }

  clear(): void {
    this.#pages = [];
    this.#size = 0;
  }
}
