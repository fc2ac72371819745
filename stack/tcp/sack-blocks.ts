import type { SackBlock } from '../wire/tcp-options.ts';
import type { Scoreboard } from './scoreboard.ts';
import { type SeqNumber, add, geq, gt, leq, lt, max } from './sequence.ts';

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

/** Blocks not reported yet that are kept: so many holes in one batch of segments can be told of. */
const MOST_UNTOLD = 60;

/** A run of bytes beyond RCV.NXT, and whether an ACK has reported it as it is. */
interface Run extends SackBlock {
  told: boolean;
}

/** What a receiver reports: the block that grew last comes first [RFC 2018 4]; what came twice before all [RFC 2883 4]. */
export class BlockWriter {
  /** Most recent first, those not told yet before the others; none below RCV.NXT. */
  #blocks: Run[] = NONE;
  #duplicate: SackBlock | undefined;

  /** `[left, right)` is held beyond RCV.NXT: all of the run that the segment which came has become a part of. */
  held(left: SeqNumber, right: SeqNumber): void {
    let from = left;
    let to = right;
    const others: Run[] = [];
    for (const block of this.#blocks) {
      if (lt(block.right, from) || gt(block.left, to)) {
        others.push(block);
        continue;
      }
      if (lt(block.left, from)) from = block.left;
      if (gt(block.right, to)) to = block.right;
    }
    const most = Math.min(MOST_UNTOLD, Math.max(MOST, 1 + others.findLastIndex(({ told }) => !told) + 1));
    this.#blocks = [{ left: from, right: to, told: false }, ...others].slice(0, most);
  }

  /** `[left, right)` was here already: the next ACK says so, once [RFC 2883 4]; of a partial duplicate it is that part [4.1]. */
  duplicate(left: SeqNumber, right: SeqNumber): void {
    this.#duplicate = { left, right };
  }

  /** Blocks that no ACK has reported: with several holes in one batch more than fit into one. */
  get untold(): number {
    return this.#blocks.findLastIndex(({ told }) => !told) + 1;
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

  /**
   * At most `most` blocks for a segment that leaves now, in this order; undefined if there are none. With more that are not told yet the
   * oldest of them: as if each segment of the batch had been answered by itself.
   */
  take(most: number): readonly SackBlock[] | undefined {
    const duplicate = this.#duplicate;
    this.#duplicate = undefined;
    if (duplicate === undefined)
      return this.#blocks.length === 0 ? undefined : this.#tell(Math.min(most, MOST));
    // The run that holds it comes second, so that the sender can tell a D-SACK [RFC 2883 4.2].
    const holder = this.#blocks.find((block) => covers(block, duplicate));
    const room = Math.min(most, MOST) - 1;
    if (holder === undefined) return [duplicate, ...this.#tell(room)];
    const rest = this.#blocks.filter((block) => block !== holder);
    return [duplicate, holder, ...rest].slice(0, room + 1);
  }

  #tell(room: number): SackBlock[] {
    const last = Math.max(room, this.untold);
    const blocks = this.#blocks.slice(last - room, last);
    for (const block of blocks) block.told = true;
    return blocks;
  }
}

/** An idle connection has no list of its own. */
const NONE: Run[] = [];

function covers(block: SackBlock, inner: SackBlock): boolean {
  return leq(block.left, inner.left) && geq(block.right, inner.right);
}
