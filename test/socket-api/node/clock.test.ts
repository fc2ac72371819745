import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SystemScheduler } from '../../../socket-api/node/clock.ts';
import { after, ms, NEVER, seconds, us, type Duration, type Instant } from '../../../stack/time.ts';

describe("the system's clock", () => {
  it('counts whole microseconds since 1970 and never goes back', () => {
    const clock = new SystemScheduler();
    let last = clock.now();
    expect(Math.abs(last / 1000 - Date.now())).toBeLessThan(1000);
    for (let reading = 0; reading < 1000; reading++) {
      const now = clock.now();
      expect(Number.isSafeInteger(now)).toBe(true);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});

describe('an alarm that keeps no process alive', () => {
  it('goes off all the same when its time has passed already, and nothing but a far timer keeps the process', async () => {
    const scheduler = new SystemScheduler();
    const far = setTimeout(() => undefined, 5_000);
    const began = scheduler.now();
    const firedAt = await new Promise<Instant>((resolve) => {
      const alarm = scheduler.alarm(() => resolve(scheduler.now()));
      alarm.hold(false);
      alarm.set(began);
    });
    clearTimeout(far);
    expect(firedAt - began).toBeLessThan(ms(2_500));
  });
});

describe('soon', () => {
  it('runs tasks in order, after all promise continuations of the turn and before timers and I/O', async () => {
    const scheduler = new SystemScheduler();
    const seen: string[] = [];
    const immediate = new Promise<void>((resolve) => {
      setImmediate(() => {
        seen.push('I/O');
        resolve();
      });
    });
    process.nextTick(() => seen.push('tick'));
    void Promise.resolve()
      .then(() => seen.push('promise'))
      .then(() => seen.push('its continuation'));
    scheduler.soon(() => {
      seen.push('first');
      scheduler.soon(() => seen.push('third'));
      void Promise.resolve().then(() => seen.push('promise of the first'));
    });
    scheduler.soon(() => seen.push('second'));
    seen.push('turn');
    await immediate;
    const expected = 'turn, tick, promise, its continuation, first, second, promise of the first, third, I/O';
    expect(seen.toSorted()).toEqual(expected.split(', ').toSorted());
    expect(seen.filter((word) => word !== 'tick').join(', ')).toBe(expected.replace(' tick,', ''));
  });

  it('still runs the other tasks when one throws', async () => {
    const scheduler = new SystemScheduler();
    const seen: string[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => seen.push(error.message));
    scheduler.soon(() => {
      throw new Error('thrown');
    });
    scheduler.soon(() => seen.push('after'));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(seen).toEqual(['thrown', 'after']);
  });
});

describe('an alarm', () => {
  let scheduler: SystemScheduler;
  let fired: number[];
  let timeouts: ReturnType<typeof vi.spyOn>;
  const inFuture = (by: Duration): Instant => after(scheduler.now(), by);

  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
    scheduler = new SystemScheduler();
    fired = [];
    timeouts = vi.spyOn(globalThis, 'setTimeout');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('goes off at its deadline, never before, and once', () => {
    const start = scheduler.now();
    const alarm = scheduler.alarm(() => fired.push(scheduler.now() - start));
    alarm.set(inFuture(us(2_300)));
    vi.advanceTimersByTime(2);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([3_000]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('needs no new timer when its deadline moves to later, however often', () => {
    const start = scheduler.now();
    const alarm = scheduler.alarm(() => fired.push(scheduler.now() - start));
    for (let moved = 0; moved < 100; moved++) alarm.set(inFuture(us(200_000 + moved * 1000)));
    expect(timeouts).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(298);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual([299_000]);
    expect(timeouts).toHaveBeenCalledTimes(2);
  });

  it('moves to an earlier deadline', () => {
    const start = scheduler.now();
    const alarm = scheduler.alarm(() => fired.push(scheduler.now() - start));
    alarm.set(inFuture(seconds(10)));
    alarm.set(inFuture(ms(5)));
    vi.advanceTimersByTime(20_000);
    expect(fired).toEqual([5_000]);
  });

  it('goes off after one more round of the event loop, without a millisecond of waiting, when its deadline has passed', () => {
    const alarm = scheduler.alarm(() => fired.push(0));
    alarm.set(inFuture(seconds(10)));
    alarm.set(inFuture(us(-1)));
    expect(fired).toEqual([]);
    vi.advanceTimersToNextTimer();
    vi.advanceTimersToNextTimer();
    expect(fired).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stays silent when cleared, and can be set again by its own task', () => {
    const start = scheduler.now();
    const alarm = scheduler.alarm(() => {
      fired.push(scheduler.now() - start);
      if (fired.length < 3) alarm.set(inFuture(ms(10)));
    });
    alarm.set(inFuture(ms(1)));
    alarm.clear();
    vi.advanceTimersByTime(100);
    expect(fired).toEqual([]);
    alarm.set(inFuture(ms(10)));
    alarm.set(NEVER);
    vi.advanceTimersByTime(100);
    expect(fired).toEqual([]);
    alarm.set(inFuture(ms(10)));
    vi.advanceTimersByTime(100);
    expect(fired).toEqual([210_000, 220_000, 230_000]);
  });

  it('lets the devices be read first when the process was busy past the deadline', () => {
    const immediates = vi.spyOn(globalThis, 'setImmediate');
    const alarm = scheduler.alarm(() => fired.push(0));
    alarm.set(inFuture(ms(2)));
    const late = performance.now() + 12; // the program computed for ten milliseconds too long
    vi.spyOn(performance, 'now').mockImplementation(() => late);
    vi.runOnlyPendingTimers();
    expect(fired).toEqual([]);
    expect(immediates).toHaveBeenCalledTimes(1);
    vi.runOnlyPendingTimers();
    expect(fired).toEqual([0]);
  });

  it('waits longer than one timer of Node can', () => {
    const alarm = scheduler.alarm(() => fired.push(0));
    alarm.set(inFuture(seconds(30 * 24 * 3600)));
    vi.advanceTimersByTime(29 * 24 * 3600 * 1000);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(24 * 3600 * 1000);
    expect(fired).toEqual([0]);
  });

  it('keeps the process alive only while it is set and held', () => {
    const alarm = scheduler.alarm(() => undefined);
    alarm.set(inFuture(ms(100)));
    const timer: NodeJS.Timeout = timeouts.mock.results[0]?.value;
    expect(timer.hasRef()).toBe(true);
    alarm.clear();
    expect(timer.hasRef()).toBe(false);
    alarm.set(inFuture(ms(200)));
    expect(timer.hasRef()).toBe(true);
    alarm.hold(false);
    expect(timer.hasRef()).toBe(false);
    alarm.set(inFuture(ms(50)));
    const earlier: NodeJS.Timeout = timeouts.mock.results[1]?.value;
    expect(earlier.hasRef()).toBe(false);
    alarm.hold(true);
    expect(earlier.hasRef()).toBe(true);
  });

  it('lets timers and I/O have their turn while tasks follow on tasks', async () => {
    vi.useRealTimers();
    let looked = false;
    setImmediate(() => {
      looked = true;
    });
    await new Promise<void>((done) => {
      const again = (): void => (looked ? done() : scheduler.soon(again));
      scheduler.soon(again);
    });
    expect(looked).toBe(true);
  });

  it('reads what has come meanwhile before an alarm that a long turn set too late [RFC 8985 7.2]', async () => {
    vi.useRealTimers();
    const [first, second] = [createSocket('udp4'), createSocket('udp4')];
    for (const each of [first, second]) await new Promise<void>((done) => each.bind(0, '127.0.0.1', done));
    const order: string[] = [];
    await new Promise<void>((done) => {
      const both = (what: string): void => void (order.push(what) === 2 && done());
      const alarm = scheduler.alarm(() => both('alarm'));
      second.on('message', () => both('message'));
      first.on('message', () => {
        // A turn: an answer is on its way when the deadline, counted from the turn's beginning, has passed already.
        first.send('x', second.address().port, '127.0.0.1');
        alarm.set(after(scheduler.now(), us(-1_000)));
      });
      first.send('x', first.address().port, '127.0.0.1');
    });
    first.close();
    second.close();
    expect(order).toEqual(['message', 'alarm']);
  });
});
