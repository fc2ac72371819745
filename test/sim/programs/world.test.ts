import { createServer, get } from 'node:http';
import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { createWorld } from '../../../sim/world.ts';
import { httpAgent, serveHttp } from '../../../socket-api/node/duplex-hooks.ts';
import { ms, seconds, type Instant } from '../../../stack/time.ts';

async function run(seed: number): Promise<{ readonly hash: string; readonly log: readonly string[] }> {
  const world = createWorld({ seed });
  const browser = world.host('browser');
  const shop = world.host('shop');
  world.link(browser, shop, { delay: ms(30) });
  world.partition([browser], [shop], {
    from: seconds(3) as unknown as Instant,
    to: seconds(5) as unknown as Instant,
  });
  const log: string[] = [];
  await runProgram(world, async () => {
    const start = Date.now();
    const server = createServer((_, answer) => answer.end('sold'));
    const listener = serveHttp(server, shop.host, { port: 80 });
    const agent = httpAgent(browser.host, { keepAlive: true });
    for (let order = 0; order < 5; order++) {
      const text = await new Promise<string>((resolve, reject) => {
        get({ host: shop.address, path: '/', agent }, (answer) => {
          answer.on('data', (chunk: Buffer) => resolve(chunk.toString()));
        }).on('error', reject);
      });
      log.push(`${Date.now() - start} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    agent.destroy();
    listener.close();
    server.close();
  });
  world.run();
  world.finish();
  return { hash: world.hash, log };
}

it('a world of sim/: its checks watch the program, its hash repeats', async () => {
  const first = await run(1);
  expect(first.log).toHaveLength(5);
  expect(await run(1)).toEqual(first);
  expect((await run(2)).hash).not.toBe(first.hash);
});
