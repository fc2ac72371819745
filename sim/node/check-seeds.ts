import { relative } from 'node:path';
import type { ScenarioModule } from '../scenario/scenario.ts';
import { commitOf } from './commit.ts';
import { type SeedRange, simEnvironment } from './environment.ts';
import { SweepRunner } from './sweep-runner.ts';

/** How a test runs its seeds. */
export interface CheckSeedsOptions {
  /** The test's file (`import.meta.filename`), for the command that runs a seed again. */
  readonly file: string;
  /** Without SIM_SEEDS; 1 to 100 at first. */
  readonly seeds?: SeedRange;
  /** Runs that shrinking the failure may take; 100 at first. */
  readonly shrinkBudget?: number;
}

/**
 * Runs a scenario with the seeds of SIM_SEEDS in one test, as a loop is much faster than a test a seed. Throws the report of the first
 * that fails: shrunk, with its ladder, a capture and the command that gives it again. Returns how many seeds were run.
 */
export async function checkSeeds(module: ScenarioModule, options: CheckSeedsOptions): Promise<number> {
  const environment = simEnvironment();
  const { from, to } = environment.seeds ?? options.seeds ?? { from: 1, to: 100 };
  const { timeLimit, configuration, checkDeterminism } = environment;
  const limited = timeLimit === undefined ? configuration : { ...configuration, timeLimit };
  const file = relative(process.cwd(), options.file);
  const scenario = {
    scenario: module.scenario,
    name: module.name ?? file,
    world: { ...module.world, ...limited },
    open: module.open ?? false,
  };
  const data = {
    scenario: file,
    configuration,
    timeLimit,
    checkDeterminism,
    commit: commitOf(),
    output: 'test-output',
    shrinkBudget: options.shrinkBudget ?? 100,
  };
  const again = (seed: number): string => `SIM_SEEDS=${seed} npx vitest run ${file}`;
  const runner = new SweepRunner(scenario, data, again);
  for (let seed = from; seed <= to; seed++) {
    const { failure } = await runner.run(seed, undefined, true);
    if (failure !== undefined) throw new Error(failure.report ?? failure.line.message);
  }
  return to - from + 1;
}
