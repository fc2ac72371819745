/**
 * Sweeps over many computers by BullMQ and Redis: seeds are no longer lost when a worker is killed. Needs `bullmq` and `ioredis`
 * installed beside this package; neither is loaded before it is used.
 *
 * A job is a range of seeds. Workers append results to files of their own, one line a seed, and a range may be run more than once
 * (a worker that was killed, a lock that was lost): `collectResults` makes each seed appear once.
 */

import { createHash } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { SeedRange } from './environment.ts';
import { runRange } from './bullmq-range.ts';
import { type ResultKey, ResultFile } from './bullmq-results.ts';

export {
  collectResults,
  type CollectedResults,
  type CollectOptions,
  type ResultKey,
} from './bullmq-results.ts';
export type { SeedRange };
export type { RunSeeds, SeedResult } from './bullmq-range.ts';

/** Where Redis is; more options of ioredis may stand beside these. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly [option: string]: unknown;
}

/** A queue of ranges. */
export interface SweepQueue {
  readonly redis: RedisPlace;
  /** The queue's name; `glasstack-sweep`. */
  readonly queue?: string | undefined;
}

/** Seeds to be run. The key goes into each line of the results. */
export interface Sweep extends ResultKey {
  /** The scenario's module (it exports `scenario`, or `runSeeds`): a file URL that is valid at the workers'. */
  readonly module: string;
  readonly from: number;
  /** The last seed. */
  readonly to: number;
  /** Seeds in a job, 1,000 by default: worth some seconds of computing. */
  readonly size?: number | undefined;
}

/** What a job holds. */
interface RangeJob extends ResultKey {
  readonly module: string;
  readonly from: number;
  readonly to: number;
}

/** How a worker works. */
export interface SweepWorkerOptions extends SweepQueue {
  /** The folder of the results; each worker writes a file of its own there. */
  readonly folder: string;
  /** After so many milliseconds without a sign of life a job is given to somebody else; 30,000. */
  readonly lockDuration?: number | undefined;
  /** How often that is looked at; every 15,000 milliseconds. */
  readonly stalledInterval?: number | undefined;
  /** Hears that Redis cannot be reached, and the like; the worker tries again by itself. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** A running worker. */
export interface SweepWorker {
  /** Finishes the range in hand, and ends. */
  close(): Promise<void>;
}

/** A range that was given up. */
export interface FailedRange extends SeedRange {
  readonly reason: string;
}

/** How a queue stands. */
export interface SweepProgress {
  /** Ranges that are waiting or being run. */
  readonly open: number;
  /** Ranges that were given up after several attempts. */
  readonly failed: readonly FailedRange[];
}

const DEFAULT_QUEUE = 'glasstack-sweep';
const DEFAULT_SIZE = 1_000;
const BULK = 500;
const ATTEMPTS = 3;
/** How often the workers of a range may die before the range is held to be the reason. */
const MOST_STALLS = 10;

/**
 * Puts a sweep into the queue and returns how many ranges it has. Calling it again while ranges are waiting doubles nothing; ranges that
 * were through are run again, which changes no result.
 */
export async function enqueueSweep(place: SweepQueue, sweep: Sweep): Promise<number> {
  const { commit, scenario, settings, module, from, to } = sweep;
  const size = sweep.size ?? DEFAULT_SIZE;
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to))
    throw new RangeError(`seeds from ${from} to ${to} are no range`);
  if (!(Number.isSafeInteger(size) && size > 0))
    throw new RangeError(`a job of ${size} seeds makes no sense`);
  const ranges: RangeJob[] = [];
  for (let first = from; first <= to; first += size) {
    ranges.push({ commit, scenario, settings, module, from: first, to: Math.min(to, first + size - 1) });
  }
  return withQueue(place, async (queue) => {
    for (let at = 0; at < ranges.length; at += BULK) {
      await queue.addBulk(
        ranges.slice(at, at + BULK).map((data) => ({ name: 'range', data, opts: jobOptions(data) })),
      );
    }
    return ranges.length;
  });
}

/** Works on ranges, one at a time and in a thread of its own, so that the lock is kept while the seeds are computed. */
export async function startSweepWorker(options: SweepWorkerOptions): Promise<SweepWorker> {
  const { redis, queue = DEFAULT_QUEUE, folder, lockDuration = 30_000, stalledInterval = 15_000 } = options;
  const { Worker } = await bullmq();
  const results = new ResultFile(folder);
  const worker = new Worker<RangeJob>(
    queue,
    async ({ data }) => {
      await runRange(data.module, data.from, data.to, (batch) => results.append(data, batch));
      results.sync(); // before the queue forgets the range
    },
    {
      connection: { ...redis, maxRetriesPerRequest: null },
      concurrency: 1,
      lockDuration,
      stalledInterval,
      maxStalledCount: MOST_STALLS,
    },
  );
  worker.on('error', (error) => options.onError?.(error));
  return {
    close: async () => {
      await worker.close();
      results.close();
    },
  };
}

/** How far a queue is. */
export async function sweepProgress(place: SweepQueue): Promise<SweepProgress> {
  return withQueue(place, progressOf);
}

/** Waits until no range is open any more. Somebody has to work on them meanwhile. */
export async function awaitSweep(place: SweepQueue, everyMs: number = 500): Promise<SweepProgress> {
  return withQueue(place, async (queue) => {
    for (;;) {
      const progress = await progressOf(queue);
      if (progress.open === 0) return progress;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  });
}

async function progressOf(queue: Queue<RangeJob>): Promise<SweepProgress> {
  const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
  const failed = await queue.getFailed();
  return {
    open: Object.values(counts).reduce((sum, count) => sum + count, 0),
    failed: failed.map(({ data, failedReason }) => ({ from: data.from, to: data.to, reason: failedReason })),
  };
}

/** The same range has the same name, so that it waits once only; digits alone and colons are not allowed. */
function jobOptions(range: RangeJob): object {
  const { commit, scenario, settings, from, to } = range;
  const name = createHash('sha256').update(JSON.stringify([commit, scenario, settings, from, to]));
  return {
    jobId: `range-${name.digest('hex').slice(0, 32)}`,
    attempts: ATTEMPTS,
    backoff: { type: 'exponential', delay: 1_000 },
    removeOnComplete: true,
  };
}

async function withQueue<T>(place: SweepQueue, work: (queue: Queue<RangeJob>) => Promise<T>): Promise<T> {
  const { Queue } = await bullmq();
  const queue = new Queue<RangeJob>(place.queue ?? DEFAULT_QUEUE, { connection: { ...place.redis } });
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

async function bullmq(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq');
  } catch (cause) {
    throw new Error('sweeps over Redis need two more packages: npm install bullmq ioredis', { cause });
  }
}
