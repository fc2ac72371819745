import { describe, expect, it } from 'vitest';
import { createWorld, type Flow, pair, type World } from '../../../sim/sim.ts';
import type { TcpSettings } from '../../../stack/settings.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { add } from '../../../stack/tcp/sequence.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';
import type { SegmentEvent } from '../../../stack/trace.ts';

const DATA = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) & 0xff);

interface Run {
  readonly world: World;
  readonly flow: Flow;
  /** What a sent. */
  readonly out: () => SegmentEvent[];
  readonly received: () => number;
}

/** 400,000 bytes from a to b over a path that takes packets of `bytes`, and says so or not. */
function over(
  bytes: number,
  tooBig: 'icmp' | 'black-hole',
  tcp: Partial<TcpSettings> = {},
  version: 4 | 6 = 4,
): Run {
  const world = createWorld({ seed: 1, settings: { tcp } });
  const delay = ms(10);
  const v6 = version === 6 ? { subnet6: 'fd00:1::/64' } : {};
  const { a, b } = pair(world, {
    ...v6,
    'a→b': { delay, pathMtu: { bytes, tooBig } },
    'b→a': { delay },
  });
  let received = 0;
  b.listen(80, () => undefined, { heard: (_, flow) => (received = flow.received) });
  const flow = a.connect(version === 6 ? b.address6 : b, 80).send(DATA);
  const out = (): SegmentEvent[] =>
    world.events.filter(
      (event): event is SegmentEvent =>
        event.type === 'segment' && event.direction === 'out' && event.host === 'a',
    );
  return { world, flow, out, received: () => received };
}

const wireSize = ({ length, segmentSize }: SegmentEvent): number => (segmentSize > 0 ? segmentSize : length);
const at = (seconds: number): Instant => (seconds * 1_000_000) as Instant;

describe('a path whose routers say what they take', () => {
  it('is learnt at once: what was too large leaves again, smaller, and cwnd stays [RFC 1191 6.5; RFC 8201 5.4]', () => {
    const { world, flow, out, received } = over(1_000, 'icmp');
    world.run(at(0.06));
    expect(flow.connection.pathMtu).toBe(1_000);
    expect(flow.connection.info().mss).toBe(1_000 - 40 - 12);
    expect(flow.connection.info().ssthresh).toBe(0x3fffffff); // not a sign of congestion
    world.run(at(2));
    expect(received()).toBe(DATA.length);
    expect(out().some(({ cause }) => cause === 'mtu-retransmit')).toBe(true);
    expect(out().some(({ cause }) => cause === 'retransmit-timeout')).toBe(false);
  });

  it('is the same over IPv6 [RFC 8201 4]', () => {
    const { world, flow, received } = over(1_280, 'icmp', {}, 6);
    world.run(at(2));
    expect([flow.connection.pathMtu, received()]).toEqual([1_280, DATA.length]);
  });

  it('is remembered for the next connection to the same host [RFC 1191 6.2]', () => {
    const { world, flow } = over(1_000, 'icmp');
    world.run(at(1));
    const [a, b] = world.hosts;
    if (a === undefined || b === undefined) throw new Error('no hosts');
    expect(a.connect(b, 80).connection.pathMtu).toBe(1_000);
    expect(a.host.ip.pathMtu.size).toBe(1);
    flow.abort();
  });

  it('that takes less than we believe routers gets packets that it may cut [RFC 1191 3; attacks.md B1]', () => {
    const { world, flow, received } = over(300, 'icmp');
    world.run(at(5));
    expect([flow.connection.pathMtu, flow.connection.mayFragment]).toEqual([552, true]);
    expect(received()).toBe(DATA.length);
  });

  it('is tried anew with larger packets after ten minutes, by a probe that costs nothing if it is lost [RFC 1191 6.3; RFC 4821 7]', () => {
    const { world, flow, out } = over(1_000, 'icmp');
    world.run(at(605));
    const before = out().length;
    flow.send(DATA);
    world.run(at(640));
    const later = out().slice(before);
    const probes = later.filter(({ cause }) => cause === 'mtu-probe');
    expect(probes.length).toBeGreaterThan(2);
    expect(Math.max(...probes.map(wireSize))).toBe(1_448);
    expect(later.some(({ cause }) => cause === 'retransmit-timeout')).toBe(false);
    expect(flow.connection.pathMtu).toBeLessThanOrEqual(1_000);
  });
});

describe('a path whose routers say nothing', () => {
  it('is found out by two timeouts of full-sized segments, then searched [RFC 4821 7.7; RFC 8899 4.3, 5.3]', () => {
    const { world, flow, out, received } = over(1_400, 'black-hole');
    world.run(at(30));
    expect(received()).toBe(DATA.length);
    const timeouts = out().filter(({ cause }) => cause === 'retransmit-timeout');
    expect(timeouts.length).toBeLessThan(20);
    const { pathMtu } = flow.connection;
    expect(pathMtu).toBeGreaterThan(1_400 - 2 * 32);
    expect(pathMtu).toBeLessThanOrEqual(1_400);
  });

  it('is found out below 1280 bytes too, over IPv4 [RFC 8899 5.1.2]', () => {
    const { world, received, flow } = over(600, 'black-hole');
    world.run(at(60));
    expect(received()).toBe(DATA.length);
    expect(flow.connection.pathMtu).toBeLessThanOrEqual(600);
  });

  it('is the end of the connection if nobody looks, as Linux has it by default', () => {
    const { world, received, flow } = over(1_400, 'black-hole', { mtuProbing: 'off', r2: seconds(30) });
    world.run(at(60));
    expect([received(), flow.connection.state]).toEqual([0, 'CLOSED']);
  });

  it('is not suspected when small segments are lost [RFC 4821 7.7]', () => {
    const world = createWorld({ seed: 1 });
    const { a, b } = pair(world, { 'a→b': { delay: ms(10), pathMtu: { bytes: 70, tooBig: 'black-hole' } } });
    b.listen(80);
    const flow = a.connect(b, 80).send(DATA.subarray(0, 100));
    world.run(at(20));
    expect(flow.connection.pathMtu).toBe(1_500);
    flow.abort();
  });
});

describe('a report', () => {
  it('is checked: of what is not in flight, or larger than the present, it changes nothing [RFC 5927 7; RFC 1191 5; RFC 8201 4]', () => {
    const { world, flow } = over(1_500, 'icmp');
    world.run(at(0.045));
    const { connection } = flow;
    const { host } = world.hosts[0] ?? {};
    const { local, remote, sender } = connection;
    const report = (number: number, mtu: number): number => {
      const quoted = PacketBuffer.allocate(8);
      quoted.tail = 8;
      quoted.view.setUint16(0, local.port);
      quoted.view.setUint16(2, remote.port);
      quoted.view.setUint32(4, number);
      host?.tcp.icmpError('fragmentation-needed', local.address, remote.address, quoted, mtu);
      return connection.pathMtu;
    };
    expect(sender.flightSize).toBeGreaterThan(0);
    expect(report(add(sender.una, -1), 600)).toBe(1_500);
    expect(report(add(sender.nxt, 1), 600)).toBe(1_500);
    expect(report(sender.una, 9_000)).toBe(1_500);
    expect(report(sender.una, 0)).toBe(1_492); // an old router that does not say: the next plateau [RFC 1191 5, 7.1]
    expect(report(sender.una, 1)).toBe(552);
    world.run(at(2));
    expect(connection.state).toBe('ESTABLISHED');
  });
});

describe('a black hole that swallows less than full-sized segments', () => {
  it.each([
    [9_000, 1_400, 2_000],
    [1_500, 900, 912],
  ])(
    'an MTU of %i, a path of %i bytes, %i bytes to send: the base is taken, and they arrive',
    (mtu, bytes, size) => {
      const world = createWorld({ seed: 1 });
      const hole = { delay: ms(10), pathMtu: { bytes, tooBig: 'black-hole' } as const };
      const { a, b } = pair(world, { mtu, 'a→b': hole, 'b→a': { delay: ms(10) } });
      let received = 0;
      b.listen(80, () => undefined, { heard: (_, flow) => (received = flow.received) });
      const flow = a.connect(b, 80);
      flow.send(DATA.subarray(0, size));
      world.run(at(20));
      expect(received).toBe(size);
    },
  );

  it('what fits the smallest base is not made smaller: it vanishes for another reason', () => {
    const world = createWorld({ seed: 1 });
    const { a, b } = pair(world, {
      delay: ms(10),
      'a→b': { delay: ms(10), pathMtu: { bytes: 200, tooBig: 'black-hole' } },
    });
    b.listen(80);
    const flow = a.connect(b, 80);
    flow.send(DATA.subarray(0, 400));
    world.run(at(20));
    expect(flow.connection.pathMtu).toBe(1_500);
  });
});

describe('the MSS that is announced', () => {
  it('can be clamped by a setting, and no segment is larger [RFC 9293 3.7.1, MUST-16]', () => {
    const world = createWorld({ seed: 1, settings: { tcp: { maxMss: 1_000 } } });
    const { a, b } = pair(world, {});
    b.listen(80);
    const flow = a.connect(b, 80).send(DATA);
    world.run(at(1));
    expect([flow.connection.announcedMss, flow.connection.info().mss]).toEqual([1_000, 1_000 - 12]);
    flow.abort();
  });

  it('is that of the smallest MTU that the link was said to have, by a router or DHCP [RFC 9293 SHLD-6, MUST-67]', () => {
    const world = createWorld({ seed: 1 });
    const { a, b } = pair(world, {});
    b.listen(80);
    const via = a.host.ip.interfaces[0];
    const announced = (): number => a.connect(b, 80).connection.announcedMss;
    expect(announced()).toBe(1_460);
    via?.parameters.limitMtu('router', 1_400);
    via?.parameters.limitMtu('dhcp', 1_450);
    expect(announced()).toBe(1_360);
    via?.parameters.limitMtu('router', undefined);
    expect(announced()).toBe(1_410);
  });
});
