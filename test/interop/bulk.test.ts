import { randomFillSync } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256, StackEnd } from './stack-end.ts';
import { full, interopMissing, MIB, type World, withWorld } from './world.ts';

const figures: string[] = [];

/** Runs `work`, notes how fast `bytes` went. */
async function timed<T>(what: string, bytes: number, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  const ms = performance.now() - began;
  figures.push(
    `${what}: ${bytes / MIB} MiB in ${ms.toFixed(0)} ms, ${((bytes * 8) / ms / 1e6).toFixed(2)} Gbit/s`,
  );
  return result;
}

/** The kernel sends and shuts; then we send and close: both hashes have to agree. */
async function eachWay(world: World, role: 'client' | 'server', size: number, name: string): Promise<void> {
  const actions = [`send:${size}`, 'shut', 'recv', 'close'];
  const ours = randomFillSync(new Uint8Array(size));
  const peer = role === 'client' ? undefined : await world.kernelListens(5001, actions);
  const accepted = role === 'client' ? StackEnd.accept(world.host, 5001) : undefined;
  const client = role === 'client' ? world.kernelConnects(5001, actions) : undefined;
  const end = (await accepted) ?? StackEnd.connect(world.host, 5001);
  const received = await timed(`${name}, in`, size, () => end.receive());
  await timed(`${name}, out`, size, async () => {
    await end.send(ours);
    end.connection.shutdown();
    expect(await end.closed()).toEqual({ type: 'closed' });
  });
  const program = peer ?? client;
  if (program === undefined) throw new Error('unreachable');
  const result = await world.result(program);
  expect(result).toMatchObject({ sent: size, received: size, done: true });
  expect(received).toEqual({ bytes: size, hash: result.sentHash });
  expect(result.receivedHash).toBe(sha256(ours));
}

describe.skipIf(interopMissing)('bulk transfer with the kernel', () => {
  afterAll(() => console.log(figures.join('\n')));

  // Without offload the kernel answers every other segment of a burst at once: more ACKs than the 500 packets that a TUN keeps by
  // default. Those that are lost are made up for by later ones, but for the last. The window leaves room for them beside data.
  const room = { queueLength: 6_000, settings: { tcp: { receiveBuffer: { from: 131_072, to: 524_288 } } } };

  for (const offload of [true, false]) {
    const size = (full ? (offload ? 100 : 20) : 5) * MIB;
    for (const role of ['client', 'server'] as const) {
      const name = `bulk-kernel-${role}-offload-${offload ? 'on' : 'off'}`;
      it(`carries ${size / MIB} MiB each way, kernel as ${role}, offload ${offload ? 'on' : 'off'}`, () =>
        withWorld({ name, offload, bulk: true, ...(offload ? {} : room) }, (world) =>
          eachWay(world, role, size, name),
        ));
    }
    const world = {
      name: `bulk-both-offload-${offload ? 'on' : 'off'}`,
      offload,
      bulk: true,
      ...(offload ? {} : room),
    };
    const both = Math.min(size, 30 * MIB);
    it(`carries ${both / MIB} MiB both ways at once, offload ${offload ? 'on' : 'off'}`, () =>
      withWorld(world, async (world) => {
        const ours = randomFillSync(new Uint8Array(both));
        const accepted = StackEnd.accept(world.host, 5001);
        const peer = world.kernelConnects(5001, [`both:${both}`, 'close']);
        const end = await accepted;
        const what = `both ways, offload ${offload ? 'on' : 'off'}`;
        const [received] = await timed(what, 2 * both, () => Promise.all([end.receive(), end.send(ours)]));
        end.connection.shutdown();
        const result = await world.result(peer);
        expect(received).toEqual({ bytes: both, hash: result.sentHash });
        expect(result.receivedHash).toBe(sha256(ours));
      }));
  }

  it('carries 20 MiB each way with the profile standard', () =>
    withWorld({ name: 'bulk-standard', bulk: true, settings: { profile: 'standard' } }, (world) =>
      eachWay(world, 'client', (full ? 20 : 5) * MIB, 'profile standard'),
    ));
});
