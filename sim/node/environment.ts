import { existsSync, readFileSync } from 'node:fs';
import { type Duration, seconds } from '../../stack/time.ts';
import type { WorldOptions } from '../world.ts';

/** Seeds that follow each other, both ends included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** What the environment says about sweeps. */
export interface SimEnvironment {
  /** SIM_SEEDS: `17` or `1-1000`; cut to this job's part if there is a job index. */
  readonly seeds: SeedRange | undefined;
  /** SIM_JOBS: worker threads. */
  readonly jobs: number | undefined;
  /** SIM_CONFIG: what the scenario's worlds are made with beside its own; JSON, or the path of a JSON file. */
  readonly configuration: Partial<WorldOptions> | undefined;
  /** SIM_TIME_LIMIT: virtual seconds of a run. */
  readonly timeLimit: Duration | undefined;
  /** SIM_CHECK_DETERMINISM=1: each seed twice. */
  readonly checkDeterminism: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables. @throws if one makes no sense, saying which */
export function simEnvironment(variables: Variables = process.env): SimEnvironment {
  const whole = variables['SIM_SEEDS'];
  return {
    seeds: whole === undefined || whole === '' ? undefined : partOf(parseSeeds(whole), variables),
    jobs: positive(variables, 'SIM_JOBS'),
    configuration: configuration(variables['SIM_CONFIG']),
    timeLimit: limit(positive(variables, 'SIM_TIME_LIMIT')),
    checkDeterminism: !['', '0', undefined].includes(variables['SIM_CHECK_DETERMINISM']),
  };
}

/** `17` or `1-1000`. @throws if it is neither */
export function parseSeeds(text: string): SeedRange {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text.trim());
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (match === null || !Number.isSafeInteger(to) || from > to)
    throw new Error(`'${text}' is no range of seeds: it must be like 17 or 1-1000`);
  return { from, to };
}

/**
 * The part of `range` for job `index` of `count`, both from the environment: SIM_JOB_INDEX or JOB_COMPLETION_INDEX (Kubernetes) from 0,
 * and SIM_JOB_COUNT. Without them the whole.
 */
export function partOf(range: SeedRange, variables: Variables = process.env): SeedRange {
  const index = variables['SIM_JOB_INDEX'] ?? variables['JOB_COMPLETION_INDEX'];
  const count = positive(variables, 'SIM_JOB_COUNT');
  if (index === undefined || count === undefined) return range;
  const number = Number(index);
  if (!(Number.isInteger(number) && number >= 0 && number < count))
    throw new Error(`job index '${index}' must be a whole number from 0 to SIM_JOB_COUNT-1 = ${count - 1}`);
  const size = Math.ceil((range.to - range.from + 1) / count);
  const from = range.from + number * size;
  return { from, to: Math.min(from + size - 1, range.to) };
}

function positive(variables: Variables, name: string): number | undefined {
  const text = variables[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${name}='${text}' must be a number above 0`);
}

function limit(of: number | undefined): Duration | undefined {
  return of === undefined ? undefined : seconds(of);
}

function configuration(text: string | undefined): Partial<WorldOptions> | undefined {
  if (text === undefined || text === '') return undefined;
  const json = text.trimStart().startsWith('{') || !existsSync(text) ? text : readFileSync(text, 'utf8');
  try {
    return JSON.parse(json) as Partial<WorldOptions>;
  } catch (error) {
    throw new Error(`SIM_CONFIG must be JSON or the path of a JSON file: ${String(error)}`, { cause: error });
  }
}
