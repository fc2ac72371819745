import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { ioredisConnector } from '../../../socket-api/node/duplex-hooks.ts';
import { respServer } from './resp-server.ts';
import { loss, partition, SERVER, twoHosts } from './two-hosts.ts';

const realNow = performance.now.bind(performance);

/** A counter that is set and read once a second for 30 s, over a line that is cut for 8 s. */
async function run() {
  const began = realNow();
  const cut = partition(10, 18);
  const lost = loss(0.03);
  const world = twoHosts({ faults: [cut, lost] });
  const log: string[] = [];
  await runProgram(world, async () => {
    const start = Date.now();
    const note = (text: string) => log.push(`${Date.now() - start} ${text}`);
    const server = respServer(world.server, 6379);
    const redis = new Redis({
      host: SERVER,
      Connector: ioredisConnector(world.client),
      connectTimeout: 1_000,
      commandTimeout: 2_000,
      socketTimeout: 3_000,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(times * 100, 1_000),
    });
    redis.on('error', (error: Error) => note(`error ${error.message}`));
    for (const event of ['connect', 'ready', 'close', 'reconnecting', 'end'])
      redis.on(event, () => note(event));
    for (let second = 0; second < 30; second++) {
      void (async () => {
        try {
          await redis.set('counter', second);
          note(`counter ${await redis.get('counter')}`);
        } catch (error) {
          note(`${second} failed: ${error instanceof Error ? error.message : ''}`);
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await redis.quit();
    note('quit');
    server.close();
  });
  cut.assertFired();
  lost.assertFired();
  return { log, hash: world.traceHash(), frames: world.frames(), lasted: realNow() - began };
}

it('ioredis: 30 s with loss, a partition and a reconnect; the same trace three times', async () => {
  const first = await run();
  const second = await run();
  const third = await run();
  const lasted = [first, second, third].map((each) => `${each.lasted.toFixed(0)} ms`);
  console.log(`30 s of ioredis in ${lasted.join(', ')}; ${first.frames} frames, trace ${first.hash}`);
  const events = first.log.map((line) => line.replace(/^\d+ /, ''));
  expect(events).toContain('counter 29');
  // The partition: the socket times out, attempts to connect do as well, and then it is ready again.
  expect(events).toContain("error Socket timeout. Expecting data, but didn't receive any in 3000ms.");
  expect(events).toContain('error connect ETIMEDOUT');
  expect(events.lastIndexOf('ready')).toBeGreaterThan(events.lastIndexOf('reconnecting'));
  expect(events.at(-1)).toBe('quit');
  expect(second.log).toEqual(first.log);
  expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
});
