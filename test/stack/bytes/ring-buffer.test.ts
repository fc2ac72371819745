import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RingBuffer } from '../../../stack/bytes/ring-buffer.ts';

const counting = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);

function contents(ring: RingBuffer): Uint8Array {
  const all = new Uint8Array(ring.length);
  ring.copyTo(all, 0, 0, ring.length);
  return all;
}

describe('RingBuffer', () => {
  it('takes what there is room for and says how much that was', () => {
    const ring = new RingBuffer(10);
    expect(ring.write(counting(20), 3, 9)).toBe(6);
    expect(ring.write(counting(20), 9, 20)).toBe(4);
    expect(ring.write(counting(20), 0, 1)).toBe(0);
    expect([ring.length, ring.room]).toEqual([10, 0]);
    expect(contents(ring)).toEqual(counting(20).subarray(3, 13));
  });

  it('never drops content when the limit is lowered below it', () => {
    const ring = new RingBuffer(100);
    ring.write(counting(80), 0, 80);
    ring.limit = 50;
    expect([ring.length, ring.room, ring.limit]).toEqual([80, 0, 50]);
    ring.drop(40);
    expect(ring.room).toBe(10);
    ring.limit = 1_000_000;
    expect(ring.write(counting(30_000), 0, 30_000)).toBe(30_000);
    expect(contents(ring).subarray(40)).toEqual(counting(30_000));
  });

  it('keeps its memory while in use, and gives it back when trimmed', () => {
    const ring = new RingBuffer(1 << 20);
    ring.write(counting(100_000), 0, 100_000);
    ring.drop(100_000);
    expect(ring.capacity).toBe(131_072);
    ring.trim();
    expect(ring.capacity).toBe(0);
    ring.write(counting(100_000), 0, 100_000);
    ring.drop(95_000);
    ring.trim();
    expect(ring.capacity).toBe(8_192);
    expect(contents(ring)).toEqual(counting(100_000).subarray(95_000));
    ring.clear();
    expect([ring.length, ring.capacity]).toEqual([0, 0]);
  });

  it('leaves small storage alone when trimmed', () => {
    const ring = new RingBuffer(1 << 20, 3_000);
    expect(ring.capacity).toBe(4_096);
    ring.trim();
    expect(ring.capacity).toBe(4_096);
  });

  it("refuses a caller's mistakes", () => {
    const ring = new RingBuffer(10);
    ring.write(counting(5), 0, 5);
    expect(() => ring.drop(6)).toThrow('5 are held');
    expect(() => ring.copyTo(new Uint8Array(9), 0, 1, 5)).toThrow('5 are held');
  });

  it('behaves as a plain list of bytes does', () => {
    const step = fc.oneof(
      fc.record({ write: fc.tuple(fc.nat(700), fc.nat(700)) }),
      fc.record({ drop: fc.nat(1_500) }),
      fc.record({ limit: fc.nat(3_000) }),
      fc.record({ trim: fc.constant(true) }),
      fc.record({ copy: fc.tuple(fc.nat(1_500), fc.nat(1_500)) }),
    );
    const source = counting(1_400);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const ring = new RingBuffer(2_000);
        let model: number[] = [];
        for (const s of steps) {
          if ('write' in s) {
            const [from, length] = s.write;
            const taken = ring.write(source, from, from + length);
            expect(taken).toBe(Math.min(length, Math.max(0, ring.limit - model.length)));
            model.push(...source.subarray(from, from + taken));
          } else if ('drop' in s) {
            const count = Math.min(s.drop, model.length);
            ring.drop(count);
            model = model.slice(count);
          } else if ('limit' in s) {
            ring.limit = s.limit;
          } else if ('copy' in s) {
            const offset = Math.min(s.copy[0], model.length);
            const length = Math.min(s.copy[1], model.length - offset);
            const target = new Uint8Array(length + 2);
            ring.copyTo(target, 1, offset, length);
            expect([...target]).toEqual([0, ...model.slice(offset, offset + length), 0]);
          } else {
            ring.trim();
          }
          expect(ring.length).toBe(model.length);
        }
        expect([...contents(ring)]).toEqual(model);
      }),
    );
  });
});
