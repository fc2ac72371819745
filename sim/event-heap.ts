/** Something to be done at an instant. `order` decides among equal instants: the lower is first. */
export interface ScheduledEvent {
  at: number;
  order: number;
  /** Its index in the heap, or -1 when it is not scheduled. */
  place: number;
  readonly task: () => void;
}

/** Whether `a` comes before `b`: the earlier instant, and first in first out among equal ones. */
function precedes(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * A binary heap of events, the earliest on top. Each event knows its place, so that an alarm can be moved or cleared without
 * a search and without leaving a dead entry behind.
 */
export class EventHeap {
  readonly #events: ScheduledEvent[] = [];

  get size(): number {
    return this.#events.length;
  }

  /** The next event, which stays where it is. */
  peek(): ScheduledEvent | undefined {
    return this.#events[0];
  }

  /** Takes the next event out. */
  pop(): ScheduledEvent | undefined {
    const first = this.#events[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Schedules `event`, or puts it in its new place if it is scheduled and its time has changed. */
  put(event: ScheduledEvent): void {
    if (event.place < 0) {
      event.place = this.#events.length;
      this.#events.push(event);
    }
    this.#settle(event);
  }

  /** Takes `event` out; nothing happens if it is not scheduled. */
  remove(event: ScheduledEvent): void {
    if (event.place < 0) return;
    const last = this.#events.pop();
    if (last !== undefined && last !== event) {
      last.place = event.place;
      this.#events[last.place] = last;
      this.#settle(last);
    }
    event.place = -1;
  }

  #settle(event: ScheduledEvent): void {
    const from = event.place;
    this.#rise(event);
    if (event.place === from) this.#sink(event);
  }

  #rise(event: ScheduledEvent): void {
    while (event.place > 0) {
      const parent = this.#events[(event.place - 1) >> 1];
      if (parent === undefined || !precedes(event, parent)) return;
      this.#swap(event, parent);
    }
  }

  #sink(event: ScheduledEvent): void {
    for (;;) {
      const left = this.#events[event.place * 2 + 1];
      if (left === undefined) return;
      const right = this.#events[event.place * 2 + 2];
      const child = right !== undefined && precedes(right, left) ? right : left;
      if (!precedes(child, event)) return;
      this.#swap(event, child);
    }
  }

  #swap(a: ScheduledEvent, b: ScheduledEvent): void {
    const place = a.place;
    a.place = b.place;
    b.place = place;
    this.#events[a.place] = a;
    this.#events[b.place] = b;
  }
}
