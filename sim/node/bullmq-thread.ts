/** The thread that computes a range of seeds: see `runRange`. */

import { parentPort, workerData } from 'node:worker_threads';
import type { ScenarioModule } from '../scenario/scenario.ts';
import { runSeedsOf } from './run-seeds.ts';
import type { RangeMessage, RangeTask, RunSeeds, SeedResult } from './bullmq-range.ts';

/** Results are handed over about so often, so that a killed worker loses little of what it has computed. */
const BATCH_MILLISECONDS = 100;

async function main(): Promise<void> {
  const { module, from, to } = workerData as RangeTask;
  const port = parentPort;
  if (port === null) throw new Error('this file is a worker thread');
  const say = (message: RangeMessage): void => port.postMessage(message);
  const runSeeds = await load(module);
  let batch: SeedResult[] = [];
  let handedOver = performance.now();
  for await (const result of runSeeds(from, to)) {
    batch.push(result);
    if (performance.now() - handedOver < BATCH_MILLISECONDS) continue;
    say({ type: 'results', results: batch });
    batch = [];
    handedOver = performance.now();
  }
  if (batch.length > 0) say({ type: 'results', results: batch });
  say({ type: 'done' });
}

/** A scenario as `glasstack sim` takes it, or whatever else can run seeds. */
async function load(module: string): Promise<RunSeeds> {
  const { runSeeds, ...rest } = (await import(module)) as Partial<ScenarioModule> & { runSeeds?: RunSeeds };
  if (typeof runSeeds === 'function') return runSeeds;
  const { scenario } = rest;
  if (typeof scenario === 'function') return runSeedsOf({ ...rest, scenario });
  throw new TypeError(`${module} exports neither scenario({ world }) nor runSeeds(from, to)`);
}

await main();
