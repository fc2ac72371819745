import { describe, expect, it } from 'vitest';
import type * as Sim from '../../../sim/sim.ts';
import { plant } from './plant.ts';

/** Seeds within which a sweep has to find each fault. */
const SEEDS = 150;

/** The fault, and how a run of the scenario shows it. */
const FAULTS = [
  ['reassembly', /invariant 3/],
  ['rto', /invariant 6/],
  ['window-update', /invariant 4/],
  ['time-wait', /closing|liveness/],
] as const;

describe('planted faults', () => {
  it.each(FAULTS)(
    '%s is found, and shrunk to at most five events',
    { timeout: 60_000 },
    async (patch, shown) => {
      const at = plant(patch);
      const sim: typeof Sim = await import(/* @vite-ignore */ at('sim/sim.ts'));
      const module: Sim.ScenarioModule = await import(
        /* @vite-ignore */ at('test/sim/scenarios/slow-reader.ts')
      );
      for (let seed = 1; seed <= SEEDS; seed++) {
        const result = await sim.runScenario(module, { seed });
        if (result.ok) continue;
        expect(result.failure?.message).toMatch(shown);
        const shrunk = await sim.shrink(module, result, { budget: 200 });
        expect(shrunk.after).toBeLessThanOrEqual(5);
        expect(shrunk.result.failure?.kind).toBe(result.failure?.kind);
        const report = sim.failureReport(result, { name: patch, again: 'again', configuration: '-', shrunk });
        expect(report).toContain('enough:');
        return;
      }
      throw new Error(`not found within ${SEEDS} seeds`);
    },
  );

  it('without a fault, seeds 1 to 40 are fine', async () => {
    const sim = await import('../../../sim/sim.ts');
    const module = await import('../scenarios/slow-reader.ts');
    for (let seed = 1; seed <= 40; seed++) {
      const result = await sim.runScenario(module, { seed });
      expect([seed, result.failure?.message]).toEqual([seed, undefined]);
    }
  });
});
