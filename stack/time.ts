/**
 * Time as the stack sees it: whole microseconds, given from outside. The stack never reads a clock.
 */

declare const instant: unique symbol;
declare const duration: unique symbol;

/** A point in time: whole microseconds since an epoch that the clock chose. Never negative. */
export type Instant = number & { readonly [instant]: true };

/** A length of time in whole microseconds. */
export type Duration = number & { readonly [duration]: true };

/** The deadline that never comes. */
export const NEVER: Instant = Number.POSITIVE_INFINITY as Instant;

/** `n` microseconds, rounded to a whole number. */
export function us(n: number): Duration {
  return Math.round(n) as Duration;
}

/** `n` milliseconds. */
export function ms(n: number): Duration {
  return us(n * 1_000);
}

/** `n` seconds. */
export function seconds(n: number): Duration {
  return us(n * 1_000_000);
}

/** The instant that lies `by` after `from`. */
export function after(from: Instant, by: Duration): Instant {
  return (from + by) as Instant;
}

/** How long it is from `from` to `to`; negative if `to` is the earlier one. */
export function between(from: Instant, to: Instant): Duration {
  return (to - from) as Duration;
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

/** Reads the time. Real clocks live in `socket-api/node/`, virtual ones in `sim/`. */
export interface Clock {
  /** The present instant; never goes back. */
  now(): Instant;
}

/** One wake-up that can be moved: a host keeps a single one for all its deadlines. */
export interface Alarm {
  /** Wakes at `at`, or as soon as possible if that has passed. Replaces the earlier setting. */
  set(at: Instant): void;
  /** No wake-up until `set` is called again. */
  clear(): void;
  /** Whether a set alarm keeps the process alive (`true` at first). Without a process: no effect. */
  hold(keepAlive: boolean): void;
}

/** Where the stack gets its turns from. */
export interface Scheduler extends Clock {
  /** Runs `task` once, after the present turn of the program and before time moves on. */
  soon(task: () => void): void;
  /** An alarm that runs `task` each time it goes off. */
  alarm(task: () => void): Alarm;
}
