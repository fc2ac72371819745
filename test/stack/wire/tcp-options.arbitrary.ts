/**
 * Any options that a segment can have, also more of them than fit.
 */
import fc from 'fast-check';
import { seq } from '../../../stack/tcp/sequence.ts';
import type { TcpOptions } from '../../../stack/wire/tcp-options.ts';

const KNOWN = new Set([2, 3, 4, 5, 8, 34]);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const block = fc.record({ left: u32.map(seq), right: u32.map(seq) });

const other = fc.record({
  kind: fc.integer({ min: 2, max: 255 }).filter((kind) => !KNOWN.has(kind)),
  data: fc.uint8Array({ maxLength: 14 }),
});

const cookie = fc
  .constantFrom(0, 4, 6, 8, 16)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));

export const anyOptions: fc.Arbitrary<TcpOptions> = fc.record({
  mss: fc.option(fc.nat(0xffff), { nil: undefined }),
  windowScale: fc.option(fc.nat(255), { nil: undefined }),
  sackPermitted: fc.boolean(),
  sack: fc.option(fc.array(block, { minLength: 1, maxLength: 5 }), { nil: undefined, freq: 2 }),
  timestamps: fc.option(fc.record({ value: u32, echo: u32 }), { nil: undefined }),
  fastOpen: fc.option(cookie, { nil: undefined, freq: 1 }),
  others: fc.option(fc.array(other, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 1 }),
});
