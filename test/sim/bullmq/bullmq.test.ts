import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitSweep, collectResults, enqueueSweep, sweepProgress } from '../../../sim/node/bullmq.ts';
import { ended, hasRedis, type RedisServer, startRedis } from './redis.ts';

const KEY = { commit: '1f2e3d4', scenario: 'spin', settings: '9c0a' };
const MODULE = new URL('./scenario.ts', import.meta.url).href;

if (!hasRedis) console.warn('skipped: no redis-server here (apt-get install redis-server)');

describe.skipIf(!hasRedis)('a sweep over BullMQ and Redis', () => {
  let redis: RedisServer;
  let folder: string;
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    folder = mkdtempSync(join(tmpdir(), 'glasstack-sweep-'));
  });

  afterAll(async () => {
    for (const worker of workers) await ended(worker, 'SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const startWorker = async (): Promise<ChildProcess> => {
    const program = ['--import', 'tsx', 'test/sim/bullmq/worker-process.ts', String(redis.port), folder];
    const worker = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    workers.push(worker);
    await new Promise((resolve) => worker.stdout.once('data', resolve));
    return worker;
  };

  it('each seed once in the results, although one of two workers is killed in mid-run', async () => {
    const place = { redis: { host: '127.0.0.1', port: redis.port } };
    const sweep = { ...KEY, module: MODULE, from: 1, to: 240, size: 40 };
    expect(await enqueueSweep(place, sweep)).toBe(6);
    expect(await enqueueSweep(place, sweep)).toBe(6); // nothing is doubled
    expect(await sweepProgress(place)).toEqual({ open: 6, failed: [] });

    const began = performance.now();
    const [victim] = await Promise.all([startWorker(), startWorker()]);
    const victimFile = (): number =>
      readdirSync(folder)
        .filter((name) => name.includes(`-${victim.pid}-`))
        .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    while (victimFile() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await ended(victim, 'SIGKILL'); // has written some seeds of a range
    expect(await awaitSweep(place, 50)).toEqual({ open: 0, failed: [] });
    const lasted = performance.now() - began;

    const results = join(folder, 'collected');
    const failures = join(folder, 'failures');
    const collected = await collectResults({ ...KEY, from: 1, to: 240, folder, results, failures });
    console.log(`240 seeds in ${(lasted / 1000).toFixed(1)} s, ${collected.repeated} of them were run twice`);
    expect(collected).toMatchObject({ seeds: 240, missing: [], conflicts: [] });
    expect(collected.repeated).toBeGreaterThan(0); // the killed worker's range was run again
    const lines = linesOf(results);
    expect(lines.map(({ seed }) => seed)).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
    expect(linesOf(failures).map(({ seed }) => seed)).toEqual(collected.failed);
    expect(collected.failed).toHaveLength(34);
    // A range that cannot be run is given up, with a reason.
    await enqueueSweep(place, { ...sweep, module: 'file:///nowhere.ts', to: 1 });
    const { failed } = await awaitSweep(place, 50);
    expect(failed).toMatchObject([{ from: 1, to: 1 }]);
    expect(failed[0]?.reason).toContain('nowhere.ts');
    // The corpus only grows, and only by what is new.
    await collectResults({ ...KEY, from: 1, to: 240, folder, failures });
    expect(linesOf(failures)).toHaveLength(34);
  }, 40_000);
});

function linesOf(path: string): { readonly seed: number }[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { readonly seed: number });
}
