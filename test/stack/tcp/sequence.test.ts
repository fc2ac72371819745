import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  distance,
  geq,
  gt,
  inWindow,
  leq,
  lt,
  max,
  min,
  type SeqNumber,
  seq,
} from '../../../stack/tcp/sequence.ts';

const anySeq: fc.Arbitrary<SeqNumber> = fc
  .oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  )
  .map(seq);

describe('sequence numbers', () => {
  it('wrap modulo 2^32 in both directions [RFC 9293 3.4]', () => {
    expect(seq(0x1_0000_0000)).toBe(0);
    expect(seq(-1)).toBe(0xffff_ffff);
    expect(add(seq(0xffff_ffff), 1)).toBe(0);
    expect(add(seq(0), -1)).toBe(0xffff_ffff);
    expect(add(seq(0xffff_fff0), 0x20)).toBe(0x10);
  });

  it('are compared on the circle, not on the line [RFC 9293 3.4]', () => {
    const before = seq(0xffff_fff0);
    const after = seq(0x10);
    expect([lt(before, after), leq(before, after), gt(before, after), geq(before, after)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(distance(before, after)).toBe(0x20);
    expect(distance(after, before)).toBe(-0x20);
    expect(distance(seq(0), seq(0x8000_0000))).toBe(-(2 ** 31));
    expect(max(before, after)).toBe(after);
    expect(min(before, after)).toBe(before);
  });

  it('distance undoes add for every step below 2^31', () => {
    fc.assert(
      fc.property(anySeq, fc.integer(), (s, n) => {
        expect(distance(s, add(s, n))).toBe(n);
        expect(add(add(s, n), -n)).toBe(s);
      }),
    );
  });

  it('exactly one of before, same and after holds, unless they are 2^31 apart', () => {
    fc.assert(
      fc.property(anySeq, anySeq, (a, b) => {
        fc.pre(distance(a, b) !== -(2 ** 31));
        expect([lt(a, b), a === b, gt(a, b)].filter(Boolean)).toHaveLength(1);
        expect(leq(a, b)).toBe(!gt(a, b));
        expect(geq(a, b)).toBe(!lt(a, b));
        expect(lt(a, b)).toBe(gt(b, a));
        expect([max(a, b), min(a, b)].toSorted()).toEqual([a, b].toSorted());
      }),
    );
  });

  it('a window holds its left edge but not its right one, across the wrap too [RFC 9293 3.4]', () => {
    const left = seq(0xffff_fffe);
    expect([-1, 0, 1, 2, 3, 4].map((n) => inWindow(add(left, n), left, 4))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(inWindow(left, left, 0)).toBe(false);
  });
});
