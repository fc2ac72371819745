/** What the deterministic world needs of Node: real turns, files, worker threads. */
export { checkSeeds, type CheckSeedsOptions } from './check-seeds.ts';
export { commitOf } from './commit.ts';
export { parseSeeds, partOf, type SeedRange, simEnvironment, type SimEnvironment } from './environment.ts';
export { FailuresFile, type KnownFailure } from './failures-file.ts';
export { loadScenario, type LoadedScenario } from './load-scenario.ts';
export { runSeedsOf, type SeedLine } from './run-seeds.ts';
export { sweep, type SweepOptions, type SweepProgress, type SweepResult } from './sweep.ts';
export { tick } from './tick.ts';
