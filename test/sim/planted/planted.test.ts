import { describe, expect, it } from 'vitest';
import type * as Sim from '../../../sim/sim.ts';
import { plant } from './plant.ts';

/** Seeds within which a sweep has to find each fault. */
const SEEDS = 150;

/** The fault, the scenario, how a run of it shows the fault, and a seed shortly before the first that does, to save time. */
const FAULTS = [
  ['reassembly', 'slow-reader', /invariant 3/, 1],
  ['rto', 'slow-reader', /invariant 6/, 1],
  ['window-update', 'slow-reader', /invariant 4/, 1],
  ['time-wait', 'slow-reader', /closing|liveness/, 1],
  ['scoreboard', 'chaos', /invariant 12/, 1],
  ['rate-reduction', 'chaos', /invariant 12/, 1],
  ['undo', 'chaos', /invariant 12/, 48],
  ['loss-probe', 'chaos', /invariant 14/, 1],
  ['path-mtu', 'chaos', /liveness/, 110],
  ['record', 'chaos', /invariant 2/, 92],
  ['syn-cookie', 'chaos', /invariant 4/, 1],
] as const;

describe('planted faults', () => {
  it.each(FAULTS)(
    '%s is found by %s, and shrunk to a few events',
    { timeout: 120_000 },
    async (patch, scenario, shown, first) => {
      const at = plant(patch);
      const sim: typeof Sim = await import(/* @vite-ignore */ at('sim/sim.ts'));
      const module: Sim.ScenarioModule = await import(
        /* @vite-ignore */ at(`test/sim/scenarios/${scenario}.ts`)
      );
      for (let seed: number = first; seed <= SEEDS; seed++) {
        const result = await sim.runScenario(module, { seed });
        if (result.ok) continue;
        expect(result.failure?.message).toMatch(shown);
        const shrunk = await sim.shrink(module, result, { budget: 300 });
        expect(shrunk.after).toBeLessThanOrEqual(scenario === 'chaos' ? 10 : 5);
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
