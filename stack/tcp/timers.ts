import { type Instant, NEVER } from '../time.ts';
import type { TimerName } from '../trace.ts';

/** In the order in which timers that are due at the same instant go off: a probe that the RTO bounds goes instead of it [RFC 8985 7.2]. */
const NAMES: readonly TimerName[] = [
  'loss-probe',
  'retransmission',
  'reordering',
  'pacing',
  'persist',
  'delayed-ack',
  'override',
  'keepalive',
  'user-timeout',
  'fin-wait-2',
  'time-wait',
];

/** Who is told of each change of a timer. */
export interface TimerObserver {
  timerChanged(timer: TimerName, action: 'set' | 'cleared' | 'fired', deadline?: Instant): void;
}

/**
 * The timers of one connection: a table of named deadlines [RFC 9293 3.10.8]. Setting one stores a number; nothing is called
 * back. Whoever owns the connection asks `next` when to look again and `due` what has passed.
 */
export class Timers {
  readonly #deadlines: number[] = NAMES.map(() => NEVER);
  readonly #observer: TimerObserver;
  #next: Instant = NEVER;

  constructor(observer: TimerObserver) {
    this.#observer = observer;
  }

  /** Sets or moves `timer`. */
  set(timer: TimerName, deadline: Instant): void {
    const index = NAMES.indexOf(timer);
    const before = this.#deadlines[index];
    if (before === deadline) return;
    this.#deadlines[index] = deadline;
    if (deadline <= this.#next) this.#next = deadline;
    else if (before === this.#next) this.#findNext();
    this.#observer.timerChanged(timer, 'set', deadline);
  }

  /** Takes up a deadline that was set before: nobody is told. */
  restore(timer: TimerName, deadline: Instant): void {
    this.#deadlines[NAMES.indexOf(timer)] = deadline;
    this.#findNext();
  }

  /** Stops `timer`; fine if it does not run. */
  clear(timer: TimerName): void {
    const index = NAMES.indexOf(timer);
    const before = this.#deadlines[index];
    if (before === NEVER) return;
    this.#deadlines[index] = NEVER;
    if (before === this.#next) this.#findNext();
    this.#observer.timerChanged(timer, 'cleared');
  }

  /** Stops all timers but `except`. */
  clearAll(except?: TimerName): void {
    for (const name of NAMES) if (name !== except) this.clear(name);
  }

  isSet(timer: TimerName): boolean {
    return this.deadline(timer) !== NEVER;
  }

  /** When `timer` is due; `NEVER` if it does not run. */
  deadline(timer: TimerName): Instant {
    return (this.#deadlines[NAMES.indexOf(timer)] ?? NEVER) as Instant;
  }

  /** The earliest deadline. */
  get next(): Instant {
    return this.#next;
  }

  /** Takes the next timer that is due at `now` out of the table; undefined if none is. */
  due(now: Instant): TimerName | undefined {
    if (this.#next > now) return undefined;
    const index = this.#deadlines.indexOf(this.#next);
    const name = NAMES[index];
    if (name === undefined) return undefined;
    this.#deadlines[index] = NEVER;
    this.#findNext();
    this.#observer.timerChanged(name, 'fired');
    return name;
  }

  #findNext(): void {
    let next: number = NEVER;
    for (const deadline of this.#deadlines) if (deadline < next) next = deadline;
    this.#next = next as Instant;
  }
}
