import { expect, it } from 'vitest';
import { RateReduction } from '../../../stack/tcp/rate-reduction.ts';
import { BlockWriter } from '../../../stack/tcp/sack-blocks.ts';
import { seq } from '../../../stack/tcp/sequence.ts';

/** Runs of 10 bytes at the given places arrive, in this order. */
function writer(...places: readonly number[]): BlockWriter {
  const blocks = new BlockWriter();
  for (const at of places) blocks.held(seq(at), seq(at + 10));
  return blocks;
}

function places(blocks: BlockWriter, most: number): number[] {
  return (blocks.take(most) ?? []).map(({ left }) => left);
}

it('of many holes in one batch every run is told once, the oldest first, as if each segment had been answered [RFC 2018 4]', () => {
  const blocks = writer(100, 200, 300, 400, 500, 600, 700);
  expect(blocks.untold).toBe(7);
  expect(places(blocks, 3)).toEqual([300, 200, 100]);
  expect(places(blocks, 3)).toEqual([600, 500, 400]);
  expect(blocks.untold).toBe(1);
  expect(places(blocks, 3)).toEqual([700, 600, 500]); // the rest of the room repeats the most recent ones
  expect(blocks.untold).toBe(0);
  expect(places(blocks, 3)).toEqual([700, 600, 500]);
});

it('a run that grew is told again, before all others [RFC 2018 4]', () => {
  const blocks = writer(100, 200, 300);
  places(blocks, 3);
  blocks.held(seq(110), seq(120));
  expect(blocks.untold).toBe(1);
  expect(blocks.take(3)).toMatchObject([{ left: 100, right: 120 }, { left: 300 }, { left: 200 }]);
});

it('a peer that makes nothing but holes has 60 of them remembered (attacks.md section 3)', () => {
  const blocks = writer(...Array.from({ length: 1_000 }, (_, index) => 100 * index));
  expect(blocks.untold).toBe(60);
});

it('a D-SACK comes first, the run that holds it second [RFC 2883 4.2]', () => {
  const blocks = writer(100, 200, 300);
  places(blocks, 3);
  blocks.duplicate(seq(100), seq(105));
  expect(places(blocks, 3)).toEqual([100, 100, 300]);
});

it('PRR lets at least as much leave as an ACK delivered: with all repaid and nothing in flight it would else be silent [RFC 9937]', () => {
  const reduction = new RateReduction();
  reduction.begin(100_000);
  expect(reduction.window(0, 0, 50_000, 1_000, false)).toBe(1_000); // the first retransmission
  reduction.sent(1_000);
  expect(reduction.window(1_000, 0, 50_000, 1_000, false)).toBe(1_000);
});

it('PRR leaves room for one segment when what it sent again was lost, too: with nothing in flight no ACK would come', () => {
  const reduction = new RateReduction();
  reduction.begin(100_000);
  reduction.sent(10_000); // lost
  expect(reduction.window(0, 0, 50_000, 1_000, false)).toBe(1_000);
});
