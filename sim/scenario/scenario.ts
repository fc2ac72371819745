import { SimulationFailure, failureKind } from '../failure.ts';
import type { PlanEntry } from '../plan.ts';
import { type World, type WorldOptions, createWorld } from '../world.ts';

/** What a scenario gets. */
export interface ScenarioContext {
  /** Empty, with the seed's chance. */
  readonly world: World;
  readonly seed: number | string;
}

/** A scenario: builds a network in the world, runs it, and throws if something is wrong. */
export type Scenario = (context: ScenarioContext) => void | Promise<void>;

/** What a module with a scenario exports. */
export interface ScenarioModule {
  readonly scenario: Scenario;
  /** For messages; the file's name at first. */
  readonly name?: string;
  /** What its worlds are made with. */
  readonly world?: Omit<WorldOptions, 'seed' | 'plan' | 'record'>;
  /** Connections may be left at the end; see `World.finish`. */
  readonly open?: boolean;
}

/** How to run it. */
export interface RunOptions {
  readonly seed: number | string;
  /** Instead of dice. */
  readonly plan?: readonly PlanEntry[];
  /** Keeps the trace; false at first. */
  readonly record?: boolean;
  readonly tick?: () => Promise<void>;
  readonly order?: 'fifo' | 'shuffled';
  /** Most events of the clock. */
  readonly maxEvents?: number;
}

/** How a run went. */
export interface RunResult {
  readonly seed: number | string;
  readonly ok: boolean;
  /** Of the whole trace. */
  readonly hash: string;
  /** Trace events, events of the clock, and virtual µs. */
  readonly events: number;
  readonly steps: number;
  readonly virtual: number;
  readonly failure: RunFailure | undefined;
  /** What the dice decided. */
  readonly plan: readonly PlanEntry[];
  /** As it was at the end, for reports; with `record` it has the trace. */
  readonly world: World;
}

/** What was wrong. */
export interface RunFailure {
  /** The same for the same assertion, whatever the numbers in it. */
  readonly kind: string;
  readonly message: string;
  readonly error: unknown;
}

/** Runs a scenario once, in a world of its own, and checks the end. */
export async function runScenario(module: ScenarioModule, options: RunOptions): Promise<RunResult> {
  const { seed, plan, record = false, tick, order, maxEvents } = options;
  const world = createWorld({
    ...module.world,
    seed,
    record,
    ...(plan && { plan }),
    ...(tick && { tick }),
    ...(order && { order }),
    ...(maxEvents !== undefined && { maxEvents }),
  });
  let failure: RunFailure | undefined;
  try {
    const pending = module.scenario({ world, seed });
    if (pending !== undefined) await pending;
    world.finish({ open: module.open ?? false });
  } catch (thrown) {
    // A broken invariant comes first: what the program made of it is its consequence.
    const error = world.invariants?.broken ?? thrown;
    failure = { kind: failureKind(error), message: messageOf(error), error };
  }
  return {
    seed,
    ok: failure === undefined,
    hash: world.hash,
    events: world.eventCount,
    steps: world.steps,
    virtual: world.now,
    failure,
    plan: world.plan.entries,
    world,
  };
}

function messageOf(error: unknown): string {
  if (error instanceof SimulationFailure) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
