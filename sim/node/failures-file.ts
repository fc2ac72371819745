import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PlanEntry } from '../plan.ts';
import type { SweepFailure, SweepLine } from './sweep-messages.ts';

/** A failure of the past: its line, and the least that failed then. */
export interface KnownFailure extends SweepLine {
  readonly plan?: readonly PlanEntry[];
}

/**
 * The corpus of failures, one JSON a line. It is run first in every sweep; entries are added by sweeps and taken out by hand only.
 * The plan is kept as well, because any change in the number of draws makes a bare seed mean something else.
 */
export class FailuresFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The entries of a scenario. @throws if a line is no JSON */
  read(scenario: string): readonly KnownFailure[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, 'utf8').split('\n');
    return lines
      .flatMap((text, index) => (text.trim() === '' ? [] : [this.#parse(text, index + 1)]))
      .filter((entry) => entry.scenario === scenario);
  }

  /** Adds a failure, unless the same seed of the same scenario and settings is there. */
  add(failure: SweepFailure): void {
    const { line, plan } = failure;
    const known = this.read(line.scenario).some(
      ({ seed, settings }) => seed === line.seed && settings === line.settings,
    );
    if (known) return;
    mkdirSync(dirname(this.path), { recursive: true });
    appendFileSync(this.path, `${JSON.stringify({ ...line, ...(plan && { plan }) })}\n`);
  }

  #parse(text: string, number: number): KnownFailure {
    try {
      return JSON.parse(text) as KnownFailure;
    } catch {
      throw new Error(`${this.path}, line ${number} is no JSON: mend it or take it out`);
    }
  }
}
