import { describe, expect, it } from 'vitest';
import { squareRoot } from '../../../sim/queue/codel.ts';
import { ms, us } from '../../../stack/time.ts';
import { BenchLink, statistics } from './bench-link.ts';

/** 100 bytes take 1 ms. */
const SLOW = { bitsPerSecond: 800_000 };

describe('rate', () => {
  it('sends one packet after the other, overhead included', () => {
    const bench = new BenchLink({ rate: { ...SLOW, overhead: 20 }, delay: ms(5) });
    bench.send(4);
    bench.run();
    expect(bench.there.map(({ at }) => at)).toEqual([6_200, 7_400, 8_600, 9_800]);
  });

  it('a token bucket lets a burst pass at once, then the rate', () => {
    const bench = new BenchLink({ rate: { ...SLOW, burst: 300 } });
    bench.send(6);
    bench.run();
    expect(bench.there.map(({ at }) => at)).toEqual([0, 0, 0, 1_000, 2_000, 3_000]);
    bench.send(2, { first: 6 });
    bench.run(3_500);
    expect(bench.there.slice(6).map(({ at }) => at)).toEqual([]);
    bench.run();
    expect(bench.there.slice(6).map(({ at }) => at)).toEqual([4_000, 5_000]);
  });

  it('does not lose a microsecond in ten thousand packets', () => {
    const bench = new BenchLink({
      rate: { bitsPerSecond: 7_000_000 },
      queue: { discipline: 'drop-tail', packets: 20_000 },
    });
    bench.send(10_000);
    bench.run();
    expect(bench.there.at(-1)?.at).toBe(Math.ceil((10_000 * 800) / 7));
  });

  it('changes while packets wait', () => {
    const bench = new BenchLink({ rate: SLOW });
    bench.send(10);
    bench.run(2_000);
    bench.link.configure({ rate: { bitsPerSecond: 8_000_000 } });
    bench.run();
    expect(bench.there.length).toBe(10);
    expect(bench.there.at(-1)?.at).toBe(3_700); // the third went on at the old rate
    expect(() => bench.link.configure({ rate: { bitsPerSecond: 0 } })).toThrow('take it down instead');
  });
});

describe('drop-tail', () => {
  it('holds so many packets, or so many bytes', () => {
    const packets = new BenchLink({ rate: SLOW, queue: { discipline: 'drop-tail', packets: 3 } });
    packets.send(10);
    expect(packets.run().numbers).toEqual([0, 1, 2, 3]); // one is being sent
    expect(packets.losses).toEqual({ LINK_QUEUE_FULL: 6 });
    const bytes = new BenchLink({ rate: SLOW, queue: { discipline: 'drop-tail', bytes: 250 } });
    bytes.send(10);
    expect(bytes.run().numbers).toEqual([0, 1, 2]);
  });
});

describe('RED', () => {
  it('drops nothing below min, everything above max, and some in between before the queue is full', () => {
    const queue = {
      discipline: 'red',
      min: 5,
      max: 15,
      limit: 100,
      weight: 0.1,
      idlePacket: us(1000),
    } as const;
    const calm = new BenchLink({ rate: SLOW, queue });
    calm.send(300, { gap: 1_100 });
    expect(calm.run().losses).toEqual({});
    const busy = new BenchLink({ rate: SLOW, queue });
    busy.send(3000, { gap: 900 });
    busy.run();
    const lost = busy.losses['LINK_RED'] ?? 0;
    // The rate is 10 % too high for the link.
    expect(lost / 3000).toBeGreaterThan(0.08);
    expect(lost / 3000).toBeLessThan(0.13);
    expect(busy.losses['LINK_QUEUE_FULL']).toBeUndefined();
    const waited = busy.there.slice(500).map(({ at, number }) => at - number * 900);
    const { mean } = statistics(waited);
    expect(mean).toBeGreaterThan(5_000);
    expect(mean).toBeLessThan(16_000);
  });

  it('marks instead of dropping what is ECN-capable', () => {
    const queue = { discipline: 'red', min: 5, max: 80, weight: 0.1, ecn: true } as const;
    const bench = new BenchLink({ rate: SLOW, queue });
    bench.send(1000, { gap: 950, tos: 2 });
    bench.run();
    const marked = bench.there.filter(({ bytes }) => ((bytes[1] ?? 0) & 3) === 3).length;
    expect(marked).toBeGreaterThan(20);
    expect(bench.there.length).toBeGreaterThan(990);
    expect(bench.events.filter((event) => event.type === 'link' && event.action === 'mark').length).toBe(
      marked,
    );
  });

  it('says what is wrong with its limits', () => {
    expect(() => new BenchLink({ queue: { discipline: 'red', min: 9, max: 9 } })).toThrow(
      'min has to be below max',
    );
  });
});

/** Delays in the queue of 5 s of constant overload by a tenth. */
function overload(queue: NonNullable<ConstructorParameters<typeof BenchLink>[0]>['queue']): BenchLink {
  const bench = new BenchLink({ rate: { bitsPerSecond: 12_000_000 }, ...(queue && { queue }) });
  bench.send(6000, { size: 1500, gap: 910 }); // the link needs 1000 µs for each
  return bench.run();
}

describe('CoDel', () => {
  it('brings even an overload that does not respond down, where drop-tail lets it grow', () => {
    const waits = (bench: BenchLink): number[] =>
      bench.there.filter(({ number }) => number > 3000).map(({ at, number }) => at - number * 910 - 1000);
    const full = waits(overload({ discipline: 'drop-tail', packets: 200 })).toSorted((a, b) => a - b);
    const held = waits(overload({ discipline: 'codel' })).toSorted((a, b) => a - b);
    expect(full[full.length >> 1]).toBeGreaterThan(190_000);
    expect(held[held.length >> 1]).toBeLessThan(60_000);
    // The worst case: the drop rate has to grow until it is enough. For 5 ms see network.test.ts.
    expect(overload({ discipline: 'codel' }).losses['LINK_CODEL']).toBeGreaterThan(450);
  });

  it('lets a burst pass that is over within an interval', () => {
    const bench = new BenchLink({ rate: { bitsPerSecond: 12_000_000 }, queue: { discipline: 'codel' } });
    bench.send(60, { size: 1500 });
    expect(bench.run().losses).toEqual({});
    expect(bench.there.length).toBe(60);
  });

  it('marks ECN-capable packets', () => {
    const bench = new BenchLink({
      rate: { bitsPerSecond: 12_000_000 },
      queue: { discipline: 'codel', ecn: true },
    });
    bench.send(3000, { size: 1500, gap: 910, tos: 1 });
    expect(bench.run().losses['LINK_CODEL']).toBeUndefined();
    expect(bench.there.filter(({ bytes }) => ((bytes[1] ?? 0) & 3) === 3).length).toBeGreaterThan(50);
  });

  it('has an integer square root', () => {
    for (const root of [1, 2, 3, 1000, 65_535, 33_554_432]) {
      expect([squareRoot(root * root), squareRoot(root * root + 1)]).toEqual([root, root]);
      if (root > 1) expect(squareRoot(root * root - 1)).toBe(root - 1);
    }
  });
});

describe('FQ-CoDel', () => {
  it('keeps a sparse flow fast beside one that fills the link, and halves between equals', () => {
    const bench = new BenchLink({ rate: { bitsPerSecond: 12_000_000 }, queue: { discipline: 'fq-codel' } });
    bench.send(3000, { size: 1500, gap: 500, port: 1 });
    bench.send(30, { size: 100, gap: 50_000, first: 100_000, port: 2 });
    bench.run();
    const sparse = bench.there
      .filter(({ number }) => number >= 100_000)
      .map(({ at, number }) => at - (number - 100_000) * 50_000);
    expect(sparse.length).toBe(30);
    expect(Math.max(...sparse)).toBeLessThan(2_200); // behind one packet of the other flow at most
    const pair = new BenchLink({ rate: { bitsPerSecond: 12_000_000 }, queue: { discipline: 'fq-codel' } });
    pair.send(3000, { size: 1500, gap: 300, port: 1 });
    pair.send(1000, { size: 1500, gap: 900, first: 100_000, port: 2 });
    pair.run(900_000);
    const second = pair.numbers.filter((number) => number >= 100_000).length / pair.numbers.length;
    expect(Math.abs(second - 0.5)).toBeLessThan(0.05);
  });

  it('drops from the fattest queue when it is full', () => {
    const queue = { discipline: 'fq-codel', limit: 50 } as const;
    const bench = new BenchLink({ rate: SLOW, queue });
    bench.send(100, { port: 1 });
    bench.send(5, { first: 1000, port: 2 });
    bench.run();
    expect(bench.numbers.filter((number) => number >= 1000).length).toBe(5);
    expect(bench.losses['LINK_QUEUE_FULL']).toBeGreaterThan(40);
  });
});

describe('slots', () => {
  it('sends in slots only, so many packets in each', () => {
    const bench = new BenchLink({ slots: { minDelay: ms(2), maxDelay: ms(2), packets: 3 } });
    bench.send(8);
    bench.run();
    expect(bench.there.map(({ at }) => at)).toEqual([2_000, 2_000, 2_000, 4_000, 4_000, 4_000, 6_000, 6_000]);
  });

  it('the time between slots is drawn', () => {
    const bench = new BenchLink({ slots: { minDelay: ms(1), maxDelay: ms(3), bytes: 100 } });
    bench.send(500);
    bench.run();
    const gaps = bench.there.slice(1).map(({ at }, index) => at - (bench.there[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3_000);
    expect(Math.abs(statistics(gaps).mean - 2_000)).toBeLessThan(100);
  });
});
