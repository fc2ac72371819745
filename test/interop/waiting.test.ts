import { randomFillSync } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { nodeRuntime } from '../../socket-api/node/runtime.ts';
import { createSocketApi } from '../../socket-api/socket-api.ts';
import { sha256, StackEnd } from './stack-end.ts';
import { full, interopMissing, MIB, sleep, STACK, withWorld } from './world.ts';

const SECONDS = full ? 30 : 4;
/** More than all buffers of both ends together. */
const SIZE = 16 * MIB;
// Made before anything runs: who blocks this process for long makes both sides send again.
const ours = randomFillSync(new Uint8Array(SIZE));
const ourHash = sha256(ours);

// The window is closed on purpose, and both sides probe it.
const allowed = [
  'zero_window',
  'zero_window_probe',
  'zero_window_probe_ack',
  'keep_alive',
  'keep_alive_ack',
] as const;

// All at once, since they wait most of the time.
describe.skipIf(interopMissing).concurrent(`${SECONDS} seconds with the kernel`, () => {
  afterAll(() => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });

  it('of not reading on the kernel’s side stop us, and no longer', () =>
    withWorld({ name: 'stall-kernel', allowed, bulk: true }, async (world) => {
      const peer = await world.kernelListens(5001, [`wait:${SECONDS}`, 'recv', 'close']);
      const end = StackEnd.connect(world.host, 5001);
      await end.heard('established');
      const began = performance.now();
      await end.send(ours);
      end.connection.shutdown();
      expect(await end.closed()).toEqual({ type: 'closed' });
      const took = performance.now() - began;
      expect(took).toBeGreaterThan(SECONDS * 1_000 - 500);
      // The kernel tells us itself when it reads again: no probe has to find out.
      expect(took).toBeLessThan(SECONDS * 1_000 + 3_000);
      expect(await world.result(peer)).toMatchObject({ done: true, receivedHash: ourHash });
    }));

  it('of not reading on our side stop the kernel, and no longer', () =>
    withWorld({ name: 'stall-stack', allowed, bulk: true }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, [`send:${SIZE}`, 'shut', 'recv', 'close']);
      const end = await accepted;
      await sleep(SECONDS * 1_000 + 500); // not at the moment when the other test goes on
      expect(end.connection.readable).toBeGreaterThan(64 * 1024);
      expect(end.connection.info()['rcv.wnd']).toBeLessThan(1_460);
      const began = performance.now();
      const received = await end.receive();
      expect(performance.now() - began).toBeLessThan(3_000);
      end.connection.shutdown();
      const result = await world.result(peer);
      expect(result).toMatchObject({ done: true });
      expect(received).toEqual({ bytes: SIZE, hash: result.sentHash });
    }));

  it('of wrk see no failed request', () =>
    // The first frames are captured, of some millions.
    withWorld({ name: 'wrk', frames: 100_000, bulk: true }, async (world) => {
      vi.stubGlobal('Bun', createSocketApi(world.host, nodeRuntime));
      vi.stubEnv('PORT', '80');
      await import('../../examples/http-hello.ts');
      const { code, output } = await world.run('wrk', '-t1', '-c64', `-d${SECONDS}s`, `http://${STACK}/`);
      expect(code, output).toBe(0);
      expect(output).not.toMatch(/Socket errors|Non-2xx/);
      expect(Number(/(\d+) requests in/.exec(output)?.[1])).toBeGreaterThan(100 * SECONDS);
      console.log(/.*requests in.*|Requests\/sec.*/.exec(output)?.[0]);
    }));
});
