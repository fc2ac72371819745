import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import { install } from '@sinonjs/fake-timers';
import { type Alarm, type Instant, NEVER } from '../../stack/time.ts';
import type { VirtualClock } from '../virtual-clock.ts';

/** What was taken over, and how it is given back. */
export interface InstalledTimers {
  /** After the program has run: its next timer takes its place among the world's events. */
  arm(): void;
  /** How many timers wait. */
  pending(): number;
  /** The real monotonic time in milliseconds. */
  realNow(): number;
  restore(): void;
}

type FakeClock = ReturnType<typeof install>;

/** The library's queue of timers: the one thing of its inside that we look at, since it does not tell when the next is due. */
interface TimerQueue {
  readonly timerHeap?: { peek(): { readonly callAt: number } | undefined };
}

/** A timer as programs hold it. */
interface Timer {
  refresh(): unknown;
}

type SetTimer = (callback: (...given: unknown[]) => void, delay?: unknown, ...given: unknown[]) => Timer;

const realPerformanceNow = performance.now.bind(performance);

/**
 * Puts the process's timers and `Date` under `clock`. The library keeps the timers; its time is read from `clock`, and its
 * next timer is an alarm there, so each timer has its place among the world's events.
 */
export function installFakeTimers(clock: VirtualClock, epoch: number): InstalledTimers {
  if ('isFake' in Date) throw new Error("something else fakes this process's timers: vi.useFakeTimers()?");
  const fake = install({
    now: epoch,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    shouldClearNativeTimers: true,
  });
  const timers = new ProgramTimers(clock, fake, epoch);
  const giveBack = [takeMeasures(clock), takeWaits()];
  syncBuiltinESMExports(); // so that `import { setTimeout } from 'node:timers'` sees them as well
  return {
    arm: () => timers.arm(),
    pending: () => fake.countTimers(),
    realNow: realPerformanceNow,
    restore: () => {
      timers.end();
      for (const each of giveBack) each();
      fake.uninstall();
      syncBuiltinESMExports();
    },
  };
}

/** The library's timers as events of the world's clock. */
class ProgramTimers {
  readonly #clock: VirtualClock;
  readonly #fake: FakeClock;
  readonly #epoch: number;
  readonly #alarm: Alarm;
  /** The library remembers on its functions what it has to give back. */
  readonly #unwrap: () => void;
  #ended: boolean = false;

  constructor(clock: VirtualClock, fake: FakeClock, epoch: number) {
    this.#clock = clock;
    this.#fake = fake;
    this.#epoch = epoch;
    this.#alarm = clock.alarm(() => {
      fake.next();
    });
    // The library assigns its time when it runs a timer: to an instant that the world has reached already.
    Object.defineProperty(fake, 'now', { get: () => this.#milliseconds(), set: () => {} });
    const own = fake as unknown as { setTimeout: SetTimer; setInterval: SetTimer };
    const { setTimeout: later, setInterval: every } = own;
    own.setTimeout = this.#wrapped(later, () => globalThis.setTimeout as unknown as SetTimer);
    own.setInterval = this.#wrapped(every, () => globalThis.setInterval as unknown as SetTimer);
    this.#unwrap = () => Object.assign(own, { setTimeout: later, setInterval: every });
  }

  /** Puts the alarm where the next timer is. */
  arm(): void {
    const next = (this.#fake as unknown as TimerQueue).timerHeap?.peek();
    this.#alarm.set(next === undefined ? NEVER : (((next.callAt - this.#epoch) * 1000) as Instant));
  }

  end(): void {
    this.#ended = true;
    this.#unwrap();
    this.#alarm.clear();
  }

  #milliseconds(): number {
    return this.#epoch + Math.floor(this.#clock.now() / 1000);
  }

  /**
   * As in Node, less than a millisecond is one: so a loop of short waits moves time on. A timer that a library keeps beyond the
   * run (undici does) and refreshes in a later one is set anew with the timers of that time.
   */
  #wrapped(set: SetTimer, successor: () => SetTimer): SetTimer {
    return (callback, delay, ...given) => {
      const length = Number(delay) >= 1 ? Number(delay) : 1;
      const timer = set(callback, length, ...given);
      const refresh = timer.refresh.bind(timer);
      let later: Timer | undefined;
      timer.refresh = () => {
        if (!this.#ended) {
          refresh();
          return timer;
        }
        globalThis.clearTimeout(later as unknown as NodeJS.Timeout | undefined);
        later = successor()(callback, length, ...given);
        return timer;
      };
      return timer;
    };
  }
}

/** `performance.now` and `process.hrtime` in the world's time; returns what gives them back. */
function takeMeasures(clock: VirtualClock): () => void {
  const { hrtime } = process;
  const nanoseconds = (): bigint => BigInt(clock.now()) * 1000n;
  const virtual = (before?: [number, number]): [number, number] => {
    const since = before === undefined ? 0n : BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]);
    const passed = nanoseconds() - since;
    const rest = ((passed % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    return [Number((passed - rest) / 1_000_000_000n), Number(rest)];
  };
  process.hrtime = Object.assign(virtual, { bigint: nanoseconds });
  const giveBack = replace(performance, 'now', () => clock.now() / 1000);
  return () => {
    process.hrtime = hrtime;
    giveBack();
  };
}

/** Waits that Node makes with timers inside it, made with the ones that were taken over. */
function takeWaits(): () => void {
  const wait = (delay?: number, options?: { readonly signal?: AbortSignal }): Promise<void> =>
    timersPromises.setTimeout(delay, undefined, options);
  const timeout = (delay: number): AbortSignal => {
    const controller = new AbortController();
    const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    setTimeout(() => controller.abort(late), delay);
    return controller.signal;
  };
  const giveBack = [
    replace(timersPromises.scheduler, 'wait', wait),
    replace(AbortSignal, 'timeout', timeout),
  ];
  return () => {
    for (const each of giveBack) each();
  };
}

/** Puts `value` in the place of a property, own or inherited; returns what undoes it. */
function replace(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, writable: true, enumerable: true, value });
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
