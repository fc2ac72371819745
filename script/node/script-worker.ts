/** A thread that runs its share of the scripts. */

import { parentPort, workerData } from 'node:worker_threads';
import { runPaths, type WorkerTask } from './parallel.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads, not a window
parentPort?.postMessage(runPaths(workerData as WorkerTask));
