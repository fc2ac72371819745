import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, fold, pseudoHeaderSum, sum, update } from '../../../stack/bytes/checksum.ts';
import { IPv6Address, ipv4 } from '../../../stack/wire/address.ts';

/** The definition, word by word: RFC 1071 1. */
function plainChecksum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    if (total > 0xffff) total -= 0xffff;
  }
  return ~total & 0xffff;
}

describe('the Internet checksum', () => {
  it('is that of the example [RFC 1071 3]', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(sum(bytes, 0, 8)).toBe(0x2_ddf0);
    expect(fold(0x2_ddf0)).toBe(0xddf2);
    expect(checksum(bytes, 0, 8)).toBe(0x220d);
  });

  it('is the same at every alignment, length and offset of the memory, and reads nothing else', () => {
    const buffer = new ArrayBuffer(8 + 400 + 8 + 3);
    const memory = new Uint8Array(buffer);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400, size: 'max' }),
        fc.nat(7),
        fc.nat(7),
        fc.nat(255),
        (data, at, offset, garbage) => {
          memory.fill(garbage);
          const bytes = new Uint8Array(buffer, offset);
          bytes.set(data, at);
          expect(checksum(bytes, at, at + data.length)).toBe(plainChecksum(data));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is right for 64 KiB, of ones too, and over a chain of even blocks', () => {
    for (const value of [0xff, 0x00, 0x5a]) {
      const bytes = new Uint8Array(65_536 + 1).fill(value);
      for (const at of [0, 1])
        expect(checksum(bytes, at, at + 65_536)).toBe(plainChecksum(bytes.subarray(at, at + 65_536)));
    }
    const bytes = Uint8Array.from({ length: 3_001 }, (_, i) => (i * 7919) >>> 3);
    const chained = sum(bytes, 1_502, 3_001, sum(bytes, 30, 1_502, sum(bytes, 0, 30)));
    expect(~fold(chained) & 0xffff).toBe(plainChecksum(bytes));
  });

  it('alternates between several memories without confusing them', () => {
    const memories = [1, 2, 3].map((seed) =>
      Uint8Array.from({ length: 200 }, (_, i) => (i * seed * 37) & 0xff),
    );
    for (const i of [0, 1, 0, 2, 1, 2, 2, 0, 1, 0]) {
      const memory = memories[i] ?? new Uint8Array(0);
      expect(checksum(memory, 0, 200)).toBe(plainChecksum(memory));
    }
  });

  it('folds every sum to what it is modulo 2^16-1', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (total) => {
        const folded = fold(total);
        expect(folded).toBe(total === 0 ? 0 : Number((BigInt(total) - 1n) % 65_535n) + 1);
      }),
    );
  });

  it('covers the pseudo-header of both versions [RFC 9293 3.1; RFC 8200 8.1]', () => {
    expect(fold(pseudoHeaderSum(ipv4(192, 0, 2, 1), ipv4(198, 51, 100, 2), 6, 0x1_0014))).toBe(
      fold(0xc000 + 0x0201 + 0xc633 + 0x6402 + 6 + 1 + 0x14),
    );
    const a = new IPv6Address(0x2001_0db8, 0, 0, 1);
    expect(pseudoHeaderSum(a, a, 58, 8)).toBe(2 * (0x2001 + 0x0db8 + 1) + 58 + 8);
  });

  it('is updated for a changed word as if it were computed anew [RFC 1624 3]', () => {
    // RFC 1624 4: the case that the older equation got wrong.
    expect(update(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.nat(9),
        fc.nat(0xffff),
        (bytes, i, word) => {
          fc.pre(bytes.some((byte, at) => byte !== 0 && at >>> 1 !== i));
          const old = ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0);
          const before = checksum(bytes, 0, 20);
          bytes[2 * i] = word >>> 8;
          bytes[2 * i + 1] = word & 0xff;
          expect(update(before, old, word)).toBe(checksum(bytes, 0, 20));
        },
      ),
    );
  });
});
