import { createServer, type IncomingMessage, request } from 'node:http';
import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { httpAgent, serveHttp } from '../../../socket-api/node/duplex-hooks.ts';
import { loss, partition, SERVER, twoHosts } from './two-hosts.ts';

const realNow = performance.now.bind(performance);

interface Outcome {
  readonly log: readonly string[];
  readonly hash: string;
  readonly frames: number;
  readonly lasted: number;
  readonly connections: number;
}

/** 30 s of requests, one a second, over a bad line: the client gives each attempt 3 s and tries again. */
async function run(): Promise<Outcome> {
  const began = realNow();
  const cut = partition(10, 14);
  const lost = loss(0.05);
  const world = twoHosts({ faults: [cut, lost] });
  const log: string[] = [];
  let connections = 0;
  await runProgram(world, async () => {
    const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const server = createServer((question, answer) => {
      if (question.url === '/slow') setTimeout(() => answer.end('after five seconds'), 5_000);
      else answer.end(`answer to ${question.url}`);
    });
    const listener = serveHttp(server, world.server, { port: 80 });
    listener.on('connection', () => (connections += 1));
    const agent = httpAgent(world.client, { keepAlive: true });

    const get = (path: string, patience: number): Promise<string> =>
      new Promise((resolve, reject) => {
        const question = request({ host: SERVER, path, agent, timeout: patience });
        question.on('timeout', () => question.destroy(new Error('no answer in time')));
        question.on('error', reject);
        question.on('response', (answer: IncomingMessage) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve(text));
          answer.on('error', reject);
        });
        question.end();
      });
    const insist = async (path: string, patience: number): Promise<void> => {
      for (let attempt = 1; ; attempt++) {
        try {
          const text = await get(path, patience);
          log.push(`${Date.now() - start} ${path} ${attempt} ${text}`);
          return;
        } catch (error) {
          log.push(`${Date.now() - start} ${path} ${attempt} ${error instanceof Error ? error.message : ''}`);
        }
      }
    };
    const start = Date.now();
    const slow = insist('/slow', 20_000);
    const all: Promise<void>[] = [slow];
    for (let second = 0; second < 30; second++) {
      all.push(insist(`/${second}`, 3_000));
      await pause(1_000);
    }
    await Promise.all(all);
    log.push(`end ${Date.now() - start}`);
    agent.destroy();
    listener.close();
    server.close();
  });
  cut.assertFired();
  lost.assertFired();
  return {
    log,
    hash: world.traceHash(),
    frames: world.frames(),
    lasted: realNow() - began,
    connections,
  };
}

it('node:http: 30 s with loss, a partition, keep-alive and retries; the same trace three times', async () => {
  const first = await run();
  const second = await run();
  const third = await run();
  const lasted = [first, second, third].map((each) => `${each.lasted.toFixed(0)} ms`);
  console.log(`30 s of node:http in ${lasted.join(', ')}; ${first.frames} frames, trace ${first.hash}`);
  const answered = first.log.filter((line) => line.includes('answer to'));
  expect(answered).toHaveLength(30);
  expect(first.log).toContainEqual(expect.stringMatching(/^\d+ \/slow 1 after five seconds$/));
  // The partition: some gave up after three seconds, or found their connection dead, and tried again.
  expect(first.log).toContainEqual(expect.stringMatching(/no answer in time|hang up/));
  expect(first.log).toContainEqual(expect.stringMatching(/ 2 answer to /));
  expect(first.log.at(-1)).toBe('end 30000');
  expect(first.connections).toBeLessThan(10);
  expect(second.log).toEqual(first.log);
  expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
});
