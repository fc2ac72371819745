import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FailuresFile, parseSeeds, partOf, simEnvironment, sweep } from '../../../sim/node/sim-node.ts';
import { runScenario, shrink, failureReport } from '../../../sim/sim.ts';
import * as handshake from '../scenarios/handshake.ts';

const scenario = fileURLToPath(new URL('../scenarios/handshake.ts', import.meta.url));
let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'glasstack-sweep-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly seed: number;
  readonly ok: boolean;
  readonly hash: string;
}

function lines(path: string): readonly Line[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('a sweep over worker threads', () => {
  it('runs every seed once, with the hash that it has alone, and reports failures', {
    timeout: 60_000,
  }, async () => {
    const results = join(folder, 'results.jsonl');
    const failures = join(folder, 'failures.jsonl');
    const options = {
      scenario,
      name: handshake.name,
      results,
      failures,
      output: folder,
      jobs: 2,
      failFast: 1000,
    };
    const result = await sweep({ ...options, seeds: { from: 1, to: 60 }, reports: 1 });
    expect([result.done, result.stopped]).toEqual([60, undefined]);
    expect(result.failed).toBeGreaterThan(3);
    const found = lines(results).toSorted((a, b) => a.seed - b.seed);
    expect(found.map(({ seed }) => seed)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    for (const seed of [60, 7, 1]) {
      const alone = await runScenario(handshake, { seed });
      expect([found[seed - 1]?.hash, found[seed - 1]?.ok]).toEqual([alone.hash, alone.ok]);
    }
    const report = result.failures.find((failure) => failure.report !== undefined)?.report ?? '';
    expect(report).toMatch(/^FAIL {2}a program that gives up after a second · seed \d+ · virtual \d/);
    expect(report).toMatch(
      / {2}again: {3}npx glasstack sim \S+handshake.ts --seeds \d+\n {2}enough: {2}[12] of \d+ impairments/,
    );
    expect(report).toMatch(/ {2}capture: (\S+\.pcapng)\n {2}commit: {2}\S+, configuration [0-9a-f]{8}$/);
    const capture = /capture: (\S+)/.exec(report)?.[1] ?? '';
    expect(readFileSync(capture).readUInt32LE(0)).toBe(0x0a0d0d0a);

    // The corpus is run first next time, by seed and by plan.
    const known = new FailuresFile(failures).read(handshake.name);
    expect(known.map(({ seed }) => seed).toSorted((a, b) => a - b)).toEqual(
      result.failures.map(({ line }) => line.seed).toSorted((a, b) => a - b),
    );
    const plans = known.filter(({ plan }) => plan !== undefined).length;
    const again = await sweep({ ...options, seeds: { from: 1001, to: 1001 }, shrinkBudget: 0 });
    expect(again.total).toBe(known.length + plans + 1);
    expect(again.failed).toBeGreaterThanOrEqual(known.length + plans);
  });

  it('ends after so many failures, or after a time', { timeout: 60_000 }, async () => {
    const seeds = { from: 1, to: 100_000 };
    const few = await sweep({ scenario, seeds, output: folder, failFast: 2, shrinkBudget: 0, reports: 0 });
    expect([few.stopped, few.done < 2000]).toEqual(['failures', true]);
    const short = await sweep({
      scenario,
      seeds,
      output: folder,
      failFast: 1e9,
      timeout: 0.2,
      shrinkBudget: 0,
      reports: 0,
    });
    expect([short.stopped, short.done < 100_000]).toEqual(['timeout', true]);
  });

  it('says what is wrong with a scenario', async () => {
    const path = join(folder, 'empty.mjs');
    writeFileSync(path, 'export const name = 1;');
    await expect(sweep({ scenario: path, seeds: { from: 1, to: 1 } })).rejects.toThrow(
      'exports no function "scenario"',
    );
  });
});

describe('a failure', () => {
  it('is shrunk to what is enough, and says so', async () => {
    let seed = 0;
    let failed = await runScenario(handshake, { seed });
    while (failed.ok || failed.plan.length < 8) failed = await runScenario(handshake, { seed: ++seed });
    const shrunk = await shrink(handshake, failed);
    expect([shrunk.done, shrunk.after <= 3, shrunk.result.failure?.kind]).toEqual([
      true,
      true,
      failed.failure?.kind,
    ]);
    expect(shrunk.plan.find(({ kind }) => kind === 'size')?.value).toBe(1);
    const report = failureReport(failed, {
      name: 'n',
      again: 'do it',
      configuration: 'c',
      shrunk,
      commit: 'abc',
    });
    expect(report).toContain('again:   do it');
    expect(report).toContain('lost by a-b');
    const stopped = await shrink(handshake, failed, { budget: 2 });
    expect([stopped.done, stopped.runs]).toEqual([false, 2]);
  });
});

describe('the environment', () => {
  it('SIM_SEEDS and its kin', () => {
    expect(simEnvironment({})).toEqual({
      seeds: undefined,
      jobs: undefined,
      configuration: undefined,
      timeLimit: undefined,
      checkDeterminism: false,
    });
    const all = {
      SIM_SEEDS: '1-10',
      SIM_JOBS: '3',
      SIM_CONFIG: '{"order":"shuffled"}',
      SIM_TIME_LIMIT: '2.5',
      SIM_CHECK_DETERMINISM: '1',
    };
    expect(simEnvironment(all)).toEqual({
      seeds: { from: 1, to: 10 },
      jobs: 3,
      configuration: { order: 'shuffled' },
      timeLimit: 2_500_000,
      checkDeterminism: true,
    });
    expect(() => simEnvironment({ SIM_JOBS: '-1' })).toThrow("SIM_JOBS='-1' must be a number above 0");
    expect(() => simEnvironment({ SIM_CONFIG: '{' })).toThrow('SIM_CONFIG must be JSON');
    for (const text of ['', 'a', '5-1', '1-2-3', '-4'])
      expect(() => parseSeeds(text)).toThrow('no range of seeds');
    expect(parseSeeds('17')).toEqual({ from: 17, to: 17 });
  });

  it('cuts the range by the index of the job', () => {
    const part = (index: string): unknown =>
      partOf({ from: 1, to: 1000 }, { JOB_COMPLETION_INDEX: index, SIM_JOB_COUNT: '3' });
    expect([part('0'), part('1'), part('2')]).toEqual([
      { from: 1, to: 334 },
      { from: 335, to: 668 },
      { from: 669, to: 1000 },
    ]);
    expect(() => part('3')).toThrow('from 0 to SIM_JOB_COUNT-1 = 2');
    expect(partOf({ from: 1, to: 9 }, {})).toEqual({ from: 1, to: 9 });
  });
});
