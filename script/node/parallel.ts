import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { runScript, type RunOptions } from '../run/run-script.ts';
import type { ScriptResult } from '../run/result.ts';
import { readScript } from './script-files.ts';

/** Below so many scripts, starting a thread takes longer than running them. */
const WORTH_A_THREAD = 200;

/** A thread's share of the work. */
export interface WorkerTask {
  readonly paths: readonly string[];
  readonly options: RunOptions;
}

/** Runs scripts on the stack; many of them in several threads. Results come in the order of the paths. */
export async function runFiles(
  paths: readonly string[],
  options: RunOptions,
  jobs: number | undefined,
): Promise<ScriptResult[]> {
  const useful = Math.ceil(paths.length / WORTH_A_THREAD);
  const threads = Math.min(jobs ?? Math.min(availableParallelism(), useful), paths.length);
  if (threads <= 1) return runPaths({ paths, options });
  const shares = Array.from({ length: threads }, (_, thread) =>
    paths.filter((_, index) => index % threads === thread),
  );
  const results = await Promise.all(shares.map((share) => inWorker({ paths: share, options })));
  return paths.flatMap((_, index) => results[index % threads]?.[Math.floor(index / threads)] ?? []);
}

/** What a thread does. */
export function runPaths({ paths, options }: WorkerTask): ScriptResult[] {
  return paths.map((path) => runScript(readScript(path).text, { ...options, name: path }));
}

function inWorker(task: WorkerTask): Promise<ScriptResult[]> {
  return new Promise((resolve, reject) => {
    const worker = startWorker(task);
    worker.once('message', (results: ScriptResult[]) => resolve(results));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a thread that runs scripts ended with code ${code}`)));
  });
}

/** From the package as it is, or, where the sources themselves run, with a loader for them. */
function startWorker(workerData: WorkerTask): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./script-worker.js', import.meta.url), { workerData });
  const { resolve } = createRequire(import.meta.url);
  const loader = pathToFileURL(resolve('tsx/esm/api').replace(/cjs$/, 'mjs')).href;
  const file = new URL('./script-worker.ts', import.meta.url).href;
  const program = `import('${loader}').then((tsx) => { tsx.register(); return import('${file}'); });`;
  return new Worker(program, { eval: true, workerData, execArgv: [] });
}
