import { Worker } from 'node:worker_threads';
import { threadEntry } from './load-scenario.ts';

/** What a seed came to; a failure says what is needed to see it again. */
export interface SeedResult {
  readonly seed: number;
  readonly ok: boolean;
  /** The hash of the trace, what failed, … : plain JSON, the same each time the seed is run. */
  readonly [more: string]: unknown;
}

/** What a module may export as `runSeeds`, instead of a `scenario`: runs the seeds `from` to `to`, both included, in order. */
export type RunSeeds = (from: number, to: number) => AsyncIterable<SeedResult> | Iterable<SeedResult>;

/** What the thread says. */
export type RangeMessage =
  | { readonly type: 'results'; readonly results: readonly SeedResult[] }
  | { readonly type: 'done' };

/** What the thread is given. */
export interface RangeTask {
  readonly module: string;
  readonly from: number;
  readonly to: number;
}

const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? './bullmq-thread.ts' : './bullmq-thread.js',
  import.meta.url,
);

/** Runs a range in a thread of its own and hands results over as they come. Rejects unless every seed had its turn. */
export function runRange(
  module: string,
  from: number,
  to: number,
  take: (results: readonly SeedResult[]) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const workerData: RangeTask = { module, from, to };
    const thread = new Worker(threadEntry(THREAD, module), { workerData, execArgv: [] });
    let expected = from;
    let done = false;
    thread.on('message', (message: RangeMessage) => {
      if (message.type === 'done') {
        done = true;
        return;
      }
      for (const { seed } of message.results) {
        if (seed !== expected) {
          reject(new Error(`${module} gave seed ${seed} where ${expected} was due`));
          void thread.terminate();
          return;
        }
        expected += 1;
      }
      take(message.results);
    });
    thread.once('error', reject);
    thread.once('exit', (code) => {
      if (done && expected === to + 1) resolve();
      else reject(new Error(`the range ${from}-${to} ended at seed ${expected} (exit code ${code})`));
    });
  });
}
