import type { PlanEntry } from '../plan.ts';
import type { Duration } from '../../stack/time.ts';
import type { WorldOptions } from '../world.ts';

/** What a worker thread of a sweep is made with. */
export interface SweepThreadData {
  readonly scenario: string;
  readonly configuration: Partial<WorldOptions> | undefined;
  readonly timeLimit: Duration | undefined;
  readonly checkDeterminism: boolean;
  /** Commit, for lines and reports. */
  readonly commit: string;
  /** Where captures go. */
  readonly output: string;
  /** Runs that shrinking a failure may take; 0: none. */
  readonly shrinkBudget: number;
}

/** What it is told to do. */
export interface SweepTask {
  readonly from: number;
  readonly to: number;
  /** A plan of the corpus, instead of the dice of the one seed. */
  readonly plan?: readonly PlanEntry[];
  /** Failures may be shrunk and reported at length. */
  readonly report: boolean;
}

/** One line of the results. */
export interface SweepLine {
  readonly commit: string;
  readonly scenario: string;
  /** Hash of what its worlds are made with. */
  readonly settings: string;
  readonly seed: number;
  readonly ok: boolean;
  readonly hash: string;
  readonly events: number;
  /** Virtual µs. */
  readonly virtual: number;
  readonly kind?: string;
  readonly message?: string;
}

/** A failure at length. */
export interface SweepFailure {
  readonly line: SweepLine;
  readonly report: string | undefined;
  /** The least that fails, for the corpus. */
  readonly plan: readonly PlanEntry[] | undefined;
}

/** What a worker thread says. */
export type SweepMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'broken'; readonly message: string }
  | {
      readonly type: 'lines';
      readonly lines: readonly SweepLine[];
      readonly failures: readonly SweepFailure[];
    }
  | { readonly type: 'done' };
