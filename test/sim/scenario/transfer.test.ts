import { describe, expect, it } from 'vitest';
import { checkDeterminism, runScenario } from '../../../sim/sim.ts';
import { checkSeeds, simEnvironment } from '../../../sim/node/sim-node.ts';
import * as behaviour from '../scenarios/behaviour.ts';
import * as handshake from '../scenarios/handshake.ts';
import * as transfer from '../scenarios/transfer.ts';

/** SIM_SEEDS=1-1000 for the whole; fewer by default, so that the tests stay short. */
const { seeds = { from: 1, to: 100 } } = simEnvironment();

describe(transfer.name, () => {
  it(`seeds ${seeds.from} to ${seeds.to}: exact bytes or the user timeout, no invariant broken`, {
    timeout: 600_000,
  }, async () => {
    const file = 'test/sim/scenario/transfer.test.ts';
    expect(await checkSeeds(transfer, { file, seeds })).toBe(seeds.to - seeds.from + 1);
  });

  it('a tenth of them twice, forwards and backwards: the same hashes', { timeout: 600_000 }, async () => {
    const count = Math.max(6, Math.floor((seeds.to - seeds.from + 1) / 10));
    const sample = Array.from({ length: count }, (_, index) => seeds.from + index);
    const { differences, hashes } = await checkDeterminism(transfer, sample);
    expect(differences).toEqual([]);
    expect(new Set(hashes.values()).size).toBe(count);
  });

  it('its events in another order: still exact bytes', async () => {
    for (const seed of [1, 2, 3]) {
      const fifo = await runScenario(transfer, { seed });
      const shuffled = await runScenario(transfer, { seed, order: 'shuffled' });
      expect([shuffled.failure, fifo.failure]).toEqual([undefined, undefined]);
    }
  });

  it('its recorded plan instead of dice: the same hash', async () => {
    let entries = 0;
    for (const seed of [1, 2, 3, 4, 5]) {
      const first = await runScenario(transfer, { seed });
      const plan = JSON.parse(JSON.stringify(first.plan));
      const again = await runScenario(transfer, { seed, plan });
      entries += plan.length;
      expect(again.hash).toBe(first.hash);
    }
    expect(entries).toBeGreaterThan(100);
  });
});

describe(behaviour.name, () => {
  it('a thousand of them, and the one that found the window of a retransmission passed over', async () => {
    const file = 'test/sim/scenario/transfer.test.ts';
    await checkSeeds(behaviour, { file, seeds: { from: 1, to: 1000 } });
    for (const seed of [5626, 13_011, 19_098])
      expect((await runScenario(behaviour, { seed })).failure).toBeUndefined();
  });
});

describe('a scenario that fails in a test', () => {
  it('says everything: the command, what was enough, the ladder, the capture', async () => {
    const seeds = { from: 1, to: 20 };
    if (simEnvironment().seeds !== undefined) return;
    const failed = checkSeeds(handshake, { file: 'test/sim/scenario/transfer.test.ts', seeds });
    await expect(failed).rejects.toThrow(
      /seed \d+ · [^]*again: {3}SIM_SEEDS=\d+ npx vitest run test\/sim\/scenario\/transfer\.test\.ts\n {2}enough: [^]*ladder:[^]*capture: /,
    );
  });
});
