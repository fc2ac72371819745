import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash, SipKey, siphash, siphash32 } from '../../../stack/bytes/siphash.ts';

const KEY = new SipKey(Uint8Array.from({ length: 16 }, (_, i) => i));

/** `vectors_sip64` of the reference implementation, as printed: the hash's bytes, low byte first. */
const VECTORS: readonly string[] = [
  '310e0edd47db6f72',
  'fd67dc93c539f874',
  '5a4fa9d909806c0d',
  '2d7efbd796666785',
  'b7877127e09427cf',
  '8da699cd64557618',
  'cee3fe586e46c9cb',
  '37d1018bf50002ab',
  '6224939a79f5f593',
  'b0e4a90bdf82009e',
  'f3b9dd94c5bb5d7a',
  'a7ad6b22462fb3f4',
  'fbe50e86bc8f1e75',
  '903d84c02756ea14',
  'eef27a8e90ca23f7',
  'e545be4961ca29a1',
];

/** SipHash-2-4 again, in the paper's words, with 64-bit integers. */
function reference(key: Uint8Array, message: Uint8Array): bigint {
  const mask = (1n << 64n) - 1n;
  const word = (bytes: Uint8Array, at: number): bigint =>
    [...bytes.subarray(at, at + 8)].reduceRight((total, byte) => (total << 8n) | BigInt(byte), 0n);
  const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask;
  const [k0, k1] = [word(key, 0), word(key, 8)];
  let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn];
  let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & mask;
      v1 = rotate(v1, 13n) ^ v0;
      v0 = rotate(v0, 32n);
      v2 = (v2 + v3) & mask;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = (v0 + v3) & mask;
      v3 = rotate(v3, 21n) ^ v0;
      v2 = (v2 + v1) & mask;
      v1 = rotate(v1, 17n) ^ v2;
      v2 = rotate(v2, 32n);
    }
  };
  for (let at = 0; at <= message.length; at += 8) {
    const last = at + 8 > message.length;
    const m = word(message, at) | (last ? BigInt(message.length & 0xff) << 56n : 0n);
    v3 ^= m;
    rounds(2);
    v0 ^= m;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

describe('SipHash-2-4', () => {
  it('gives the published vectors', () => {
    for (const [length, expected] of VECTORS.entries()) {
      const { low, high } = siphash(
        KEY,
        Uint8Array.from({ length }, (_, i) => i),
      );
      const bytes = [low, high].flatMap((w) => [w & 0xff, (w >>> 8) & 0xff, (w >>> 16) & 0xff, w >>> 24]);
      expect(bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(expected);
    }
    // The example of the paper, appendix A.
    const { low, high } = siphash(
      KEY,
      Uint8Array.from({ length: 15 }, (_, i) => i),
    );
    expect([high, low]).toEqual([0xa129ca61, 0x49be45e5]);
  });

  it('agrees with 64-bit arithmetic for any key and message', () => {
    const key = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 300 }), (k, message) => {
        const { low, high } = siphash(new SipKey(k), message);
        expect((BigInt(high) << 32n) | BigInt(low)).toBe(reference(k, message));
      }),
    );
  });

  it('hashes words as their bytes, little-endian', () => {
    const words = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 70 });
    fc.assert(
      fc.property(words, (w) => {
        const bytes = Uint8Array.from(
          w.flatMap((x) => [x & 0xff, (x >>> 8) & 0xff, (x >>> 16) & 0xff, x >>> 24]),
        );
        expect(siphash32(KEY, w)).toBe(siphash(KEY, bytes).low);
        const [a = 0, b = 0, c = 0, d = 0] = w;
        expect(hash(KEY, a, b, c)).toBe(siphash32(KEY, [a, b, c]));
        expect(hash(KEY, a, b, c, d)).toBe(siphash32(KEY, [a, b, c, d]));
      }),
    );
  });

  it('refuses a key that has not 16 bytes', () => {
    expect(() => new SipKey(new Uint8Array(15))).toThrow('16 bytes');
  });
});
