import type { SackBlock } from '../wire/tcp-options.ts';
import type { Scoreboard } from './scoreboard.ts';
import { type SeqNumber, add, geq, gt, leq, lt, max, min } from './sequence.ts';

/** Reads the SACK blocks of what arrives [RFC 2018 5, RFC 2883 4] into a scoreboard. Blocks that cannot be are passed over. */
export class BlockReader {
  /** Blocks that cannot be: of what was never sent, or back to front. */
  invalid: number = 0;
  /** Segments that D-SACK blocks told of, by the MSS. */
  duplicates: number = 0;
  readonly #scoreboard: Scoreboard;

  constructor(scoreboard: Scoreboard) {
    this.#scoreboard = scoreboard;
  }

  /**
   * Takes the blocks of a segment that acknowledges `ack`. Returns the D-SACK block: the first one, if it lies below `ack` or within the
   * second [RFC 2883 4]; not older than the largest window (`maxWnd`) was, else it is a stray.
   */
  read(
    blocks: readonly SackBlock[] | undefined,
    ack: SeqNumber,
    una: SeqNumber,
    nxt: SeqNumber,
    maxWnd: number,
    mss: number,
  ): SackBlock | undefined {
    if (blocks === undefined) return undefined;
    const [first, second] = blocks;
    const duplicate = first !== undefined && isDuplicate(first, second, ack) ? first : undefined;
    const from = max(una, ack);
    for (const block of blocks) {
      if (block === duplicate) continue;
      const { left, right } = block;
      if (geq(left, right) || gt(right, nxt)) this.invalid += 1;
      else if (gt(right, from)) this.#scoreboard.sack(max(left, from), right);
    }
    if (duplicate === undefined) return undefined;
    const { left, right } = duplicate;
    if (geq(left, right) || gt(right, nxt) || lt(left, add(una, -maxWnd))) {
      this.invalid += 1;
      return undefined;
    }
    this.duplicates += Math.max(1, Math.ceil(((right - left) >>> 0) / mss));
    return duplicate;
  }
}

function isDuplicate(first: SackBlock, second: SackBlock | undefined, ack: SeqNumber): boolean {
  if (lt(first.left, ack)) return true;
  return second !== undefined && geq(first.left, second.left) && leq(first.right, second.right);
}

/** No segment has room for more than four blocks; beside timestamps for three [RFC 2018 3]. */
const MOST = 4;

/** What a receiver reports: the block that grew last comes first [RFC 2018 4]; what came twice before all [RFC 2883 4]. */
export class BlockWriter {
  /** Most recent first; none below RCV.NXT. */
  #blocks: SackBlock[] = NONE;
  #duplicate: SackBlock | undefined;

  /** `[left, right)` is held beyond RCV.NXT: all of the run that the segment which came has become a part of. */
  held(left: SeqNumber, right: SeqNumber): void {
    let from = left;
    let to = right;
    const others: SackBlock[] = [];
    for (const block of this.#blocks) {
      if (lt(block.right, from) || gt(block.left, to)) {
        others.push(block);
        continue;
      }
      if (lt(block.left, from)) from = block.left;
      if (gt(block.right, to)) to = block.right;
    }
    this.#blocks = [{ left: from, right: to }, ...others].slice(0, MOST);
  }

  /** Of `[left, right)` something was here already: the next ACK says so, once [RFC 2883 4]; of a partial duplicate that part [4.1]. */
  duplicate(left: SeqNumber, right: SeqNumber): void {
    const known = this.#blocks.find((block) => lt(block.left, right) && gt(block.right, left));
    this.#duplicate =
      known === undefined ? { left, right } : { left: max(left, known.left), right: min(right, known.right) };
  }

  /** There is nothing to report. */
  get isEmpty(): boolean {
    return this.#duplicate === undefined && this.#blocks.length === 0;
  }

  /** RCV.NXT is `nxt` now: what lies before it is acknowledged cumulatively. */
  advance(nxt: SeqNumber): void {
    if (this.#blocks.length > 0) this.#blocks = this.#blocks.filter((block) => gt(block.left, nxt));
    if (this.#blocks.length === 0) this.#blocks = NONE;
  }

  /** At most `most` blocks for a segment that leaves now, in this order; undefined if there are none. */
  take(most: number): readonly SackBlock[] | undefined {
    const duplicate = this.#duplicate;
    this.#duplicate = undefined;
    if (duplicate === undefined) return this.#blocks.length === 0 ? undefined : this.#blocks.slice(0, most);
    // The run that holds it comes second, so that the sender can tell a D-SACK [RFC 2883 4.2].
    const holder = this.#blocks.filter((block) => covers(block, duplicate));
    const rest = this.#blocks.filter((block) => !covers(block, duplicate));
    return [duplicate, ...holder, ...rest].slice(0, Math.min(most, MOST));
  }
}

/** An idle connection has no list of its own. */
const NONE: SackBlock[] = [];

function covers(block: SackBlock, inner: SackBlock): boolean {
  return leq(block.left, inner.left) && geq(block.right, inner.right);
}
