import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SeedRange } from './environment.ts';
import { FailuresFile } from './failures-file.ts';
import type { SweepLine } from './sweep-messages.ts';
import type { SeedResult } from './bullmq-range.ts';

/** What a result belongs to: with the same key, the same seed gives the same line. */
export interface ResultKey {
  readonly commit: string;
  readonly scenario: string;
  /** A hash of the scenario's settings. */
  readonly settings: string;
}

/** A worker's own file of results: nobody else writes to it, and none is ever written to twice. */
export class ResultFile {
  readonly path: string;
  readonly #file: number;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}.jsonl`);
    this.#file = openSync(this.path, 'ax');
  }

  /** One line a seed. A process that is killed meanwhile leaves at most its last line torn. */
  append({ commit, scenario, settings }: ResultKey, results: readonly SeedResult[]): void {
    const lines = results.map((result) => `${JSON.stringify({ commit, scenario, settings, ...result })}\n`);
    let bytes = Buffer.from(lines.join(''));
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes));
  }

  /** What was appended outlives the machine. */
  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What to collect, and where to. */
export interface CollectOptions extends ResultKey, SeedRange {
  /** The folder that the workers wrote to; or several, brought here from other computers. */
  readonly folder: string | readonly string[];
  /** Gets each seed once, in order; replaced as a whole. */
  readonly results?: string | undefined;
  /** The corpus of failures, as `sweep` has it: those that are new are added at its end, nothing is taken away. */
  readonly failures?: string | undefined;
}

/** A sweep's outcome. */
export interface CollectedResults {
  /** Seeds with a result. */
  readonly seeds: number;
  readonly failed: readonly number[];
  /** Seeds without one: to be put into the queue again. */
  readonly missing: readonly SeedRange[];
  /** Lines that only repeat others: ranges that were run more than once. */
  readonly repeated: number;
  /** Lines that a killed worker left unfinished. */
  readonly torn: number;
  /** Seeds that came out differently when they were run again: the scenario is not deterministic. */
  readonly conflicts: readonly number[];
}

/** Reads what all workers wrote and keeps each seed of the range once. Have one collector only. */
export async function collectResults(options: CollectOptions): Promise<CollectedResults> {
  const { from, to } = options;
  const found = await readAll(options);
  const failed: number[] = [];
  const missing: { from: number; to: number }[] = [];
  const lines: string[] = [];
  for (let seed = from; seed <= to; seed++) {
    const line = found.lines.get(seed);
    const last = missing.at(-1);
    if (line !== undefined) {
      lines.push(line.text);
      if (!line.ok) failed.push(seed);
    } else if (last !== undefined && last.to === seed - 1) last.to = seed;
    else missing.push({ from: seed, to: seed });
  }
  if (options.results !== undefined) replaceFile(options.results, lines);
  if (options.failures !== undefined) {
    const corpus = new FailuresFile(options.failures);
    for (const seed of failed) {
      const line = JSON.parse(found.lines.get(seed)?.text ?? '{}') as SweepLine;
      corpus.add({ line, report: undefined, plan: undefined });
    }
  }
  const { repeated, torn } = found;
  const conflicts = [...found.conflicts].sort((a, b) => a - b);
  return { seeds: lines.length, failed, missing, repeated, torn, conflicts };
}

interface Found {
  readonly lines: Map<number, { readonly text: string; readonly ok: boolean }>;
  readonly conflicts: Set<number>;
  repeated: number;
  torn: number;
}

async function readAll(options: CollectOptions): Promise<Found> {
  const found: Found = { lines: new Map(), conflicts: new Set(), repeated: 0, torn: 0 };
  const folders = typeof options.folder === 'string' ? [options.folder] : options.folder;
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith('.jsonl')) continue;
      const lines = createInterface({ input: createReadStream(join(folder, name)) });
      for await (const text of lines) addLine(found, text, options);
    }
  }
  return found;
}

function addLine(found: Found, text: string, options: CollectOptions): void {
  const line = parsed(text);
  if (line === undefined) {
    found.torn += 1;
    return;
  }
  const { commit, scenario, settings, seed, ok } = line;
  if (commit !== options.commit || scenario !== options.scenario || settings !== options.settings) return;
  if (typeof seed !== 'number' || seed < options.from || seed > options.to) return;
  const known = found.lines.get(seed);
  if (known === undefined) found.lines.set(seed, { text, ok: ok === true });
  else {
    found.repeated += 1;
    if (known.text !== text) found.conflicts.add(seed);
  }
}

function parsed(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Written beside it first, so that nobody ever sees half of it. */
function replaceFile(path: string, lines: readonly string[]): void {
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, lines.map((line) => `${line}\n`).join(''));
  renameSync(beside, path);
}
