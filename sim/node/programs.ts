/**
 * Real Node programs in the virtual world: their timers and their `Date` follow the world's clock, and time moves on only when
 * the program has nothing left to do. `docs/real-programs.md` says what stays outside.
 */

import { type Instant, NEVER, after, seconds } from '../../stack/time.ts';
import type { Duration } from '../../stack/time.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { installFakeTimers, type InstalledTimers } from './programs-timers.ts';
import { Quiescence } from './programs-quiescence.ts';

/** As much of a world as programs need. */
export interface ProgramWorld {
  readonly clock: VirtualClock;
  /** Runs the next event, with the world's own checks; without it the clock is asked. */
  step?(): boolean;
}

/** How programs run; every field has a default. */
export interface ProgramOptions {
  /** What the world's instant 0 is for `Date`, in milliseconds since 1970; the beginning of 2026. */
  readonly epoch?: number | undefined;
  /** A program that has not ended after so much virtual time has failed; an hour. */
  readonly limit?: Duration | undefined;
  /** The same in real milliseconds, against endless loops; 60,000. */
  readonly realLimit?: number | undefined;
}

const BEGINNING_OF_2026 = 1_767_225_600_000;

/** Somebody has this process's timers; nobody else can have them then. */
let taken: boolean = false;

/**
 * This process's timers and `Date` under the world's clock, until `restore()`. Most often `runProgram` is what is wanted.
 */
export class ProgramTime implements Disposable {
  readonly #world: ProgramWorld;
  readonly #clock: VirtualClock;
  readonly #timers: InstalledTimers;
  readonly #quiescence: Quiescence = new Quiescence();
  readonly #realLimit: number;
  /** Work outside the world that time waits for. */
  #outside: number = 0;
  #moving: boolean = false;
  #restored: boolean = false;

  /** Takes the timers over. Throws if somebody has them already: this process has one set of timers. */
  constructor(world: ProgramWorld, options: ProgramOptions = {}) {
    if (taken) {
      throw new Error(
        'the timers of this process belong to another world now: run programs one after the other, and restore() each',
      );
    }
    this.#world = world;
    this.#clock = world.clock;
    this.#realLimit = options.realLimit ?? 60_000;
    this.#timers = installFakeTimers(world.clock, options.epoch ?? BEGINNING_OF_2026);
    taken = true;
  }

  /** How many timers of the program are waiting. */
  get pendingTimers(): number {
    return this.#timers.pending();
  }

  /** Lets the program run until it has nothing left to do at this instant. Time stands still. */
  async settle(): Promise<void> {
    do await this.#quiescence.settle();
    while (this.#outside > 0);
    this.#timers.arm();
  }

  /** Settles, and takes one event: of the world or a timer of the program. False: there is none until `until`. */
  async step(until: Instant = NEVER): Promise<boolean> {
    return this.#exclusively(() => this.#step(until));
  }

  /** Lets time pass up to `until`, with all that happens meanwhile; at the end everything is settled. */
  async run(until: Instant): Promise<void> {
    await this.#exclusively(async () => {
      await this.#runWhile(() => true, until);
      if (this.#clock.now() < until) this.#clock.advanceTo(until);
      await this.settle();
    });
  }

  /** Lets time pass until `promise` has settled; rejects if it rejects, or if it never will. */
  async until<T>(promise: Promise<T>, limit: Duration = seconds(3_600)): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const deadline = after(this.#clock.now(), limit);
    await this.#exclusively(() => this.#runWhile(() => !settled, deadline));
    if (!settled) throw new Error(this.#whyNot(deadline, limit));
    return promise;
  }

  /**
   * Stops time while something outside the world is under way (a file, a child process, a thread): `await time.outside(readFile(…))`.
   * File and name look-ups are waited for anyway.
   */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await work;
    } finally {
      this.#outside -= 1;
    }
  }

  /** Gives the process its timers back; twice is fine. Timers that were not due yet are forgotten. */
  restore(): void {
    if (this.#restored) return;
    this.#restored = true;
    taken = false;
    this.#timers.restore();
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#restored) throw new Error('these timers were given back: take them over again');
    if (this.#moving) throw new Error('time is being moved already: a program waits, it does not move time');
    this.#moving = true;
    try {
      return await work();
    } finally {
      this.#moving = false;
    }
  }

  async #runWhile(wanted: () => boolean, until: Instant): Promise<void> {
    const began = this.#timers.realNow();
    for (;;) {
      await this.settle();
      if (!wanted() || this.#clock.nextEvent > until || this.#clock.pending === 0) return;
      this.#event();
      if (this.#timers.realNow() - began > this.#realLimit) {
        throw new Error(
          `the program ran for ${this.#realLimit} real milliseconds and is at ${this.#clock.now()} µs`,
        );
      }
    }
  }

  async #step(until: Instant): Promise<boolean> {
    await this.settle();
    if (this.#clock.pending === 0 || this.#clock.nextEvent > until) return false;
    this.#event();
    await this.settle();
    return true;
  }

  #event(): void {
    if (this.#world.step === undefined) this.#clock.step();
    else this.#world.step();
  }

  #whyNot(deadline: Instant, limit: Duration): string {
    const now = `${this.#clock.now() / 1e6} s`;
    if (this.#clock.pending === 0)
      return `the program waits for something that cannot come: at ${now} no timer and no packet is left`;
    return (
      `the program has not ended within ${limit / 1e6} s of virtual time: at ${now} the next event is due at ` +
      `${this.#clock.nextEvent / 1e6} s (limit ${deadline / 1e6} s), ${this.pendingTimers} timers wait`
    );
  }
}

/**
 * Runs `program` in `world` until its promise settles, and gives the process its timers back whatever happens. Sockets and timers
 * that it leaves behind are its own to close: what a library keeps at module level outlives the run.
 */
export async function runProgram<T>(
  world: ProgramWorld,
  program: (time: ProgramTime) => Promise<T> | T,
  options: ProgramOptions = {},
): Promise<T> {
  const time = new ProgramTime(world, options);
  try {
    const promise = (async () => program(time))();
    return await time.until(promise, options.limit);
  } finally {
    time.restore();
  }
}
