import { expect, it } from 'vitest';
import { runProgram } from '../../../sim/node/programs.ts';
import { nodeRuntime } from '../../../socket-api/node/runtime.ts';
import { createSocketApi } from '../../../socket-api/socket-api.ts';
import { loss, SERVER, twoHosts } from './two-hosts.ts';

/** A heartbeat by `setInterval` in a program written for Bun. */
async function run() {
  const lost = loss(0.1);
  const world = twoHosts({ faults: [lost] });
  const log: string[] = [];
  await runProgram(world, async () => {
    const server = createSocketApi(world.server, nodeRuntime);
    const client = createSocketApi(world.client, nodeRuntime);
    const start = performance.now();
    const listener = server.listen({
      hostname: SERVER,
      port: 7,
      socket: { data: (socket, chunk) => void socket.write(chunk) },
    });
    let closed = (): void => undefined;
    const close = new Promise<void>((resolve) => (closed = resolve));
    const socket = await client.connect({
      hostname: SERVER,
      port: 7,
      socket: {
        data: (_, chunk) => void log.push(`${performance.now() - start} ${chunk.toString()}`),
        close: () => closed(),
      },
    });
    let beat = 0;
    const heart = setInterval(() => {
      socket.write(`beat ${beat}`);
      beat += 1;
      if (beat < 10) return;
      clearInterval(heart);
      setTimeout(() => socket.end(), 5_000);
    }, 1_000);
    await close;
    log.push(`${performance.now() - start} end`);
    listener.stop();
  });
  lost.assertFired();
  return { log, hash: world.traceHash() };
}

it('a program for the Bun API beats once a second; the same trace three times', async () => {
  const first = await run();
  const second = await run();
  const third = await run();
  // Late beats come together: what TCP held back is one chunk then.
  expect(first.log.map((line) => line.replace(/^[\d.]+ /, '')).join('')).toBe(
    `${Array.from({ length: 10 }, (_, beat) => `beat ${beat}`).join('')}end`,
  );
  expect(second.log).toEqual(first.log);
  expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
});
