import { createServer } from 'node:http';
import { Agent, fetch } from 'undici';
import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { serveHttp, undiciConnect } from '../../../socket-api/node/duplex-hooks.ts';
import { lookupTable } from '../../../socket-api/node/duplex-options.ts';
import { loss, partition, twoHosts } from './two-hosts.ts';

const NAMES = lookupTable({ 'api.test': '10.0.0.2' });

/** Uploads, downloads and a deadline of undici's own, over a line that loses and is cut for good after 20 s. */
async function run() {
  const lost = loss(0.02);
  const cut = partition(20, 1_000);
  const world = twoHosts({ faults: [lost, cut] });
  const log: string[] = [];
  await runProgram(world, async () => {
    const start = Date.now();
    const note = (text: string) => log.push(`${Date.now() - start} ${text}`);
    const server = createServer(async (question, answer) => {
      let received = 0;
      for await (const chunk of question) received += (chunk as Buffer).length;
      answer.setHeader('content-type', 'text/plain');
      answer.end(question.method === 'POST' ? String(received) : 'x'.repeat(100_000));
    });
    const listener = serveHttp(server, world.server, { port: 80 });
    const dispatcher = new Agent({
      connect: undiciConnect(world.client, { lookup: NAMES }),
      headersTimeout: 8_000,
    });
    const down = await fetch('http://api.test/file', { dispatcher });
    note(`${down.status} ${(await down.text()).length} bytes`);
    const up = await fetch('http://api.test/', { dispatcher, method: 'POST', body: 'y'.repeat(200_000) });
    note(`${up.status} ${await up.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    try {
      await fetch('http://api.test/never', { dispatcher });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
      note(`${String(error)}: ${cause?.name}`);
    }
    await dispatcher.destroy();
    listener.close();
    server.close();
  });
  cut.assertFired();
  lost.assertFired();
  return { log, hash: world.traceHash() };
}

it('undici: fetch with a dispatcher over our host; the same trace three times', async () => {
  const first = await run();
  const second = await run();
  const third = await run();
  expect(first.log.map((line) => line.replace(/^\d+ /, ''))).toEqual([
    '200 100000 bytes',
    '200 200000',
    'TypeError: fetch failed: ConnectTimeoutError',
  ]);
  expect(second.log).toEqual(first.log);
  expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
});
