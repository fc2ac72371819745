import { describe, expect, it } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { impair } from '../../../sim/link/impair-layer.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { dropFrames } from '../../../sim/rules.ts';
import { type Instant, ms, us } from '../../../stack/time.ts';
import { BenchLink, packet } from './bench-link.ts';

const at = (microseconds: number): Instant => microseconds as Instant;

describe('schedules', () => {
  it('goes down and up again, both ways or one', () => {
    const bench = new BenchLink({ delay: us(10) });
    bench.link.down(at(1_000), at(3_000), 'a→b');
    bench.send(5, { gap: 1_000 });
    bench.send(5, { gap: 1_000, end: 1 });
    bench.run();
    expect(bench.numbers).toEqual([0, 3, 4]);
    expect(bench.back.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
    expect(bench.losses).toEqual({ LINK_DOWN: 2 });
  });

  it('changes its rate at a time', () => {
    const bench = new BenchLink({ rate: { bitsPerSecond: 800_000 } });
    bench.link.change(at(5_000), { rate: { bitsPerSecond: 8_000_000 } });
    bench.send(10);
    bench.run();
    expect(bench.there.map(({ at: when }) => when)).toEqual([
      1_000, 2_000, 3_000, 4_000, 5_000, 5_100, 5_200, 5_300, 5_400, 5_500,
    ]);
  });

  it('clogs: what enters is held, and let go in order', () => {
    const bench = new BenchLink();
    bench.link.clog(at(0), at(10_000));
    bench.send(3, { gap: 1_000 });
    bench.run(9_000);
    expect([bench.numbers, bench.link.carried]).toEqual([[], 3]);
    bench.link['a→b'].gate.release(undefined, 1);
    bench.run(9_500);
    expect(bench.numbers).toEqual([0]);
    bench.run();
    expect(bench.there.map(({ at: when, number }) => [when, number])).toEqual([
      [9_000, 0],
      [10_000, 1],
      [10_000, 2],
    ]);
  });
});

describe('a path MTU', () => {
  it('with ICMP: tells who may not fragment', () => {
    const bench = new BenchLink({ 'a→b': { pathMtu: { bytes: 600, tooBig: 'icmp' } } });
    bench.send(1, { size: 600 });
    bench.send(1, { size: 601, first: 1 });
    bench.run();
    expect(bench.numbers).toEqual([0]);
    expect(bench.losses).toEqual({ LINK_MTU: 1 });
    const icmp = bench.back[0]?.bytes ?? new Uint8Array();
    expect([icmp[9], icmp[20], icmp[21], (icmp[26] ?? 0) * 256 + (icmp[27] ?? 0)]).toEqual([1, 3, 4, 600]);
  });

  it('a black hole tells nobody', () => {
    const bench = new BenchLink({ pathMtu: { bytes: 600, tooBig: 'black-hole' } });
    bench.send(2, { size: 1000 });
    bench.run();
    expect([bench.there, bench.back]).toEqual([[], []]);
    expect(bench.losses).toEqual({ LINK_BLACK_HOLE: 2 });
  });
});

describe('rules', () => {
  it('drop, hold, delay, duplicate and change single packets, and count', () => {
    const bench = new BenchLink({ delay: us(100) });
    const drops = bench.link.rule({ name: 'third', nth: 3 });
    const holds = bench.link.rule({ name: 'hold', match: ({ index }) => index === 4, verdict: 'hold' });
    const late = bench.link.rule({
      name: 'late',
      match: ({ index }) => index === 5,
      verdict: { delay: ms(3) },
    });
    bench.link.rule({ name: 'twice', match: ({ index }) => index === 6, verdict: { duplicate: 1 } });
    const edit = bench.link.rule({
      name: 'edit',
      match: ({ index }) => index === 7,
      verdict: { edit: ({ packet }) => packet.view.setUint32(packet.head + 28, 77) },
    });
    bench.send(9, { gap: 1_000 });
    bench.run(20_000);
    expect(bench.numbers).toEqual([0, 1, 3, 6, 6, 77, 5, 8]);
    expect([drops.matched, drops.fired, holds.fired, late.fired, edit.fired]).toEqual([9, 1, 1, 1, 1]);
    holds.release();
    bench.run();
    expect(bench.numbers.at(-1)).toBe(4);
  });

  it('lifted, does nothing more; every n-th, so many times', () => {
    const bench = new BenchLink();
    const every = bench.link.rule({ name: 'every second', every: 2, times: 3 });
    bench.send(10, { gap: 10 });
    bench.run();
    expect(bench.missing(10)).toEqual([1, 3, 5]);
    every.lift();
    const first = bench.link.rule({ name: 'first' });
    bench.send(1, { first: 10 });
    bench.run();
    first.lift();
    bench.send(1, { first: 11 });
    bench.run();
    expect(bench.missing(12)).toEqual([1, 3, 5, 10]);
  });

  it('complain if they never struck, and name themselves if their matcher throws', () => {
    const bench = new BenchLink();
    const never = bench.link.rule({ name: 'never', match: () => false });
    const tooFar = bench.link.rule({ name: 'too far', every: 100 });
    const optional = bench.link.rule({ name: 'may', match: () => false, optional: true });
    bench.send(10);
    bench.run();
    expect(never.complaint()).toContain('"never" matched no packet');
    expect(tooFar.complaint()).toContain('waits for match 100, and there were 10');
    expect(optional.complaint()).toBeUndefined();
    bench.link.rule({
      name: 'broken',
      match: () => {
        throw new Error('oh');
      },
    });
    bench.send(1);
    expect(() => bench.run()).toThrow('the matcher of rule "broken" failed at packet #10: Error: oh');
    expect(() => bench.link.rule({ name: 'none', nth: 0 })).toThrow('whole number from 1');
  });

  it('take faults of rules.ts', () => {
    const bench = new BenchLink();
    const lost = dropFrames('a→b', [1, 2]);
    bench.link.fault(lost);
    bench.send(4);
    bench.run();
    expect(bench.numbers).toEqual([0, 3]);
    lost.assertFired(2);
  });
});

describe('the plan', () => {
  const all = {
    delay: ms(5),
    loss: { model: 'independent', p: 0.1 },
    duplication: { p: 0.1, delay: us(50) },
    corruption: { p: 0.1 },
    jitter: { distribution: 'normal', spread: ms(1) },
    reordering: { p: 0.1, delay: ms(3) },
    rate: { bitsPerSecond: 800_000 },
    queue: { discipline: 'red', min: 2, max: 10, weight: 0.1 },
  } as const;
  const run = (bench: BenchLink): BenchLink => {
    bench.send(300, { gap: 950 });
    return bench.run();
  };

  it('followed instead of dice, gives the same run', () => {
    const first = run(new BenchLink(all));
    expect(new Set(first.plan.entries.map(({ kind }) => kind))).toEqual(
      new Set(['drop', 'corrupt', 'duplicate', 'delay', 'reorder', 'red']),
    );
    const plan = JSON.parse(JSON.stringify(first.plan.entries));
    const again = run(new BenchLink(all, 999, 'l', plan));
    expect(again.there).toEqual(first.there);
    expect(again.events).toEqual(first.events);
    expect(again.plan.entries).toEqual(first.plan.entries);
  });

  it('without one of its entries, only that one does not happen', () => {
    const first = run(new BenchLink({ loss: all.loss }));
    const [gone, ...rest] = first.plan.entries;
    const again = run(new BenchLink({ loss: all.loss }, 1, 'l', rest));
    expect(first.missing(300)).toHaveLength(rest.length + 1);
    expect(again.missing(300)).toEqual(first.missing(300).slice(1));
    expect(gone?.text).toContain('a→b #');
  });
});

describe('as a layer in front of any device', () => {
  it('impairs what goes out and what comes in, with the dice of a link of that name', () => {
    const clock = new VirtualClock();
    const [inner, far] = wire(clock, { names: ['tun0', 'far'] });
    const loss = { model: 'independent', p: 0.2 } as const;
    const near = impair({ scheduler: clock, seed: 1, out: { loss }, in: { delay: ms(7) } })(inner);
    const heard: number[] = [];
    const times: number[] = [];
    const numberOf = ({ view, head }: ReturnType<typeof packet>): number => view.getUint32(head + 28);
    far.attach({
      framesArrived: (frames) => heard.push(...frames.map(numberOf)),
      deviceClosed: () => undefined,
    });
    near.attach({ framesArrived: () => times.push(clock.now()), deviceClosed: () => undefined });
    for (let number = 0; number < 200; number++) near.transmit([packet(number)]);
    far.transmit([packet(0)]);
    clock.run();
    const bench = new BenchLink({ loss }, 1, 'tun0');
    bench.send(200);
    expect(heard).toEqual(bench.run().numbers);
    expect([near.name, near.mtu, times]).toEqual(['tun0', 1500, [7_000]]);
    near.close();
  });
});
