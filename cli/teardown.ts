import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const steps: (() => void)[] = [];

/** Runs `step` when the process ends: by itself, by `process.exit`, by an exception. The step made last runs first. */
export function atEnd(step: () => void): void {
  if (steps.length === 0) process.once('exit', runSteps);
  steps.push(step);
}

function runSteps(): void {
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      step();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      process.stderr.write(`glasstack: while cleaning up: ${message}\n`);
    }
  }
}

/**
 * Ends the process on Ctrl-C and its kin, so that the steps run; with the signal's exit code unless `code` says another one.
 * A program that handles a signal itself is left to it.
 */
export function endOnSignals(code?: number): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      process.exit(code ?? 128 + constants.signals[signal]);
    });
  }
}
