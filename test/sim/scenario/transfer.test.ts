import { describe, expect, it } from 'vitest';
import { checkDeterminism, failureReport, runScenario } from '../../../sim/sim.ts';
import { simEnvironment } from '../../../sim/node/sim-node.ts';
import * as transfer from '../scenarios/transfer.ts';

/** SIM_SEEDS=1-1000 for the whole; fewer by default, so that the tests stay short. */
const { seeds = { from: 1, to: 100 } } = simEnvironment();

describe(transfer.name, () => {
  it(`seeds ${seeds.from} to ${seeds.to}: exact bytes or the user timeout, no invariant broken`, {
    timeout: 600_000,
  }, async () => {
    for (let seed = seeds.from; seed <= seeds.to; seed++) {
      const result = await runScenario(transfer, { seed });
      if (result.ok) continue;
      const again = await runScenario(transfer, { seed, record: true });
      const command = `SIM_SEEDS=${seed} npx vitest run test/sim/scenario/transfer.test.ts`;
      throw new Error(failureReport(again, { name: transfer.name, again: command, configuration: '-' }));
    }
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
