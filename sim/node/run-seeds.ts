import { type ScenarioModule, runScenario } from '../scenario/scenario.ts';
import { tick } from './tick.ts';

/** A seed's result as plain JSON, the same each time. */
export interface SeedLine {
  readonly seed: number;
  readonly ok: boolean;
  readonly hash: string;
  readonly kind?: string;
  readonly message?: string;
  readonly [more: string]: unknown;
}

/**
 * What `sim/node/bullmq.ts` wants a scenario's module to export as `runSeeds`:
 * `export const runSeeds = runSeedsOf({ scenario, name });`
 */
export function runSeedsOf(module: ScenarioModule): (from: number, to: number) => AsyncIterable<SeedLine> {
  return async function* runSeeds(from, to) {
    for (let seed = from; seed <= to; seed++) {
      const { ok, hash, failure } = await runScenario(module, { seed, tick });
      yield { seed, ok, hash, ...(failure && { kind: failure.kind, message: failure.message }) };
    }
  };
}
