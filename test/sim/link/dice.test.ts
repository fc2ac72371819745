import { describe, expect, it } from 'vitest';
import { drawFrom } from '../../../sim/link/distribution.ts';
import type { LossModel } from '../../../sim/link/loss.ts';
import { KeyedDice } from '../../../sim/random.ts';
import { ms, us } from '../../../stack/time.ts';
import { BenchLink, statistics } from './bench-link.ts';

const N = 20_000;

/** Share of `N` packets that a model loses, and the mean length of a run of losses. */
function lossOf(
  model: LossModel,
  seed: number = 1,
): { rate: number; burst: number; lost: readonly number[] } {
  const bench = new BenchLink({ loss: model }, seed);
  bench.send(N, { gap: 1 });
  const lost = bench.run().missing(N);
  const runs = lost.filter((number, index) => lost[index - 1] !== number - 1).length;
  return { rate: lost.length / N, burst: lost.length / Math.max(1, runs), lost };
}

describe('loss', () => {
  it('independent: the rate is p, and losses come in ones', () => {
    const { rate, burst } = lossOf({ model: 'independent', p: 0.05 });
    expect(rate).toBeGreaterThan(0.045);
    expect(rate).toBeLessThan(0.055);
    expect(burst).toBeLessThan(1.15); // 1 / (1 - p) = 1.05
  });

  it('independent with correlation: the rate stays, the runs get longer', () => {
    const { rate, burst } = lossOf({ model: 'independent', p: 0.05, correlation: 0.5 });
    expect(rate).toBeGreaterThan(0.042);
    expect(rate).toBeLessThan(0.058);
    expect(burst).toBeGreaterThan(1.8); // 1 / ((1 - c)(1 - p)) = 2.1
    expect(burst).toBeLessThan(2.4);
  });

  it('Gilbert-Elliott: p / (p + r) of the time in the bad state, runs of 1 / r', () => {
    const { rate, burst } = lossOf({ model: 'gilbert-elliott', p: 0.01, r: 0.25 });
    expect(rate).toBeGreaterThan(0.031); // 0.0385
    expect(rate).toBeLessThan(0.046);
    expect(burst).toBeGreaterThan(3.4);
    expect(burst).toBeLessThan(4.6);
  });

  it('Gilbert-Elliott with losses in both states', () => {
    const model = { model: 'gilbert-elliott', p: 0.1, r: 0.1, lossInBad: 0.4, lossInGood: 0.02 } as const;
    const { rate } = lossOf(model);
    expect(rate).toBeGreaterThan(0.19); // (0.4 + 0.02) / 2
    expect(rate).toBeLessThan(0.23);
  });

  it('four states: bursts with good packets within, and single losses', () => {
    const alone = lossOf({ model: 'four-state', p13: 0, p31: 1, p14: 0.03 });
    expect(alone.rate).toBeGreaterThan(0.025); // p14 / (1 + p14)
    expect(alone.rate).toBeLessThan(0.033);
    expect(alone.burst).toBe(1); // state 4 leads back to 1
    const { rate, burst } = lossOf({ model: 'four-state', p13: 0.01, p31: 0.2, p32: 0.2, p23: 0.5 });
    // Stationary: π3 (1 + p32/p23 + p31/p13) = 1.
    expect(rate).toBeGreaterThan(0.038); // 0.0467
    expect(rate).toBeLessThan(0.056);
    expect(burst).toBeGreaterThan(2.1); // 1 / (p31 + p32) = 2.5
    expect(burst).toBeLessThan(2.9);
  });

  it('by list, every n-th, by predicate', () => {
    expect(lossOf({ model: 'list', indices: [3, 7, 19_999] }).lost).toEqual([3, 7, 19_999]);
    expect(lossOf({ model: 'every', n: 5000 }).lost).toEqual([4999, 9999, 14_999, 19_999]);
    const short = new BenchLink({ loss: { model: 'predicate', when: ({ length }) => length > 500 } });
    short.send(1, { size: 400 });
    short.send(1, { size: 600, first: 1 });
    expect(short.run().numbers).toEqual([0]);
    expect(() => new BenchLink({ loss: { model: 'every', n: 0 } })).toThrow('n has to be 1 or more');
  });
});

describe('streams of chance', () => {
  const lossy = { loss: { model: 'independent', p: 0.1 } } as const;
  const lost = (
    options: ConstructorParameters<typeof BenchLink>[0],
    seed?: number,
    name?: string,
  ): readonly number[] => {
    const bench = new BenchLink(options, seed, name);
    bench.send(500, { gap: 10 });
    bench.run();
    return bench.events.flatMap((event) => (event.type === 'link-loss' ? [event.index] : []));
  };

  it('no other dimension moves the losses', () => {
    const plain = lost(lossy);
    expect(plain.length).toBeGreaterThan(30);
    const duplicating = { ...lossy, duplication: { p: 0.5, copies: 2 } };
    expect(lost(duplicating)).toEqual(plain);
    const all = {
      ...duplicating,
      jitter: { distribution: 'normal', spread: us(500) },
      corruption: { p: 0.3 },
      reordering: { p: 0.2, delay: us(100) },
      rate: { bitsPerSecond: 1e8 },
      delay: us(50),
    } as const;
    expect(lost(all)).toEqual(plain);
  });

  it('another link, another direction, another seed have other losses', () => {
    const plain = lost(lossy);
    expect(lost(lossy, 2)).not.toEqual(plain);
    expect(lost(lossy, 1, 'other')).not.toEqual(plain);
    const bench = new BenchLink(lossy);
    bench.send(500, { end: 1 });
    bench.run();
    expect(bench.events.flatMap((event) => (event.type === 'link-loss' ? [event.index] : []))).not.toEqual(
      plain,
    );
  });

  it('each bit of keyed draws is set half of the time, and neighbours have nothing in common', () => {
    const dice = new KeyedDice(1, 'bits');
    const counts = Array.from({ length: 32 }, () => 0);
    let same = 0;
    for (let index = 0; index < 4000; index++) {
      const drawn = dice.u32(index);
      for (let bit = 0; bit < 32; bit++) counts[bit] = (counts[bit] ?? 0) + ((drawn >>> bit) & 1);
      for (let rest = (drawn ^ dice.u32(index + 1)) >>> 0; rest > 0; rest >>>= 1) same += rest & 1;
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(160); // 5 standard deviations
    expect(Math.abs(same / 4000 - 16)).toBeLessThan(0.25);
  });
});

describe('distributions', () => {
  const dice = new KeyedDice(3, 'distribution');
  const draws = (distribution: Parameters<typeof drawFrom>[0]): number[] =>
    Array.from({ length: N }, (_, index) => drawFrom(distribution, 10_000, dice.u32(index)));

  it.each(['normal', 'pareto', 'pareto-normal', 'laplace'] as const)(
    '%s: mean 0, deviation the spread',
    (name) => {
      const { mean, deviation } = statistics(draws(name));
      expect(Math.abs(mean)).toBeLessThan(250);
      expect(deviation).toBeGreaterThan(9_300);
      expect(deviation).toBeLessThan(10_700);
    },
  );

  it('differ in their tails', () => {
    const beyond = (name: Parameters<typeof drawFrom>[0], limit: number): number =>
      draws(name).filter((value) => value > limit).length / N;
    expect(beyond('normal', 20_000)).toBeLessThan(0.03); // 0.0228
    expect(beyond('laplace', 20_000)).toBeGreaterThan(0.026); // 0.0296
    expect(draws('pareto').filter((value) => value < 0).length / N).toBeGreaterThan(0.65);
    expect(Math.min(...draws('pareto'))).toBeGreaterThan(-10_000);
  });

  it('uniform and a table of its own', () => {
    const uniform = draws('uniform');
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-10_000);
    expect(Math.max(...uniform)).toBeLessThanOrEqual(10_000);
    expect(statistics(uniform).deviation).toBeGreaterThan(5_600); // 10,000 / √3
    const two = draws([0, 8192]);
    expect(Math.abs(statistics(two).mean - 5_000)).toBeLessThan(100);
    expect(() => drawFrom([1], 1, 1)).toThrow('at least two quantiles');
  });
});

describe('delay and jitter', () => {
  it('a fixed delay per direction', () => {
    const bench = new BenchLink({ 'a→b': { delay: ms(30) }, 'b→a': { delay: ms(5) } });
    bench.send(1);
    bench.send(1, { end: 1 });
    bench.run();
    expect([bench.there[0]?.at, bench.back[0]?.at]).toEqual([30_000, 5_000]);
  });

  it('jitter has the mean delay and the spread', () => {
    const bench = new BenchLink({ delay: ms(50), jitter: { distribution: 'normal', spread: ms(5) } });
    bench.send(5000, { gap: 100 });
    bench.run();
    const delays = bench.there.map(({ at, number }) => at - number * 100);
    const { mean, deviation } = statistics(delays);
    expect(Math.abs(mean - 50_000)).toBeLessThan(300);
    expect(Math.abs(deviation - 5_000)).toBeLessThan(300);
    expect(bench.numbers).not.toEqual([...bench.numbers].sort((a, b) => a - b));
  });

  it('keeps the order if it has to, and never arrives before it left', () => {
    const jitter = { distribution: 'laplace', spread: ms(5), ordered: true } as const;
    const bench = new BenchLink({ delay: ms(2), jitter });
    bench.send(2000, { gap: 100 });
    bench.run();
    expect(bench.numbers).toEqual(Array.from({ length: 2000 }, (_, number) => number));
    for (const { at, number } of bench.there) expect(at).toBeGreaterThanOrEqual(number * 100);
  });

  it('correlation makes neighbours alike', () => {
    const alike = (correlation: number): number => {
      const bench = new BenchLink({
        delay: ms(50),
        jitter: { distribution: 'uniform', spread: ms(9), correlation },
      });
      bench.send(4000, { gap: 20_000 });
      bench.run();
      const delays = bench.there.map(({ at, number }) => at - number * 20_000);
      return delays.filter((delay, index) => delay === delays[index - 1]).length / 4000;
    };
    expect(alike(0)).toBeLessThan(0.01);
    expect(Math.abs(alike(0.6) - 0.6)).toBeLessThan(0.03);
  });
});

describe('corruption, duplication, reordering', () => {
  it('one bit, one byte, several bytes, the end cut off', () => {
    const changed = (kind: 'bit' | 'byte' | 'bytes' | 'truncate', bytes?: number): number[] => {
      const bench = new BenchLink({ corruption: { p: 1, kind, ...(bytes && { bytes }) } });
      bench.send(200);
      const sent = new BenchLink();
      sent.send(200);
      bench.run();
      sent.run();
      return bench.there.map((each, index) => {
        const was = sent.there[index]?.bytes ?? new Uint8Array();
        if (each.bytes.length < was.length) return -1;
        let bits = 0;
        for (const [at, byte] of each.bytes.entries())
          for (let rest = byte ^ (was[at] ?? 0); rest > 0; rest >>>= 1) bits += rest & 1;
        return bits;
      });
    };
    expect(new Set(changed('bit'))).toEqual(new Set([1]));
    expect(Math.max(...changed('byte'))).toBeGreaterThan(4);
    expect(Math.min(...changed('byte'))).toBeGreaterThan(0);
    expect(Math.max(...changed('bytes', 8))).toBeGreaterThan(20);
    expect(changed('truncate').filter((bits) => bits === -1).length).toBeGreaterThan(195);
  });

  it('with fixed checksums goes past them, without it does not', () => {
    const udpProblems = (checksum: 'wrong' | 'fixed'): number => {
      const bench = new BenchLink({ corruption: { p: 0.5, kind: 'bytes', where: 'payload', checksum } }, 5);
      bench.send(400);
      bench.run();
      return bench.there.filter(({ bytes }) => !checksumRight(bytes)).length;
    };
    expect(udpProblems('wrong')).toBeGreaterThan(150);
    expect(udpProblems('fixed')).toBe(0);
  });

  it('copies come as late as they should, with the share that they should have', () => {
    const bench = new BenchLink({ duplication: { p: 0.2, copies: 2, delay: us(300) }, delay: us(10) });
    bench.send(5000, { gap: 1000 });
    bench.run();
    const copies = bench.there.length - 5000;
    expect(copies / 2 / 5000).toBeGreaterThan(0.18);
    expect(copies / 2 / 5000).toBeLessThan(0.22);
    const late = bench.there.map(({ at, number }) => at - number * 1000);
    expect(new Set(late)).toEqual(new Set([10, 310, 610]));
  });

  it('holds up every gap-th packet with probability p, so that others pass it', () => {
    const bench = new BenchLink({ reordering: { p: 0.5, delay: us(2500), gap: 4 }, delay: us(100) });
    bench.send(4000, { gap: 1000 });
    bench.run();
    const held = bench.there
      .filter(({ at, number }) => at - number * 1000 === 2600)
      .map(({ number }) => number);
    expect(bench.there.length).toBe(4000);
    expect(held.every((number) => number % 4 === 3)).toBe(true);
    expect(held.length / 1000).toBeGreaterThan(0.44);
    expect(held.length / 1000).toBeLessThan(0.56);
    const [first] = held;
    expect(bench.numbers.indexOf(first ?? -1)).toBeGreaterThan(first ?? 0); // two have passed it
  });
});

function checksumRight(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 17 + (bytes.length - 20);
  for (let at = 12; at < bytes.length; at += 2)
    sum += at + 1 < bytes.length ? view.getUint16(at) : (bytes[at] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}
