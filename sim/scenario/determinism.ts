import { type WorldEvent } from '../world-event.ts';
import { ladderUpTo } from './drawing.ts';
import { type RunOptions, type RunResult, type ScenarioModule, runScenario } from './scenario.ts';

/** What was found. */
export interface DeterminismResult {
  readonly seeds: readonly (number | string)[];
  /** By seed, the hash of the first run. */
  readonly hashes: ReadonlyMap<number | string, string>;
  /** Runs whose hash differs from the first one of their seed. */
  readonly differences: readonly Difference[];
}

/** Two runs of one seed that differ. */
export interface Difference {
  readonly seed: number | string;
  readonly hashes: readonly [string, string];
  /** The first event that differs, and both ladders; or that it cannot be seen in recorded runs. */
  readonly report: string;
}

/**
 * Runs each seed twice, the second time in the opposite order, so that "alone = in the sweep" and "forwards = backwards" are tested with
 * it, and compares the hashes of the whole traces.
 */
export async function checkDeterminism(
  module: ScenarioModule,
  seeds: readonly (number | string)[],
  options: Omit<RunOptions, 'seed' | 'record' | 'plan'> = {},
): Promise<DeterminismResult> {
  const hashes = new Map<number | string, string>();
  for (const seed of seeds) hashes.set(seed, (await runScenario(module, { ...options, seed })).hash);
  const differences: Difference[] = [];
  for (const seed of seeds.toReversed()) {
    const first = hashes.get(seed) ?? '';
    const again = (await runScenario(module, { ...options, seed })).hash;
    if (again === first) continue;
    differences.push({ seed, hashes: [first, again], report: await firstDifference(module, seed, options) });
  }
  return { seeds, hashes, differences };
}

/** As `checkDeterminism`, but throws with the first difference. Returns the hashes. */
export async function assertDeterministic(
  module: ScenarioModule,
  seeds: readonly (number | string)[],
  options: Omit<RunOptions, 'seed' | 'record' | 'plan'> = {},
): Promise<ReadonlyMap<number | string, string>> {
  const { differences, hashes } = await checkDeterminism(module, seeds, options);
  const [first] = differences;
  if (first !== undefined)
    throw new Error(
      `seed ${first.seed} is not deterministic: ${first.hashes.join(' and ')}\n${first.report}`,
    );
  return hashes;
}

async function firstDifference(
  module: ScenarioModule,
  seed: number | string,
  options: Omit<RunOptions, 'seed' | 'record' | 'plan'>,
): Promise<string> {
  const one = await runScenario(module, { ...options, seed, record: true });
  const other = await runScenario(module, { ...options, seed, record: true });
  const index = differingEvent(one.world.events, other.world.events);
  if (index < 0)
    return 'recorded, both runs are the same: something outside the world has changed between them';
  const side = (run: RunResult): string => {
    const event = run.world.events[index];
    const text = event === undefined ? 'nothing: the trace has ended' : textOf(event);
    return `event ${index}: ${text}\n${ladderUpTo(run.world.events, { until: index + 1, lines: 8 })}`;
  };
  return `once ${side(one)}\nthen ${side(other)}`;
}

/** The number of the first event in which two traces differ; -1 if they are the same. */
export function differingEvent(one: readonly WorldEvent[], other: readonly WorldEvent[]): number {
  const length = Math.max(one.length, other.length);
  for (let index = 0; index < length; index++) {
    const [a, b] = [one[index], other[index]];
    if (a === undefined || b === undefined || textOf(a) !== textOf(b)) return index;
  }
  return -1;
}

function textOf(event: WorldEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    value instanceof Uint8Array ? [...value].join(' ') : value,
  );
}
