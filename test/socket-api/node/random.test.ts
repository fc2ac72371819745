import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../socket-api/node/random.ts';

describe("the system's randomness", () => {
  it('gives whole 32-bit numbers that do not repeat, over several blocks', () => {
    const random = systemRandom();
    const drawn = Array.from({ length: 5000 }, () => random.u32());
    expect(drawn.every((n) => Number.isInteger(n) && n >= 0 && n <= 0xffff_ffff)).toBe(true);
    // Among 5,000 of 2^32, three pairs of equals are a matter of one run in 10^8.
    expect(new Set(drawn).size).toBeGreaterThan(4997);
  });

  it('gives different numbers to different users', () => {
    const [a, b] = [systemRandom(), systemRandom()];
    expect([a.u32(), a.u32()]).not.toEqual([b.u32(), b.u32()]);
  });
});
