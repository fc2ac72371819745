import { describe, expect, it } from 'vitest';
import { checkSeeds, simEnvironment } from '../../../sim/node/sim-node.ts';
import { runScenario } from '../../../sim/sim.ts';
import * as chaos from '../scenarios/chaos.ts';

/** SIM_SEEDS=1-5000 for a sweep; a few by default, so that the tests stay short. */
const { seeds = { from: 1, to: 40 } } = simEnvironment();

/** Seeds that found something, and what it was. */
const FOUND = [
  [64, 'what SACK had reported left again with the segment at SND.UNA'],
  [244, 'with notSentLowat of a byte and without Nagle 42,000 segments of a byte left'],
  [705, 'PRR made cwnd 0'],
  [963, 'D-SACK told of bytes that had come once'],
  [4168, 'both sides had taken the probe of the other, and passed over all of its ACKs'],
  [4497, 'BBR paced by the rate of a program that had sent ten bytes'],
  [5014, 'a black hole swallowed small segments for ever'],
  [5034, 'a black hole swallowed the last of the jumbo frames for ever'],
] as const;

describe(chaos.name, () => {
  it(`seeds ${seeds.from} to ${seeds.to}`, { timeout: 3_600_000 }, async () => {
    expect(await checkSeeds(chaos, { file: 'test/sim/scenario/chaos.test.ts', seeds })).toBe(
      seeds.to - seeds.from + 1,
    );
  });

  it.each(FOUND)('seed %i, which found: %s', async (seed) => {
    const { failure, steps } = await runScenario(chaos, { seed });
    expect(failure).toBeUndefined();
    expect(steps).toBeLessThan(10_000);
  });

  it('twice: the same hash', async () => {
    for (const seed of [3, 11]) {
      const [first, second] = [await runScenario(chaos, { seed }), await runScenario(chaos, { seed })];
      expect(second.hash).toBe(first.hash);
    }
  });
});
