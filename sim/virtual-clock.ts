import type { Random } from '../stack/random.ts';
import { NEVER, type Alarm, type Instant, type Scheduler } from '../stack/time.ts';
import { EventHeap, type ScheduledEvent } from './event-heap.ts';

/** When a run is taken for endless. */
export interface VirtualClockOptions {
  /** Where time begins; 0 at first. */
  readonly start?: Instant;
  /** Most events of one `run`; 100 million. */
  readonly maxEvents?: number;
  /** Most events without time moving on; 5 million. */
  readonly maxEventsPerInstant?: number;
  /** Draws the order of events that are due at the same instant; without it they run in the order they were scheduled in. */
  readonly shuffle?: Random;
}

/**
 * Time that passes only when told to: a queue of events, run one by one in order of their instants, and in the order in which
 * they were scheduled among equal ones. An hour of waiting takes no time, and the same program does the same each time.
 */
export class VirtualClock implements Scheduler {
  readonly #maxEvents: number;
  readonly #maxEventsPerInstant: number;
  readonly #shuffle: Random | undefined;
  readonly #events: EventHeap = new EventHeap();
  #now: Instant;
  #scheduled: number = 0;
  #eventsNow: number = 0;
  #running: boolean = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#now = options.start ?? (0 as Instant);
    this.#maxEvents = options.maxEvents ?? 100_000_000;
    this.#maxEventsPerInstant = options.maxEventsPerInstant ?? 5_000_000;
    this.#shuffle = options.shuffle;
  }

  now(): Instant {
    return this.#now;
  }

  /** How many events are scheduled. */
  get pending(): number {
    return this.#events.size;
  }

  /** When the next event is due; `NEVER` if none is. */
  get nextEvent(): Instant {
    const next = this.#events.peek();
    return next === undefined ? NEVER : (next.at as Instant);
  }

  soon(task: () => void): void {
    this.at(this.#now, task);
  }

  /** Runs `task` once at `when`, after what is already scheduled for that instant. A `when` that has passed means now. */
  at(when: Instant, task: () => void): void {
    this.#schedule({ at: when, order: 0, place: -1, task }, when);
  }

  alarm(task: () => void): Alarm {
    const event: ScheduledEvent = { at: 0, order: 0, place: -1, task };
    return {
      set: (at) => {
        if (event.place < 0 || event.at !== at) this.#schedule(event, at);
      },
      clear: () => this.#events.remove(event),
      hold: () => undefined,
    };
  }

  /** Moves time to the next event and runs it. False if there is none. */
  step(): boolean {
    if (this.#running)
      throw new Error('the virtual clock is running already: an event must not run the clock');
    this.#running = true;
    try {
      return this.#runNext();
    } finally {
      this.#running = false;
    }
  }

  /**
   * Runs events until none is left or the next one lies after `until`; in the latter case time then stands at `until`. Without
   * `until` a program whose timers never end runs into the event limit.
   */
  run(until: Instant = NEVER): void {
    if (this.#running)
      throw new Error('the virtual clock is running already: an event must not run the clock');
    this.#running = true;
    try {
      for (let count = 0; this.nextEvent <= until && this.#runNext(); count++) {
        if (count >= this.#maxEvents) throw new Error(this.#endless(`${count} events in one run`));
      }
    } finally {
      this.#running = false;
    }
    if (this.pending > 0) this.#moveTo(until);
  }

  /** Runs all events up to and including `at`; time then stands at `at`, whether or not anything happened. */
  advanceTo(at: Instant): void {
    if (!(at >= this.#now) || at === NEVER)
      throw new RangeError(`time cannot move from ${this.#now} µs to ${at} µs`);
    this.run(at);
    this.#moveTo(at);
  }

  #schedule(event: ScheduledEvent, at: Instant): void {
    if (Number.isNaN(at)) throw new RangeError('an event needs an instant, got NaN');
    if (at === NEVER) return this.#events.remove(event);
    event.at = at < this.#now ? this.#now : at;
    // 32 drawn bits above 20 that keep the order total.
    const drawn = this.#shuffle === undefined ? 0 : this.#shuffle.u32() * 0x10_0000;
    event.order = this.#shuffle === undefined ? this.#scheduled : drawn + (this.#scheduled % 0x10_0000);
    this.#scheduled += 1;
    this.#events.put(event);
  }

  #runNext(): boolean {
    const event = this.#events.pop();
    if (event === undefined) return false;
    this.#moveTo(event.at as Instant);
    this.#eventsNow += 1;
    if (this.#eventsNow > this.#maxEventsPerInstant) {
      throw new Error(this.#endless(`${this.#maxEventsPerInstant} events at one instant`));
    }
    event.task();
    return true;
  }

  #moveTo(at: Instant): void {
    if (at <= this.#now) return;
    this.#now = at;
    this.#eventsNow = 0;
  }

  #endless(what: string): string {
    return (
      `${what}: taken for an endless loop at ${this.#now} µs with ${this.pending} events pending; ` +
      'end the run with run(until), or raise maxEvents and maxEventsPerInstant'
    );
  }
}
