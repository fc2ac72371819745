import { describe, expect, it } from 'vitest';
import {
  Firewall,
  Nat,
  clampMss,
  createWorld,
  dumbbell,
  pair,
  rewriteWindow,
  star,
  stripOptions,
} from '../../../sim/sim.ts';
import { matchers } from '../../../sim/vitest.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';
import { statistics } from '../link/bench-link.ts';

expect.extend(matchers);

const at = (microseconds: number): Instant => microseconds as Instant;
const MIB = new Uint8Array(1 << 20).map((_, index) => index * 31);

/** Sends 1 MiB from `a` to `b`; how it went. */
function transfer(
  world: ReturnType<typeof createWorld>,
  a: ReturnType<typeof pair>['a'],
  b: ReturnType<typeof pair>['b'] | string,
  listener: ReturnType<typeof pair>['b'],
): { readonly received: () => number; readonly client: ReturnType<typeof a.connect> } {
  let received = 0;
  listener.listen(80, () => undefined, { heard: (_, flow) => (received = flow.received) });
  const client = a.connect(b, 80).send(MIB).end();
  void world;
  return { received: () => received, client };
}

describe('topologies', () => {
  it('a pair: a transfer of 1 MiB leaves nothing behind', () => {
    const world = createWorld({ seed: 1 });
    const { a, b } = pair(world, { delay: ms(10) });
    const { received } = transfer(world, a, b, b);
    world.run();
    world.finish();
    expect(received()).toBe(MIB.length);
    expect(world).toReachState('TIME-WAIT', { host: 'a' });
    expect(world).not.toRetransmit();
  });

  it('a dumbbell: flows share the link in the middle, through two routers', () => {
    const world = createWorld({ seed: 1 });
    const bottleneck = {
      rate: { bitsPerSecond: 10_000_000 },
      delay: ms(20),
      queue: { discipline: 'fq-codel' },
    } as const;
    const { left, right, routers } = dumbbell(world, { pairs: 3, bottleneck });
    const received = left.map((host, index) => {
      const peer = right[index];
      if (peer === undefined) throw new Error('no peer');
      return transfer(world, host, peer, peer).received;
    });
    world.run(at(2_000_000));
    const shares = received.map((each) => each());
    expect(Math.min(...shares) / Math.max(...shares)).toBeGreaterThan(0.8);
    world.run();
    world.finish();
    expect(received.map((each) => each())).toEqual(received.map(() => MIB.length));
    expect(routers[0].forwarded).toBeGreaterThan(3 * 700);
  });

  it.each(['router', 'switch'] as const)('a star around a %s: everybody reaches everybody', (centre) => {
    const world = createWorld({ seed: 2 });
    const { hosts } = star(world, { hosts: 4, centre, link: { delay: ms(1) } });
    let greetings = 0;
    for (const host of hosts) host.listen(7, (flow) => flow.send(host.name));
    for (const from of hosts)
      for (const to of hosts)
        if (from !== to)
          from.connect(to, 7, {
            heard: (event, flow) =>
              event.type === 'readable' &&
              ((greetings += flow.bytes.length > 0 || flow.received === 2 ? 1 : 0), flow.end()),
          });
    world.run();
    world.finish();
    expect(greetings).toBe(12);
  });

  it('a router says when the time to live is over, and when there is no way', () => {
    const world = createWorld({ seed: 1, settings: { ip: { ttl: 1 } } });
    const { left, right } = dumbbell(world, { bottleneck: {} });
    const [from] = left;
    const [to] = right;
    if (from === undefined || to === undefined) throw new Error('no hosts');
    const timed = from.connect(to, 80);
    world.run(at(500_000));
    expect(world).toLose('LINK_TTL', 1);
    timed.abort();
    const nowhere = createWorld({ seed: 1 });
    const { hosts } = star(nowhere);
    const refused = hosts[0]?.connect('192.0.2.1', 80);
    nowhere.run();
    expect(nowhere).toLose('LINK_NO_ROUTE');
    expect(refused?.closed).toBe(true);
  });

  it('a router refuses or cuts what is too big for its next link', () => {
    const world = createWorld({ seed: 1, checks: true });
    const [r, s] = [world.router('r'), world.router('s')];
    const [a, b] = [world.host('a'), world.host('b')];
    world.link(a, r);
    world.link(r, s, { mtu: 576 });
    world.link(s, b);
    b.listen(80);
    a.connect(b, 80).send(MIB.subarray(0, 3000)).connection.setUserTimeout(seconds(5));
    world.run(at(10_000_000));
    const answers = world.events.filter(
      (event) =>
        event.type === 'frame' &&
        event.host === 'a' &&
        event.direction === 'in' &&
        event.bytes[event.head + 9] === 1,
    );
    expect(world).toLose('LINK_MTU');
    expect(answers.length).toBeGreaterThan(0);
  });
});

describe('independence', () => {
  it('another link, other hosts, other traffic change nothing on a link', () => {
    const lossesOf = (more: boolean): readonly string[] => {
      const world = createWorld({ seed: 4 });
      const link = { delay: ms(10), loss: { model: 'independent', p: 0.05 } } as const;
      const { a, b } = pair(world, link);
      if (more) {
        const [c, d] = [world.host('c'), world.host('d')];
        world.link(c, d, { ...link, duplication: { p: 0.2 } });
        transfer(world, c, d, d);
      }
      transfer(world, a, b, b);
      world.run();
      world.finish();
      return world.events.flatMap((event) =>
        (event.type === 'segment' && (event.host === 'a' || event.host === 'b')) ||
        (event.type === 'link-loss' && event.by.startsWith('a-b'))
          ? [JSON.stringify(event, (key, value: unknown) => (key === 'bytes' ? undefined : value))]
          : [],
      );
    };
    const alone = lossesOf(false);
    expect(alone.length).toBeGreaterThan(500);
    expect(lossesOf(true)).toEqual(alone);
  });
});

describe('partitions', () => {
  it('both ways, or one way, for a time', () => {
    for (const oneWay of [false, true]) {
      const world = createWorld({ seed: 3 });
      const { a, b } = pair(world, { delay: ms(5) });
      let answers = 0;
      b.listen(7, () => undefined, { heard: (event, flow) => event.type === 'readable' && flow.send('!') });
      const client = a.connect(b, 7, { heard: (event) => event.type === 'readable' && (answers += 1) });
      world.partition([b], [a], { from: at(100_000), to: at(2_000_000), oneWay });
      world.at(at(500_000), () => client.send('?'));
      world.run(at(1_900_000));
      expect(answers).toBe(0);
      expect(b.tcp.size).toBe(1);
      const heard = world.events.some(
        (event) =>
          event.type === 'segment' && event.host === 'b' && event.direction === 'in' && event.at > 400_000,
      );
      expect(heard).toBe(oneWay);
      world.run(at(6_000_000));
      expect(answers).toBe(1);
      client.end();
      world.run();
      world.finish();
    }
  });
});

describe('CoDel under TCP', () => {
  it('holds the standing queue near its target of 5 ms', () => {
    const slow = { rate: { bitsPerSecond: 10_000_000 }, delay: ms(20) };
    const standing = (discipline: 'codel' | 'drop-tail'): number => {
      const w = createWorld({ seed: 1, record: false });
      const { a, b, link } = pair(w, { 'a→b': { ...slow, queue: { discipline } }, 'b→a': { delay: ms(20) } });
      b.listen(80);
      const flows = [1, 2, 3, 4].map(() => a.connect(b, 80).send(new Uint8Array(8 << 20)));
      const waiting: number[] = [];
      for (let sample = 2_000_000; sample < 6_000_000; sample += 10_000)
        w.at(at(sample), () => waiting.push((link['a→b'].queued.bytes * 8) / 10)); // µs at 10 Mb/s
      w.run(at(6_000_000));
      for (const flow of flows) flow.abort();
      // What stands is what never goes away: the least within each 100 ms [RFC 8289 3.2].
      const least = waiting.map((_, index) => Math.min(...waiting.slice(index, index + 10)));
      return statistics(least.slice(0, -10)).mean;
    };
    const codel = standing('codel');
    const full = standing('drop-tail');
    expect(codel).toBeGreaterThan(500);
    expect(codel).toBeLessThan(7_500);
    if (process.env['SIM_REPORT'] === '1')
      process.stderr.write(`standing queue: CoDel ${codel} µs, drop-tail ${full} µs\n`);
    expect(full).toBeGreaterThan(4 * codel);
  });
});

describe('middleboxes', () => {
  it('NAT: the outside sees its address; a mapping that is forgotten cuts a connection off', () => {
    const world = createWorld({ seed: 1 });
    const nat = new Nat({ address: '10.0.1.200', timeout: seconds(30) });
    const { a, b } = pair(world, {
      delay: ms(5),
      'a→b': { delay: ms(5), middleboxes: [nat] },
      'b→a': { delay: ms(5), middleboxes: [nat] },
    });
    let said = 0;
    b.listen(7, () => undefined, {
      heard: (event, flow) => event.type === 'readable' && (said += 1) && flow.send('!'),
    });
    const client = a.connect(b, 7);
    client.send('one');
    world.run(at(1_000_000));
    expect([said, client.received, nat.mappings]).toEqual([1, 1, 1]);
    const peers = world.events.flatMap((event) =>
      event.type === 'connection' && event.host === 'b' ? [`${event.remoteAddress}`] : [],
    );
    expect(peers).toEqual([String(0x0a0001c8)]);
    // After 31 s without a packet the next one comes from another port: b knows no such connection.
    world.at(at(40_000_000), () => client.send('two'));
    world.run(at(41_000_000));
    expect(said).toBe(1);
    expect(world).toReset('TCP_INVALID_ACK_SEQUENCE', { host: 'b' });
    expect([client.closed, client.reason]).toEqual([true, 'reset']);
  });

  it('NAT: rebinding is the same by hand', () => {
    const world = createWorld({ seed: 1 });
    const nat = new Nat({ address: '10.0.1.200' });
    const { a, b } = pair(world, { middleboxes: [nat] });
    b.listen(7);
    const client = a.connect(b, 7);
    world.run(at(1_000_000));
    nat.rebind();
    client.send('x');
    world.run(at(2_000_000));
    expect(client.reason).toBe('reset');
    expect(world).toReset('TCP_INVALID_ACK_SEQUENCE');
  });

  it('firewall: nobody gets in, what it forgot is reset or lost', () => {
    for (const unknown of ['reset', 'drop'] as const) {
      const world = createWorld({ seed: 1 });
      const firewall = new Firewall({ unknown, timeout: seconds(60) });
      const { a, b } = pair(world, { delay: ms(5), middleboxes: [firewall] });
      a.listen(7);
      b.listen(7);
      const inward = b.connect(a, 7);
      const outward = a.connect(b, 7);
      world.run(at(2_000_000));
      expect(outward.established).toBe(true);
      expect([inward.established, inward.reason]).toEqual([
        false,
        unknown === 'reset' ? 'refused' : undefined,
      ]);
      expect(world).toLose('LINK_FIREWALL');
      if (unknown === 'drop') inward.abort();
      world.at(at(100_000_000), () => outward.send('late'));
      world.run(at(100_500_000));
      expect(outward.reason).toBe(unknown === 'reset' ? 'reset' : undefined);
      outward.abort();
    }
  });

  it('option stripping, MSS clamping, window rewriting', () => {
    const world = createWorld({ seed: 1 });
    const boxes = [stripOptions([3, 8]), clampMss(700), rewriteWindow((window) => Math.min(window, 5000))];
    const { a, b } = pair(world, { middleboxes: boxes, delay: ms(5) });
    const { received } = transfer(world, a, b, b);
    world.run();
    world.finish();
    expect(received()).toBe(MIB.length);
    expect(world).toContainSegments([
      {
        host: 'b',
        direction: 'in',
        flags: 'S',
        options: { mss: 700, windowScale: undefined, timestamps: undefined },
      },
    ]);
    expect(world).toSendNo({ host: 'b', direction: 'in', where: ({ length }) => length > 700 });
    expect(world).toSendNo({ host: 'a', direction: 'in', flags: '.', where: ({ window }) => window > 5000 });
    expect(world).not.toDrop('TCP_CSUM');
  });
});
