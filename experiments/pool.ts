import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** What the worker processes can run; `worker.ts` has them. */
export interface Task {
  readonly experiment: string;
  readonly job: unknown;
}

type Reply = { readonly result: unknown } | { readonly error: string };

/** Runs `jobs` of an experiment in worker processes, in order of the list; the results are in that order, too. */
export async function inProcesses<Job, Result>(
  experiment: string,
  jobs: readonly Job[],
  options: { readonly processes?: number; readonly done?: (finished: number, of: number) => void } = {},
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let finished = 0;
  const work = async (): Promise<void> => {
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)));
    try {
      for (let index = next; index < jobs.length; index = next) {
        next += 1;
        // oxlint-disable-next-line no-await-in-loop -- a worker takes one job after the other
        results[index] = (await ask(child, { experiment, job: jobs[index] })) as Result;
        finished += 1;
        options.done?.(finished, jobs.length);
      }
    } finally {
      child.disconnect();
    }
  };
  const processes = Math.min(options.processes ?? availableParallelism(), jobs.length);
  await Promise.all(Array.from({ length: processes }, work));
  return results;
}

function ask(child: ChildProcess, task: Task): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const exited = (): void => reject(new Error('a worker process ended in mid-job'));
    child.once('exit', exited);
    child.once('message', (reply: Reply) => {
      child.removeListener('exit', exited);
      if ('error' in reply) reject(new Error(reply.error));
      else resolve(reply.result);
    });
    child.send(task);
  });
}

/** Shows how far a list of jobs is, on one line of stderr. */
export function progress(what: string): (finished: number, of: number) => void {
  return (finished, of) => {
    if (process.stderr.isTTY || finished === of || finished % 20 === 0)
      process.stderr.write(
        `${process.stderr.isTTY ? '\r' : ''}${what}: ${finished} of ${of}${process.stderr.isTTY && finished < of ? '' : '\n'}`,
      );
  };
}
