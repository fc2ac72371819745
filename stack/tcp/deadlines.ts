import { type Instant, NEVER } from '../time.ts';

/** Something with a deadline that may move at any time. */
export interface Waiting {
  readonly nextDeadline: Instant;
}

interface Entry<T extends Waiting> {
  readonly at: Instant;
  readonly item: T;
}

/**
 * The deadlines of many connections: a binary heap in which an entry may be too early, never too late. A deadline that moves away is
 * noticed when its entry comes up, so moving the retransmission timer with every ACK costs nothing, and an idle connection costs
 * nothing per wake-up.
 */
export class Deadlines<T extends Waiting> {
  readonly #heap: Entry<T>[] = [];
  /** When the earliest live entry of an item is due. */
  readonly #scheduled: Map<T, Instant> = new Map();

  /** When to look again; `NEVER` if nothing waits. May be earlier than needed. */
  get next(): Instant {
    return this.#heap[0]?.at ?? NEVER;
  }

  /** Looks at `item`'s deadline: to be called after everything that may have moved it. */
  update(item: T): void {
    const at = item.nextDeadline;
    if (at === NEVER) return;
    const scheduled = this.#scheduled.get(item);
    if (scheduled !== undefined && scheduled <= at) return;
    this.#scheduled.set(item, at);
    this.#push({ at, item });
  }

  /** Forgets `item`. Its entries are skipped when they come up; before most of the heap is such, it is cleaned. */
  remove(item: T): void {
    if (!this.#scheduled.delete(item)) return;
    const live = this.#scheduled.size;
    if (live === 0) this.#heap.length = 0;
    else if (this.#heap.length >= 64 && this.#heap.length > 4 * live) this.#clean();
  }

  /** Entries in the heap, those that will be skipped included. */
  get length(): number {
    return this.#heap.length;
  }

  /** The next item whose deadline has passed at `now`; undefined if there is none. Call `update` for it afterwards. */
  due(now: Instant): T | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || top.at > now) return undefined;
      this.#pop();
      if (this.#scheduled.get(top.item) !== top.at) continue; // an entry that an earlier one has replaced, or a removed item
      this.#scheduled.delete(top.item);
      if (top.item.nextDeadline <= now) return top.item;
      this.update(top.item);
    }
  }

  /** Keeps only the entries that count: else a closed connection would stay in memory until its keep-alive is due. */
  #clean(): void {
    const live = this.#heap.filter(({ at, item }) => this.#scheduled.get(item) === at);
    this.#heap.length = 0;
    for (const entry of live) this.#push(entry);
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && right.at < left.at) {
        smaller = right;
        child += 1;
      }
      if (smaller.at >= last.at) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}
