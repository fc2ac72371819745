import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as namedTimeout } from 'node:timers';
import { scheduler, setInterval as intervals, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { afterEach, expect, it, vi } from 'vitest';
import { ProgramTime, runProgram } from '../../../sim/node/programs.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';

const real = { setTimeout, clearTimeout, setInterval, clearInterval, Date, hrtime: process.hrtime };
const realNow = performance.now;
const LONG = { limit: seconds(200_000) };
const EPOCH = Date.UTC(2026, 0, 1);

/** Nothing of a world is left in the process. */
function expectRealTime(): void {
  const now = {
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    Date: globalThis.Date,
    hrtime: process.hrtime,
  };
  expect(now).toEqual(real);
  expect(globalThis.Date).toBe(real.Date);
  expect(performance.now).toBe(realNow);
  expect(namedTimeout).toBe(real.setTimeout);
}

afterEach(expectRealTime);

const world = (): { readonly clock: VirtualClock } => ({ clock: new VirtualClock() });

it('timers, Date, performance and hrtime follow the world', async () => {
  const seen = await runProgram(
    world(),
    async () => {
      const before = process.hrtime();
      await new Promise((resolve) => setTimeout(resolve, 90_061_500));
      return [Date.now() - EPOCH, new Date().toISOString(), performance.now(), process.hrtime(before)];
    },
    LONG,
  );
  expect(seen).toEqual([90_061_500, '2026-01-02T01:01:01.500Z', 90_061_500, [90_061, 500_000_000]]);
});

it('named imports of node:timers and node:timers/promises are reached, and util.promisify', async () => {
  const seen = await runProgram(world(), async () => {
    await new Promise<void>((resolve) => namedTimeout(() => resolve(), 10_000));
    const first = performance.now();
    await pause(20_000);
    await promisify(setTimeout)(30_000);
    let beats = 0;
    for await (const _ of intervals(1_000)) {
      beats += 1;
      if (beats === 3) break;
    }
    return [first, performance.now()];
  });
  expect(seen).toEqual([10_000, 63_000]);
});

it('what is taken out of node:timers before, by require, stays outside', async () => {
  const { setTimeout: taken } = createRequire(import.meta.url)('node:timers') as typeof import('node:timers');
  expect(taken).toBe(real.setTimeout);
  const time = new ProgramTime(world());
  expect(taken).not.toBe(setTimeout);
  time.restore();
});

it('AbortSignal.timeout and scheduler.wait, which Node makes with timers inside it', async () => {
  const timeout = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout');
  const seen = await runProgram(world(), async () => {
    const signal = AbortSignal.timeout(1_000);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    await aborted;
    const at = performance.now();
    await scheduler.wait(2_000);
    return [at, String(signal.reason), performance.now()];
  });
  expect(seen).toEqual([1_000, 'TimeoutError: The operation was aborted due to timeout', 3_000]);
  expect(Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')).toEqual(timeout);
  expect(Object.hasOwn(scheduler, 'wait')).toBe(false);
});

it('marks, events and the uptime stay outside', async () => {
  const before = process.uptime() * 1_000;
  const [mark, event, uptime] = await runProgram(world(), async () => {
    await pause(1_000_000);
    return [performance.mark('here').startTime, new Event('x').timeStamp, process.uptime() * 1_000];
  });
  for (const outside of [mark, event, uptime]) expect(outside).toBeLessThan(before + 60_000);
});

it('timers have their place among the events of the world', async () => {
  const { clock } = world();
  const log: string[] = [];
  const note = (what: string) => log.push(`${performance.now()} ${what}`);
  await runProgram({ clock }, async () => {
    clock.at(ms(5) as unknown as Instant, () => note('event'));
    clock.at(ms(15.25) as unknown as Instant, () => {
      note('event');
      setTimeout(() => note('timer set by the event'), 2);
    });
    setTimeout(() => {
      note('timer');
      void Promise.resolve().then(() => note('its promise'));
      setImmediate(() => setImmediate(() => note('its immediates')));
      clock.soon(() => note('event of the same instant'));
    }, 10);
    setTimeout(() => note('second timer'), 10);
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  expect(log).toEqual([
    '5 event',
    '10 timer',
    '10 its promise',
    '10 its immediates',
    '10 event of the same instant',
    '10 second timer',
    '15.25 event',
    '17 timer set by the event',
  ]);
});

it('as in Node, a wait of 0 is one of a millisecond, so time moves on', async () => {
  const passed = await runProgram(world(), async () => {
    for (let count = 0; count < 100; count++) await new Promise((resolve) => setTimeout(resolve, 0));
    return performance.now();
  });
  expect(passed).toBe(100);
});

it('time waits for files, and for what the program names', async () => {
  const passed = await runProgram(world(), async (time) => {
    setInterval(() => undefined, 1);
    await readFile(new URL(import.meta.url));
    const afterFile = performance.now();
    await time.outside(promisify(gzip)(Buffer.alloc(1_000_000)));
    return [afterFile, performance.now()];
  });
  expect(passed).toEqual([0, 0]);
});

it('a timer can be refreshed and cleared; one kept from an earlier run is set anew', async () => {
  let kept: NodeJS.Timeout | undefined;
  let fired = 0;
  await runProgram(world(), async () => {
    kept = setTimeout(() => (fired += 1), 1_000);
    await pause(900);
    kept.refresh();
    await pause(900);
    expect(fired).toBe(0);
    await pause(200);
    expect(fired).toBe(1);
    clearTimeout(setTimeout(() => (fired += 1), 10));
    await pause(100);
  });
  await runProgram(world(), async () => {
    kept?.refresh();
    await pause(999);
    expect(fired).toBe(1);
    await pause(2);
    expect(fired).toBe(2);
  });
});

it('a failing program gives the timers back: thrown, rejected, in a timer', async () => {
  const fail = (): never => {
    throw new Error('fault');
  };
  await expect(runProgram(world(), fail)).rejects.toThrow('fault');
  expectRealTime();
  await expect(runProgram(world(), async () => fail())).rejects.toThrow('fault');
  expectRealTime();
  const inTimer = runProgram(world(), () => new Promise(() => setTimeout(fail, 5)));
  await expect(inTimer).rejects.toThrow('fault');
});

it('a program that waits for nothing fails at once, one that waits for ever at its limit', async () => {
  await expect(runProgram(world(), () => new Promise(() => undefined))).rejects.toThrow(
    'the program waits for something that cannot come: at 0 s no timer and no packet is left',
  );
  const endless = runProgram(world(), () => new Promise(() => setInterval(() => undefined, 60_000)), {
    limit: seconds(600),
  });
  await expect(endless).rejects.toThrow('the program has not ended within 600 s of virtual time: at 600 s');
});

it('an endless loop of immediates, or of timers, ends', async () => {
  const spin = (): void => void setImmediate(spin);
  let stop = false;
  const turning = runProgram(world(), () => {
    const again = (): void => void (stop || setImmediate(again));
    again();
  });
  await expect(turning).rejects.toThrow('endless setImmediate?');
  stop = true;
  expect(spin).toBeTypeOf('function');
  const ticking = runProgram(world(), () => new Promise(() => setInterval(() => undefined, 1)), {
    realLimit: 50,
  });
  await expect(ticking).rejects.toThrow('the program ran for 50 real milliseconds');
});

it('one world at a time', async () => {
  await runProgram(world(), async (time) => {
    await expect(runProgram(world(), () => 1)).rejects.toThrow('belong to another world');
    await expect(time.run(seconds(1) as unknown as Instant)).rejects.toThrow('time is being moved already');
  });
  using time = new ProgramTime(world());
  await expect(runProgram(world(), () => 1)).rejects.toThrow('belong to another world');
  time.restore();
  await expect(time.run(seconds(1) as unknown as Instant)).rejects.toThrow('given back');
  expect(await runProgram(world(), () => 1)).toBe(1);
});

it('not together with the fake timers of the test runner', async () => {
  vi.useFakeTimers();
  try {
    await expect(runProgram(world(), () => 1)).rejects.toThrow('vi.useFakeTimers()');
  } finally {
    vi.useRealTimers();
  }
});

it('by hand: settle, step, run', async () => {
  const { clock } = world();
  using time = new ProgramTime({ clock });
  const log: number[] = [];
  setInterval(() => log.push(performance.now()), 1_000);
  await time.settle();
  expect(log).toEqual([]);
  expect(await time.step()).toBe(true);
  expect(log).toEqual([1_000]);
  await time.run(seconds(3.5) as unknown as Instant);
  expect(log).toEqual([1_000, 2_000, 3_000]);
  expect(clock.now()).toBe(3_500_000);
  expect(await time.step(seconds(3.9) as unknown as Instant)).toBe(false);
  expect(time.pendingTimers).toBe(1);
});
