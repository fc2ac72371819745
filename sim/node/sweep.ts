import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Duration } from '../../stack/time.ts';
import type { WorldOptions } from '../world.ts';
import { commitOf } from './commit.ts';
import type { SeedRange } from './environment.ts';
import { FailuresFile } from './failures-file.ts';
import { threadEntry } from './load-scenario.ts';
import type { SweepFailure, SweepMessage, SweepTask, SweepThreadData } from './sweep-messages.ts';

/** What to sweep over. */
export interface SweepOptions {
  /** Path of the scenario's module. */
  readonly scenario: string;
  /** Its name, by which the corpus knows it; without it the corpus is not run. */
  readonly name?: string;
  readonly seeds: SeedRange;
  /** Worker threads; 1 at first. */
  readonly jobs?: number;
  /** Ends after so many failures; 10 at first. */
  readonly failFast?: number;
  /** Real seconds after which no new seeds are begun. */
  readonly timeout?: number;
  readonly configuration?: Partial<WorldOptions>;
  /** Virtual time that a run may take. */
  readonly timeLimit?: Duration;
  /** Each seed twice. */
  readonly checkDeterminism?: boolean;
  /** JSONL file for a line a seed. */
  readonly results?: string;
  /** The corpus. */
  readonly failures?: string;
  /** Folder for captures; `test-output` at first. */
  readonly output?: string;
  /** Runs that shrinking one failure may take; 200 at first, 0 for none. */
  readonly shrinkBudget?: number;
  /** Failures that are shrunk and reported at length; 3 at first. */
  readonly reports?: number;
  /** Hears how far it is, at most a few times a second. */
  readonly progress?: (progress: SweepProgress) => void;
}

/** How far a sweep is. */
export interface SweepProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

/** How a sweep went. */
export interface SweepResult extends SweepProgress {
  readonly failures: readonly SweepFailure[];
  /** Why it ended before all seeds were run. */
  readonly stopped: 'failures' | 'timeout' | undefined;
  /** Real seconds. */
  readonly seconds: number;
}

/** Runs all seeds over worker threads, those of the corpus first. Rejects if the scenario cannot be loaded. */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const run = new Sweep(options);
  try {
    return await run.finish();
  } finally {
    await run.close();
  }
}

class Sweep {
  readonly #options: SweepOptions;
  readonly #workers: Worker[] = [];
  readonly #tasks: SweepTask[];
  readonly #file: number | undefined;
  readonly #corpus: FailuresFile | undefined;
  readonly #began: number = performance.now();
  readonly #failures: SweepFailure[] = [];
  readonly #total: number;
  #done: number = 0;
  #stopped: 'failures' | 'timeout' | undefined;
  #lastProgress: number = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
    const { seeds, results, failures, name } = options;
    this.#corpus = failures === undefined ? undefined : new FailuresFile(failures);
    const known = name === undefined ? [] : (this.#corpus?.read(name) ?? []);
    const again = known.flatMap(({ seed, plan }): SweepTask[] => {
      const bySeed = { from: seed, to: seed, report: false };
      return plan === undefined ? [bySeed] : [bySeed, { ...bySeed, plan }];
    });
    this.#tasks = [...again, ...chunks(seeds, options.jobs ?? 1)];
    this.#total = again.length + (seeds.to - seeds.from + 1);
    if (results !== undefined) {
      mkdirSync(dirname(results), { recursive: true });
      this.#file = openSync(results, 'a');
    }
  }

  async finish(): Promise<SweepResult> {
    await Promise.all(Array.from({ length: this.#options.jobs ?? 1 }, () => this.#work()));
    this.#progress(true);
    const seconds = (performance.now() - this.#began) / 1000;
    const { length: failed } = this.#failures;
    return {
      done: this.#done,
      total: this.#total,
      failed,
      failures: this.#failures,
      stopped: this.#stopped,
      seconds,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    if (this.#file !== undefined) closeSync(this.#file);
  }

  /** One worker, until no task is left. */
  #work(): Promise<void> {
    const worker = this.#startWorker();
    this.#workers.push(worker);
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a worker thread ended by itself (exit code ${code})`)));
      worker.on('message', (message: SweepMessage) => {
        if (message.type === 'broken') return reject(new Error(message.message));
        if (message.type === 'lines') this.#take(message);
        else if (!this.#next(worker)) return resolve();
        if (this.#stopped !== undefined) resolve();
      });
    });
  }

  #startWorker(): Worker {
    const { scenario, configuration, timeLimit, checkDeterminism, output, shrinkBudget } = this.#options;
    const workerData: SweepThreadData = {
      scenario,
      configuration,
      timeLimit,
      checkDeterminism: checkDeterminism ?? false,
      commit: commitOf(),
      output: output ?? 'test-output',
      shrinkBudget: shrinkBudget ?? 200,
    };
    const here = import.meta.url;
    const thread = new URL(here.endsWith('.ts') ? './sweep-thread.ts' : './sweep-thread.js', here);
    return new Worker(threadEntry(thread, scenario), { workerData, execArgv: [] });
  }

  /** Gives the worker its next task; false if there is none. */
  #next(worker: Worker): boolean {
    const { timeout } = this.#options;
    if (timeout !== undefined && performance.now() - this.#began > timeout * 1000)
      this.#stopped ??= 'timeout';
    const task = this.#stopped === undefined ? this.#tasks.shift() : undefined;
    if (task === undefined) return false;
    const reported = this.#failures.filter(({ report }) => report !== undefined).length;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ ...task, report: reported < (this.#options.reports ?? 3) });
    return true;
  }

  #take(message: Extract<SweepMessage, { type: 'lines' }>): void {
    const { lines, failures } = message;
    if (this.#file !== undefined)
      writeSync(this.#file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (const failure of failures) {
      this.#failures.push(failure);
      this.#corpus?.add(failure);
    }
    this.#done += lines.length;
    if (this.#failures.length >= (this.#options.failFast ?? 10)) this.#stopped ??= 'failures';
    this.#progress(false);
  }

  #progress(last: boolean): void {
    const now = performance.now();
    if (!last && now - this.#lastProgress < 250) return;
    this.#lastProgress = now;
    const { length: failed } = this.#failures;
    this.#options.progress?.({ done: this.#done, total: this.#total, failed });
  }
}

/** The range in pieces: small enough that no worker is left with a long one at the end. */
function chunks({ from, to }: SeedRange, jobs: number): SweepTask[] {
  const size = Math.max(1, Math.min(200, Math.ceil((to - from + 1) / (jobs * 8))));
  const tasks: SweepTask[] = [];
  for (let at = from; at <= to; at += size)
    tasks.push({ from: at, to: Math.min(at + size - 1, to), report: true });
  return tasks;
}
