import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ms } from '../../stack/time.ts';
import { sha256, StackEnd } from './stack-end.ts';
import { interopMissing, MIB, sleep, until, withWorld } from './world.ts';

const hello = new TextEncoder().encode('hello');
/** 2 MSL of a fifth of a second. */
const shortTimeWait = { tcp: { msl: ms(100) } };
const noOne = { connections: {} };

describe.skipIf(interopMissing)('the end of a connection with the kernel', () => {
  it('lets our data go on after the kernel has shut its write side', () =>
    withWorld({ name: 'half-close-kernel-first' }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, ['send:1000', 'shut', 'recv', 'close']);
      const end = await accepted;
      expect((await end.receive()).bytes).toBe(1000);
      await end.heard('end');
      expect(end.connection.state).toBe('CLOSE-WAIT');
      await sleep(100);
      const ours = randomFillSync(new Uint8Array(2 * MIB));
      await end.send(ours);
      end.connection.shutdown();
      expect(await end.closed()).toEqual({ type: 'closed' });
      expect(await world.result(peer)).toMatchObject({ done: true, receivedHash: sha256(ours) });
      expect(world.host.stats()).toMatchObject(noOne); // LAST-ACK leaves nothing behind
    }));

  it('lets the kernel’s data go on after we have shut our write side', () =>
    withWorld({ name: 'half-close-we-first', settings: shortTimeWait }, async (world) => {
      const peer = await world.kernelListens(5001, ['recv', 'wait:0.1', `send:${2 * MIB}`, 'close']);
      const end = StackEnd.connect(world.host, 5001);
      await end.heard('established');
      await end.send(hello);
      end.connection.shutdown();
      const received = await end.receive();
      expect(end.connection.state).toBe('TIME-WAIT');
      expect(await end.closed()).toEqual({ type: 'closed' });
      const result = await world.result(peer);
      expect(result).toMatchObject({ done: true, receivedHash: sha256(hello) });
      expect(received).toEqual({ bytes: 2 * MIB, hash: result.sentHash });
      await until(() => world.host.tcp.size === 0, 'TIME-WAIT ends');
    }));

  it('hears of a reset by the kernel (SO_LINGER 0)', () =>
    withWorld({ name: 'reset-by-kernel' }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, ['recv:5', 'linger0', 'close']);
      const end = await accepted;
      await end.send(hello);
      expect(await end.closed()).toEqual({ type: 'closed', reason: 'reset' });
      expect(await world.result(peer)).toMatchObject({ done: true });
      expect(world.host.stats()).toMatchObject(noOne);
    }));

  it('hears of a reset by a kernel that was closed with data unread', () =>
    withWorld({ name: 'reset-by-kernel-unread' }, async (world) => {
      const peer = await world.kernelListens(5001, ['recv:1', 'close']);
      const end = StackEnd.connect(world.host, 5001);
      await end.heard('established');
      await end.send(hello);
      expect(await end.closed()).toEqual({ type: 'closed', reason: 'reset' });
      expect(await world.result(peer)).toMatchObject({ done: true });
    }));

  for (const role of ['client', 'server'] as const) {
    it(`gives a reading kernel ECONNRESET when we abort, kernel as ${role}`, () =>
      withWorld({ name: `reset-by-us-kernel-${role}` }, async (world) => {
        const actions = ['say:open', 'recv'];
        const peer = role === 'server' ? await world.kernelListens(5001, actions) : undefined;
        const accepted = role === 'client' ? StackEnd.accept(world.host, 5001) : undefined;
        const client = role === 'client' ? world.kernelConnects(5001, actions) : undefined;
        const end = (await accepted) ?? StackEnd.connect(world.host, 5001);
        await end.heard('established');
        const program = peer ?? client;
        if (program === undefined) throw new Error('unreachable');
        await program.says('open');
        end.connection.abort();
        expect(await end.closed()).toEqual({ type: 'closed', reason: 'aborted' });
        expect(await world.result(program)).toMatchObject({ error: 'ECONNRESET', at: 'recv' });
        expect(await world.kernelSockets()).toEqual([]);
        expect(world.host.stats()).toMatchObject(noOne);
      }));
  }

  it('refuses a kernel that connects to a closed port within 50 ms', () =>
    withWorld({ name: 'refused-by-us' }, async (world) => {
      const result = await world.result(world.kernelConnects(5001, []));
      expect(result).toMatchObject({ error: 'ECONNREFUSED', at: 'connect' });
      expect(result.took).toBeLessThan(50);
    }));

  it('is refused by a closed port of the kernel within 50 ms', () =>
    withWorld({ name: 'refused-by-kernel' }, async (world) => {
      const began = performance.now();
      const end = StackEnd.connect(world.host, 5001);
      expect(await end.closed()).toEqual({ type: 'closed', reason: 'refused' });
      expect(performance.now() - began).toBeLessThan(50);
    }));

  it('closes in order when both sides close at the same time', () =>
    withWorld({ name: 'simultaneous-close', settings: shortTimeWait }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, ['recv:5', 'shut', 'recv', 'close']);
      const end = await accepted;
      await end.send(hello);
      // The kernel's FIN comes once it has the five bytes; ours goes at about that time.
      setTimeout(() => end.connection.shutdown(), 0);
      expect(await end.closed()).toEqual({ type: 'closed' });
      expect(await world.result(peer)).toMatchObject({ done: true });
      await until(() => world.host.tcp.size === 0, 'nothing is left');
    }));
});
