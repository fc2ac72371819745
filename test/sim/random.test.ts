import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import { randomBelow, type Random } from '../../stack/random.ts';

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.u32());

describe('seeded randomness', () => {
  it('gives the same stream for the same seed and names, today and tomorrow', () => {
    expect(draw(seededRandom(1, 'wire', 'loss'), 3)).toEqual(draw(seededRandom('1', 'wire', 'loss'), 3));
    expect(draw(seededRandom(1, 'wire', 'loss'), 3)).toMatchInlineSnapshot(`
      [
        2494127656,
        2340142538,
        4041511683,
      ]
    `);
  });

  it('gives another stream for any other seed, name or division into names', () => {
    const streams = [
      seededRandom(0),
      seededRandom(1),
      seededRandom(2),
      seededRandom(-1),
      seededRandom(1, 'a'),
      seededRandom(1, 'a', 'b'),
      seededRandom(1, 'ab'),
      seededRandom(1, 'b', 'a'),
      seededRandom(1, 'a', ''),
      seededRandom('1a'),
    ];
    expect(new Set(streams.map((stream) => draw(stream, 4).join())).size).toBe(streams.length);
  });

  it('keeps streams apart: a draw from one moves no other', () => {
    const alone = draw(seededRandom(7, 'a'), 5);
    const a = seededRandom(7, 'a');
    const b = seededRandom(7, 'b');
    const together = alone.map(() => {
      b.u32();
      return a.u32();
    });
    expect(together).toEqual(alone);
  });

  it('sets each bit half of the time, in one stream and over the first draws of many seeds', () => {
    const stream = seededRandom(42);
    for (const next of [() => stream.u32(), (index: number) => seededRandom(index).u32()]) {
      const ones = Array.from({ length: 32 }, () => 0);
      for (let index = 0; index < 20_000; index++) {
        const drawn = next(index);
        for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((drawn >>> bit) & 1);
      }
      // Five standard deviations of a fair coin are 354.
      for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(354);
    }
  });

  it('spreads small numbers evenly', () => {
    const random = seededRandom('dice');
    const faces = [0, 0, 0, 0, 0, 0];
    for (let roll = 0; roll < 60_000; roll++) {
      const face = randomBelow(random, 6);
      faces[face] = (faces[face] ?? 0) + 1;
    }
    const chiSquare = faces.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
  });
});
