import { type SeqNumber, leq, lt } from './sequence.ts';

/** Something that has a place in the sequence space. */
export interface Placed {
  readonly start: SeqNumber;
}

/** Items per page: so few that moving them costs next to nothing, so many that there are few pages. */
const PAGE = 64;

/**
 * Items that do not overlap, sorted by `start`, in pages of at most 64: finding, inserting and removing cost O(log n) comparisons and the
 * moving of at most a page; appending and taking the first O(1). What a scoreboard needs, whatever a peer does (attacks.md A12).
 */
export class SequencePages<T extends Placed> {
  /** None of them is empty. */
  readonly #pages: T[][] = [];
  #length: number = 0;
  /** Items and pages touched so far: growth is tested by counting, not by time. */
  steps: number = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#pages[0]?.[0];
  }

  get last(): T | undefined {
    const page = this.#pages[this.#pages.length - 1];
    return page?.[page.length - 1];
  }

  /** The last item that begins at or before `at`; undefined if all begin later. */
  find(at: SeqNumber): T | undefined {
    const page = this.#pages[this.#pageOf(at)];
    return page?.[this.#indexIn(page, at)];
  }

  /** Adds `item`; no other may have its `start`. */
  insert(item: T): void {
    this.#length += 1;
    const last = this.#pages[this.#pages.length - 1];
    const tail = last?.[last.length - 1];
    if (last === undefined || tail === undefined) {
      this.#pages.push([item]);
    } else if (lt(tail.start, item.start)) {
      if (last.length < PAGE) last.push(item);
      else this.#pages.push([item]);
    } else {
      this.#insertWithin(item);
    }
  }

  /** Takes `item` out; nothing happens if it is not held. */
  remove(item: T): void {
    const at = this.#pageOf(item.start);
    const page = this.#pages[at];
    if (page === undefined) return;
    const index = this.#indexIn(page, item.start);
    if (page[index] !== item) return;
    this.#length -= 1;
    if (index === 0) page.shift();
    else page.splice(index, 1);
    this.steps += page.length - index;
    if (page.length > 0) return;
    if (at === 0) this.#pages.shift();
    else this.#pages.splice(at, 1);
  }

  /** Takes the first item out. */
  shift(): void {
    const page = this.#pages[0];
    if (page === undefined) return;
    page.shift();
    this.#length -= 1;
    if (page.length === 0) this.#pages.shift();
  }

  clear(): void {
    this.#pages.length = 0;
    this.#length = 0;
  }

  #insertWithin(item: T): void {
    const at = Math.max(0, this.#pageOf(item.start));
    const page = this.#pages[at];
    if (page === undefined) return;
    const index = this.#indexIn(page, item.start) + 1;
    page.splice(index, 0, item);
    this.steps += page.length - index;
    if (page.length <= PAGE) return;
    this.#pages.splice(at + 1, 0, page.splice(PAGE / 2));
    this.steps += PAGE / 2;
  }

  /** The last page whose first item begins at or before `at`; -1 if there is none. */
  #pageOf(at: SeqNumber): number {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >>> 1;
      const first = this.#pages[middle]?.[0];
      if (first !== undefined && leq(first.start, at)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The index in `page` of the last item that begins at or before `at`; -1 if there is none. */
  #indexIn(page: readonly T[], at: SeqNumber): number {
    let low = 0;
    let high = page.length;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >>> 1;
      const item = page[middle];
      if (item !== undefined && leq(item.start, at)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
