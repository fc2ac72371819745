import { describe, expect, it } from 'vitest';
import { ms } from '../../stack/time.ts';
import { StackEnd } from './stack-end.ts';
import { full, interopMissing, sleep, until, type World, withWorld } from './world.ts';

const COUNT = full ? 1_000 : 100;
/** 2 MSL of half a second. */
const settings = { tcp: { msl: ms(250), backlog: 4_096 } };
/** All at once send the kernel more than the 500 packets that it keeps for us by default. */
const queueLength = 6_000;

/** Who connects, and who closes first: that side keeps the TIME-WAIT. */
type Side = 'kernel' | 'stack';

/** Our ends of the connections: what became of each. */
class Ends {
  readonly outcomes: Promise<string>[] = [];
  /** Settles when each of them has got its byte. */
  readonly open: Promise<void>;
  readonly #ends: StackEnd[] = [];
  readonly #first: Side;
  #opened: number = 0;
  #allOpen: () => void = () => {};

  constructor(first: Side) {
    this.#first = first;
    this.open = new Promise((resolve) => (this.#allOpen = resolve));
  }

  start(end: StackEnd): void {
    this.#ends.push(end);
    this.outcomes.push(this.#run(end).catch(String));
  }

  /** Fifty at a time: who is at work for 200 ms without a look at what arrives makes both sides send again. */
  async shutDown(): Promise<void> {
    for (const [i, { connection }] of this.#ends.entries()) {
      if (i % 50 === 0) await sleep(5);
      connection.shutdown();
    }
  }

  async #run(end: StackEnd): Promise<string> {
    const first = await end.receive(1);
    await end.send(new Uint8Array(1));
    this.#opened += 1;
    if (this.#opened === COUNT) this.#allOpen();
    const rest = await end.receive();
    if (this.#first === 'kernel') end.connection.shutdown();
    const { reason } = await end.closed();
    return `${first.bytes} byte, ${rest.bytes} later, ${reason ?? 'closed'}`;
  }
}

async function manyConnections(world: World, client: Side, first: Side): Promise<void> {
  // Each sends a byte, so that both know that it is open; then one closes, and the other when it hears of that.
  const actions = ['send:1+recv:1', first === 'kernel' ? 'shut+recv+close' : 'recv+close'];
  const ends = new Ends(first);
  let peer;
  let close = (): void => {};
  if (client === 'kernel') {
    close = StackEnd.listen(world.host, 5001, (end) => ends.start(end));
    peer = world.kernelConnects(5001, actions, COUNT);
  } else {
    peer = await world.kernelListens(5001, actions, COUNT);
    for (let i = 0; i < COUNT; i++) ends.start(StackEnd.connect(world.host, 5001));
  }
  await ends.open;
  if (first === 'stack') await ends.shutDown();
  expect(await world.result(peer)).toMatchObject({ done: true, sent: COUNT, received: COUNT });
  expect(ends.outcomes).toHaveLength(COUNT);
  expect(new Set(await Promise.all(ends.outcomes))).toEqual(new Set(['1 byte, 0 later, closed']));
  close();
  await until(() => world.host.tcp.size === 0, 'TIME-WAIT ends on our side');
  expect(world.host.stats()).toMatchObject({ connections: {}, drops: {}, halfOpen: 0, timeWait: 0 });
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
