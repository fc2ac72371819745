import { describe, expect, it } from 'vitest';
import { ms } from '../../stack/time.ts';
import { StackEnd } from './stack-end.ts';
import { full, interopMissing, until, type World, withWorld } from './world.ts';

const COUNT = full ? 1_000 : 100;
/** 2 MSL of half a second. */
const settings = { tcp: { msl: ms(250), backlog: 4_096 } };
/** All at once send the kernel more than the 500 packets that it keeps for us by default. */
const queueLength = 6_000;

/** Who connects, and who closes first: that side keeps the TIME-WAIT. */
type Side = 'kernel' | 'stack';

async function manyConnections(world: World, client: Side, first: Side): Promise<void> {
  // Each sends a byte, so that both know that it is open; then one closes, and the other when it hears of that.
  const actions =
    first === 'kernel'
      ? ['send:1', 'recv:1', 'shut', 'recv', 'close']
      : ['send:1', 'recv:1', 'recv', 'close'];
  const ends: StackEnd[] = [];
  let open = 0;
  const run = async (end: StackEnd): Promise<void> => {
    ends.push(end);
    expect((await end.receive(1)).bytes).toBe(1);
    await end.send(new Uint8Array(1));
    open += 1;
    if (first === 'stack') await until(() => open === COUNT, 'all are open', 20_000);
    else await end.heard('end');
    end.connection.shutdown();
    expect((await end.receive()).bytes).toBe(0);
    expect(await end.closed()).toEqual({ type: 'closed' });
  };
  const runs: Promise<void>[] = [];
  const start = (end: StackEnd): void => {
    const ended = run(end);
    ended.catch(() => {}); // looked at below
    runs.push(ended);
  };
  let peer;
  let close = (): void => {};
  if (client === 'kernel') {
    close = StackEnd.listen(world.host, 5001, start);
    peer = world.kernelConnects(5001, actions, COUNT);
  } else {
    peer = await world.kernelListens(5001, actions, COUNT);
    for (let i = 0; i < COUNT; i++) start(StackEnd.connect(world.host, 5001));
  }
  const result = await world.result(peer);
  expect(result).toMatchObject({ done: true, sent: COUNT, received: COUNT });
  expect(ends).toHaveLength(COUNT);
  await Promise.all(runs);
  close();
  await until(() => world.host.tcp.size === 0, 'TIME-WAIT ends on our side');
  expect(world.host.stats()).toEqual({ connections: {}, drops: {} });
  expect(await world.kernelSockets()).toEqual([]);
}

describe.skipIf(interopMissing)(`${COUNT} connections with the kernel at once`, () => {
  for (const client of ['kernel', 'stack'] as const) {
    for (const first of ['kernel', 'stack'] as const) {
      it(`leave nothing in ss nor in the host, ${client} as client, ${first} closes first`, () =>
        withWorld(
          { name: `many-${client}-client-${first}-first`, settings, queueLength, bulk: true },
          async (world) => {
            // The kernel's own TIME-WAIT lasts a fixed 60 s: here it is to keep none.
            await world.run('sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=0');
            await manyConnections(world, client, first);
          },
        ));
    }
  }
});
