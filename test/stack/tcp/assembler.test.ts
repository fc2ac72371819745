import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembler } from '../../../stack/tcp/assembler.ts';
import { ReceiveQueue } from '../../../stack/tcp/receive-queue.ts';
import { add, distance, seq } from '../../../stack/tcp/sequence.ts';
import { stream, streamByte } from './words.ts';

const PLENTY = 10_000_000;
/** Near the wrap, so that every run crosses it. */
const BASE = seq(0xffff_ff80);

describe('the assembler', () => {
  /** A map from position to byte; what came first stays. */
  interface Step {
    readonly at: number;
    readonly length: number;
    readonly value: number;
    readonly take: boolean;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    at: fc.nat(200),
    length: fc.integer({ min: 1, max: 40 }),
    value: fc.nat(255),
    take: fc.boolean(),
  });

  it('holds what a map of bytes holds, whatever overlaps, repeats and gaps there are', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const assembler = new Assembler();
        const oracle = new Map<number, number>();
        let next = 0;
        for (const { at, length, value, take } of steps) {
          const from = next + at;
          let fresh = 0;
          for (let i = from; i < from + length; i++) {
            if (oracle.has(i)) continue;
            oracle.set(i, value);
            fresh += 1;
          }
          const bytes = new Uint8Array(length + 7).fill(value);
          expect(assembler.insert(add(BASE, from), bytes, 3, length, PLENTY)).toBe(fresh);
          if (take) next = takeAll(assembler, oracle, next);
          expect(assembler.length).toBe(oracle.size);
        }
      }),
      { numRuns: 500 },
    );
  });

  function takeAll(assembler: Assembler, oracle: Map<number, number>, from: number): number {
    let next = from;
    for (
      let bytes = assembler.take(add(BASE, next));
      bytes !== undefined;
      bytes = assembler.take(add(BASE, next))
    ) {
      for (const byte of bytes) {
        if (byte !== oracle.get(next)) throw new Error(`byte ${next} is another one`);
        oracle.delete(next);
        next += 1;
      }
    }
    expect(oracle.has(next)).toBe(false);
    return next;
  }

  it('drops what the caller has already when it takes', () => {
    const assembler = new Assembler();
    assembler.insert(seq(10), stream(10, 10), 0, 10, PLENTY);
    assembler.insert(seq(30), stream(30, 5), 0, 5, PLENTY);
    expect(assembler.take(seq(9))).toBeUndefined();
    expect(assembler.take(seq(14))).toEqual(stream(14, 6));
    expect(assembler.take(seq(40))).toBeUndefined();
    expect(assembler.length).toBe(0);
  });

  it('A13 costs what it really costs: one-byte ranges are few [RFC 9293 SHLD-31]', () => {
    const assembler = new Assembler();
    let stored = 0;
    for (let at = 0; at < 100_000; at += 2)
      stored += Math.max(0, assembler.insert(seq(at), new Uint8Array(1), 0, 1, 65_536));
    expect(stored).toBe(assembler.ranges);
    expect(assembler.ranges).toBeLessThanOrEqual(256);
  });

  it('keeps a copy: the memory of a packet is used again', () => {
    const assembler = new Assembler();
    const memory = stream(5, 5);
    assembler.insert(seq(5), memory, 0, 5, PLENTY);
    memory.fill(0);
    expect(assembler.take(seq(5))).toEqual(stream(5, 5));
  });
});

describe('the receive queue', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), size: fc.integer({ min: 0, max: 3_000 }) }),
    fc.record({ kind: fc.constant('take' as const), size: fc.integer({ min: 0, max: 5_000 }) }),
    fc.record({ kind: fc.constant('settle' as const), size: fc.constant(0) }),
  );

  it('gives back every byte in order, though packets are overwritten after each batch', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const queue = new ReceiveQueue();
        let borrowed: Uint8Array[] = [];
        let [put, got] = [0, 0];
        for (const { kind, size } of actions) {
          if (kind === 'append') {
            const packet = new Uint8Array(size + 20);
            packet.set(stream(put, size), 20);
            borrowed.push(packet);
            queue.append(packet, 20, size);
            put += size;
          } else if (kind === 'take') {
            for (const byte of queue.take(size) ?? []) {
              if (byte !== streamByte(got)) throw new Error(`byte ${got} is another one`);
              got += 1;
            }
          } else {
            queue.settle();
            for (const packet of borrowed) packet.fill(0xee);
            borrowed = [];
          }
          expect(queue.length).toBe(put - got);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('J5 keeps little more memory than bytes, whatever the size of the packets', () => {
    const queue = new ReceiveQueue();
    for (let count = 0; count < 2_000; count++) {
      queue.append(new Uint8Array(65_536), 0, 1);
      queue.settle();
    }
    expect(queue.take(2_000)?.length).toBe(2_000);
    expect(queue.take(1)).toBeUndefined();
    expect(distance(seq(0), seq(queue.length))).toBe(0);
  });
});

it('tells what of a range is held: the first piece of it, for D-SACK [RFC 2883 4.1]', () => {
  const assembler = new Assembler();
  for (const [left, length] of [
    [10, 5],
    [20, 5],
  ] as const)
    assembler.insert(seq(left), new Uint8Array(length), 0, length, 1_000_000);
  const held = (left: number, right: number): unknown => assembler.firstHeld(seq(left), seq(right));
  expect(held(0, 10)).toBeUndefined();
  expect(held(15, 20)).toBeUndefined();
  expect(held(12, 30)).toEqual({ left: 12, right: 15 });
  expect(held(15, 22)).toEqual({ left: 20, right: 22 });
});
