import { Client } from 'pg';
import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { pgStream } from '../../../socket-api/node/duplex-hooks.ts';
import { postgresBackend } from './postgres-backend.ts';
import { loss, partition, SERVER, twoHosts } from './two-hosts.ts';

/** A query a second for ten seconds, two of them into a partition. */
async function run() {
  const cut = partition(4, 6);
  const lost = loss(0.05);
  const world = twoHosts({ faults: [cut, lost] });
  const log: string[] = [];
  await runProgram(world, async () => {
    const start = Date.now();
    const backend = postgresBackend(world.server, 5432, (query) =>
      query.startsWith('select') ? { column: 'answer', rows: [query.slice(7)] } : `syntax error at ${query}`,
    );
    const client = new Client({
      host: SERVER,
      user: 'somebody',
      database: 'test',
      query_timeout: 8_000,
      stream: pgStream(world.client),
    });
    await client.connect();
    for (let query = 0; query < 10; query++) {
      const { rows } = await client.query<{ answer: string }>(`select ${query}`);
      log.push(`${Date.now() - start} ${rows[0]?.answer}`);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await client.query('selekt').catch((error: Error) => log.push(error.message));
    await client.end();
    log.push(`${Date.now() - start} end`);
    backend.close();
  });
  cut.assertFired();
  lost.assertFired();
  return { log, hash: world.traceHash() };
}

it('pg: queries through a partition; the same trace three times', async () => {
  const first = await run();
  const second = await run();
  const third = await run();
  expect(first.log.filter((line) => /^\d+ \d$/.test(line))).toHaveLength(10);
  expect(first.log).toContain('syntax error at selekt');
  expect(second.log).toEqual(first.log);
  expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
});
