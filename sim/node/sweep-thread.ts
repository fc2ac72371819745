/** A worker thread of a sweep: runs the ranges that it is given, a fresh world for each seed. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SweepFailure, SweepLine, SweepMessage, SweepTask, SweepThreadData } from './sweep-messages.ts';
import { SweepRunner } from './sweep-runner.ts';

/** Lines that are handed over together. */
const BATCH = 64;

function say(message: SweepMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

async function run(runner: SweepRunner, task: SweepTask): Promise<void> {
  let lines: SweepLine[] = [];
  for (let seed = task.from; seed <= task.to; seed++) {
    const { line, failure } = await runner.run(seed, task.plan, task.report);
    lines.push(line);
    const failures: SweepFailure[] = failure === undefined ? [] : [failure];
    if (lines.length < BATCH && failures.length === 0) continue;
    say({ type: 'lines', lines, failures });
    lines = [];
  }
  if (lines.length > 0) say({ type: 'lines', lines, failures: [] });
  say({ type: 'done' });
}

try {
  const runner = await SweepRunner.open(workerData as SweepThreadData);
  parentPort?.on('message', (task: SweepTask) => {
    run(runner, task).catch((error: unknown) => say({ type: 'broken', message: String(error) }));
  });
  say({ type: 'ready' });
} catch (error) {
  say({ type: 'broken', message: error instanceof Error ? error.message : String(error) });
}
