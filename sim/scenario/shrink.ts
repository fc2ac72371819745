import type { PlanEntry } from '../plan.ts';
import { type RunOptions, type RunResult, type ScenarioModule, runScenario } from './scenario.ts';

/** How shrinking goes about it. */
export interface ShrinkOptions {
  /** Runs it may take; 300 at first. */
  readonly budget?: number;
  readonly tick?: RunOptions['tick'];
  readonly order?: RunOptions['order'];
}

/** The least that still fails in the same way. */
export interface Shrunk {
  /** What is left of the plan, sizes included. */
  readonly plan: readonly PlanEntry[];
  /** Impairments and actions before and after. */
  readonly before: number;
  readonly after: number;
  readonly runs: number;
  /** False: the budget ended first, or the plan by itself does not fail in that way. */
  readonly done: boolean;
  /** The run with what is left, with its trace. */
  readonly result: RunResult;
}

/** Whether an entry is an impairment, something the user did, or a size. */
function phaseOf(entry: PlanEntry): 'fault' | 'action' | 'size' {
  return entry.kind === 'action' || entry.kind === 'size' ? entry.kind : 'fault';
}

/**
 * Delta debugging over the recorded plan: first impairments, then the user's actions, then sizes. A candidate counts only if it fails
 * with the same assertion as `failed`.
 */
export async function shrink(
  module: ScenarioModule,
  failed: RunResult,
  options: ShrinkOptions = {},
): Promise<Shrunk> {
  const { tick, order } = options;
  const base: Omit<RunOptions, 'plan'> = {
    seed: failed.seed,
    ...(tick && { tick }),
    ...(order && { order }),
    maxEvents: failed.steps * 20 + 100_000,
  };
  const search = new Search(module, base, failed.failure?.kind ?? '', options.budget ?? 300);
  const faults = failed.plan.filter((entry) => phaseOf(entry) === 'fault');
  const actions = failed.plan.filter((entry) => phaseOf(entry) === 'action');
  const sizes = failed.plan.filter((entry) => phaseOf(entry) === 'size');
  let plan = failed.plan;
  const repeats = await search.fails(plan);
  if (repeats) {
    const fewerFaults = await search.least(faults, (some) => [...some, ...actions, ...sizes]);
    const fewerActions = await search.least(actions, (some) => [...fewerFaults, ...some, ...sizes]);
    const smaller = await search.smaller(sizes, (some) => [...fewerFaults, ...fewerActions, ...some]);
    plan = [...fewerFaults, ...fewerActions, ...smaller];
  }
  const result = await runScenario(module, { ...base, plan, record: true });
  const count = (entries: readonly PlanEntry[]): number =>
    entries.filter((entry) => phaseOf(entry) !== 'size').length;
  return {
    plan,
    before: count(failed.plan),
    after: count(plan),
    runs: search.runs,
    done: repeats && search.left > 0,
    result,
  };
}

class Search {
  readonly #module: ScenarioModule;
  readonly #base: Omit<RunOptions, 'plan'>;
  readonly #kind: string;
  left: number;
  runs: number = 0;

  constructor(module: ScenarioModule, base: Omit<RunOptions, 'plan'>, kind: string, budget: number) {
    this.#module = module;
    this.#base = base;
    this.#kind = kind;
    this.left = budget;
  }

  /** Whether this plan fails with the assertion that is looked for; false when the budget is spent. */
  async fails(plan: readonly PlanEntry[]): Promise<boolean> {
    if (this.left <= 0) return false;
    this.left -= 1;
    this.runs += 1;
    const result = await runScenario(this.#module, { ...this.#base, plan });
    return result.failure?.kind === this.#kind;
  }

  /** A subset of `entries` from which nothing can be left out (ddmin), if `around` it fails. */
  async least(
    entries: readonly PlanEntry[],
    around: (some: readonly PlanEntry[]) => readonly PlanEntry[],
  ): Promise<readonly PlanEntry[]> {
    if (entries.length === 0 || (await this.fails(around([])))) return [];
    let kept = entries;
    let parts = 2;
    while (kept.length >= 2 && this.left > 0) {
      const smaller = await this.#leaveOut(kept, parts, around);
      if (smaller !== undefined) {
        parts = Math.max(2, Math.min(parts, smaller.length));
        kept = smaller;
      } else if (parts >= kept.length) {
        break;
      } else {
        parts = Math.min(kept.length, parts * 2);
      }
    }
    return kept;
  }

  /** `kept` as one of its `parts`, or without one of them; undefined if none of that fails. */
  async #leaveOut(
    kept: readonly PlanEntry[],
    parts: number,
    around: (some: readonly PlanEntry[]) => readonly PlanEntry[],
  ): Promise<readonly PlanEntry[] | undefined> {
    const size = Math.ceil(kept.length / parts);
    for (let from = 0; from < kept.length; from += size) {
      const part = kept.slice(from, from + size);
      if (parts > 2 || part.length === kept.length) continue;
      if (await this.fails(around(part))) return part;
    }
    for (let from = 0; from < kept.length; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (rest.length < kept.length && (await this.fails(around(rest)))) return rest;
    }
    return undefined;
  }

  /** Sizes halved as long as it fails. */
  async smaller(
    sizes: readonly PlanEntry[],
    around: (some: readonly PlanEntry[]) => readonly PlanEntry[],
  ): Promise<readonly PlanEntry[]> {
    let kept = sizes;
    for (const entry of sizes) {
      let value = typeof entry.value === 'number' ? entry.value : 0;
      while (value > 1) {
        const half = value >> 1;
        const text = entry.text.replace(/\d+$/, String(half));
        const candidate = kept.map((each) =>
          each.key === entry.key ? { ...each, value: half, text } : each,
        );
        if (!(await this.fails(around(candidate)))) break;
        kept = candidate;
        value = half;
      }
    }
    return kept;
  }
}
