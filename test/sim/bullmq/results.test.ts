import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collectResults } from '../../../sim/node/bullmq.ts';
import { runRange, type SeedResult } from '../../../sim/node/bullmq-range.ts';
import { ResultFile } from '../../../sim/node/bullmq-results.ts';

const KEY = { commit: 'c', scenario: 's', settings: 'h' };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'glasstack-results-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const seeds = (...list: number[]): SeedResult[] => list.map((seed) => ({ seed, ok: true }));

it('torn lines, repeated ranges, other sweeps and gaps', async () => {
  const first = new ResultFile(folder);
  first.append(KEY, seeds(1, 2, 3));
  first.append({ ...KEY, commit: 'other' }, seeds(4));
  first.close();
  appendFileSync(first.path, '{"commit":"c","scen');
  const second = new ResultFile(folder);
  second.append(KEY, seeds(3, 6, 7, 11));
  second.close();
  expect(await collectResults({ ...KEY, from: 1, to: 9, folder })).toEqual({
    seeds: 5,
    failed: [],
    missing: [
      { from: 4, to: 5 },
      { from: 8, to: 9 },
    ],
    repeated: 1,
    torn: 1,
    conflicts: [],
  });
});

it('a seed that comes out differently is reported', async () => {
  const file = new ResultFile(folder);
  file.append(KEY, [{ seed: 1, ok: true, hash: 'a' }]);
  file.append(KEY, [{ seed: 1, ok: true, hash: 'b' }]);
  file.close();
  expect(await collectResults({ ...KEY, from: 1, to: 1, folder })).toMatchObject({ conflicts: [1] });
});

it('a module with a scenario of glasstack sim', async () => {
  const module = new URL('./world-scenario.ts', import.meta.url).href;
  const results: SeedResult[] = [];
  await runRange(module, 5, 7, (batch) => results.push(...batch));
  expect(results.map(({ seed, ok }) => [seed, ok])).toEqual([
    [5, true],
    [6, false],
    [7, true],
  ]);
  expect(results[1]?.['message']).toContain('six');
});

it('a module without runSeeds, one that leaves seeds out, and one that throws', async () => {
  const module = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
  const run = (text: string): Promise<void> => runRange(module(text), 1, 3, () => undefined);
  await expect(run('export const other = 1')).rejects.toThrow(
    'exports neither scenario({ world }) nor runSeeds(from, to)',
  );
  await expect(run('export function* runSeeds() { yield { seed: 2, ok: true } }')).rejects.toThrow(
    'gave seed 2 where 1 was due',
  );
  await expect(run('export function* runSeeds() { yield { seed: 1, ok: true } }')).rejects.toThrow(
    'the range 1-3 ended at seed 2',
  );
  await expect(run('export function* runSeeds() { throw new Error("fault") }')).rejects.toThrow('fault');
});
