import { describe, expect, it } from 'vitest';
import { createWorld, pair } from '../../../sim/sim.ts';
import { matchers } from '../../../sim/vitest.ts';
import type { Flow } from '../../../sim/network/flow.ts';
import type { EchoError, EchoReply } from '../../../stack/ip/echo.ts';
import { ms } from '../../../stack/time.ts';
import type { TraceEvent } from '../../../stack/trace.ts';
import { type IpAddress, formatAddress, parseAddress } from '../../../stack/wire/address.ts';
import { textTrace } from '../../../trace/text.ts';
import { ladderText } from '../../../trace/ladder-text.ts';
import { ladderOf } from '../../../trace/ladder.ts';

expect.extend(matchers);

const DATA = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

/** Two hosts and a router between them, with both IP versions. */
function routed(options: { readonly mtu?: number; readonly rightMtu?: number } = {}) {
  const world = createWorld({ seed: 6 });
  const a = world.host('a');
  const b = world.host('b');
  const router = world.router('r');
  const delay = ms(5);
  world.link(a, router, { delay, subnet6: 'fd00:1::/64', mtu: options.mtu ?? 1500 });
  world.link(router, b, { delay, subnet6: 'fd00:2::/64', mtu: options.rightMtu ?? 1500 });
  return { world, a, b, router };
}

describe('TCP over IPv6', () => {
  it('carries bytes through a router, both ways [RFC 8200 3]', () => {
    const { world, a, b, router } = routed();
    const lines: string[] = [];
    world.read((event) => {
      if (isTrace(event)) textTrace((line) => lines.push(line))(event);
    });
    let peer = '';
    let accepted: Flow | undefined;
    b.listen(
      80,
      (flow) => {
        peer = formatAddress(flow.connection.remote.address);
        flow.send(DATA);
        accepted = flow;
      },
      { keeps: true },
    );
    const client = a.connect(b.address6, 80, { keeps: true }).send(DATA).end();
    world.run();
    world.finish();
    expect(same(accepted?.bytes)).toBe(true);
    expect(same(client.bytes)).toBe(true);
    expect(peer).toBe(a.address6);
    expect(router.forwarded).toBeGreaterThan(400);
    expect(world).not.toRetransmit();
    expect(lines.some((line) => line.includes('opens [fd00:1::1]:'))).toBe(true);
    expect(lines.some((line) => /fd00:2::2\.80 > fd00:1::1\.\d+: Flags \[S\.\].*mss 1440/.test(line))).toBe(
      true,
    );
  });

  it('finds its neighbours on Ethernet, and draws in a ladder [RFC 4861 7.2]', () => {
    const world = createWorld({ seed: 6 });
    const events: TraceEvent[] = [];
    world.read((event) => {
      if (isTrace(event) && event.type !== 'frame') events.push(event);
    });
    const { a, b } = pair(world, { delay: ms(1), medium: 'ethernet', subnet6: 'fd00:1::/64' });
    let received = 0;
    b.listen(80, () => undefined, { heard: (_, flow) => (received = flow.received) });
    a.connect(b.address6, 80).send(DATA).end();
    world.run();
    world.finish();
    expect(received).toBe(DATA.length);
    expect(a.ip.interfaces[0]?.ndp?.neighbours.stateOf(b6(b.address6))).toMatch(/REACHABLE|STALE/);
    expect(ladderText(ladderOf(events))).toContain('fd00:1::');
  });

  it('is accepted with IPv4 by one listener on all addresses [RFC 3493 3.7]', () => {
    const { world, a, b } = routed();
    const peers: string[] = [];
    b.listen(80, (flow) => peers.push(formatAddress(flow.connection.remote.address)));
    a.connect(b.address6, 80).end();
    a.connect(b, 80).end();
    world.run();
    world.finish();
    expect(peers.toSorted()).toEqual([a.address, a.address6].toSorted());
  });
});

describe('TCP over IPv6 and a narrow link in the middle', () => {
  it.each(['router', 'link'] as const)(
    'learns the path MTU from a %s and gets everything across [RFC 8201 4]',
    (who) => {
      const world = createWorld({ seed: 8 });
      const [a, b] = [world.host('a'), world.host('b')];
      const [west, east] = [world.router('west'), world.router('east')];
      world.link(a, west, { delay: ms(1), subnet6: 'fd00:1::/64' });
      const narrow =
        who === 'router' ? { mtu: 1_300 } : { pathMtu: { bytes: 1_300, tooBig: 'icmp' as const } };
      world.link(west, east, { delay: ms(1), subnet6: 'fd00:2::/64', ...narrow });
      world.link(east, b, { delay: ms(1), subnet6: 'fd00:3::/64' });
      let received = 0;
      b.listen(80, () => undefined, { heard: (_, flow) => (received = flow.received) });
      a.connect(b.address6, 80).send(DATA).end();
      world.run();
      world.finish();
      expect(received).toBe(DATA.length);
      expect(a.ip.pathMtu.get(address(b.address6))).toBe(1_300);
    },
  );
});

describe('pings over IPv6', () => {
  function ping(world: ReturnType<typeof routed>, to: string, bytes: number, ttl?: number) {
    const { a } = world;
    const replies: (EchoReply & { copy: Uint8Array })[] = [];
    const errors: EchoError[] = [];
    a.ip.icmp.onEchoReply((reply) => replies.push({ ...reply, copy: reply.payload.slice() }));
    a.ip.icmp.onEchoError((error) => errors.push(error));
    const payload = DATA.subarray(0, bytes);
    const again = (): void => {
      a.host.run(() =>
        a.ip.icmp.ping(address(to), {
          identifier: 1,
          sequence: 1,
          payload,
          ...(ttl !== undefined && { ttl }),
        }),
      );
    };
    again();
    world.world.run();
    return { replies, errors, again };
  }

  it('carries 65,527 bytes in fragments made by the sender [RFC 8200 4.5]', () => {
    const world = routed();
    const { replies } = ping(world, world.b.address6, 65_527);
    expect(replies).toHaveLength(1);
    expect(same(replies[0]?.copy, 65_527)).toBe(true);
    expect(replies[0]?.ttl).toBe(63);
  });

  it('is told where the hop limit ran out [RFC 4443 3.3]', () => {
    const world = routed();
    const { errors } = ping(world, world.b.address6, 10, 1);
    expect(errors.map(({ kind }) => kind)).toEqual(['time-exceeded']);
  });

  it('is told that there is no route [RFC 4443 3.1]', () => {
    const world = routed();
    const { errors } = ping(world, 'fd00:9::1', 10);
    expect(errors.map(({ kind }) => kind)).toEqual(['net-unreachable']);
  });

  it('learns a smaller path MTU from the first that is too big, and the next arrives [RFC 8201 4]', () => {
    const world = routed({ rightMtu: 1300 });
    const { replies, errors, again } = ping(world, world.b.address6, 1_400);
    expect(errors.map(({ kind }) => kind)).toEqual(['fragmentation-needed']);
    expect(world.a.ip.pathMtu.get(address(world.b.address6))).toBe(1300);
    again();
    world.world.run();
    expect(replies).toHaveLength(1);
  });
});

describe('IPv6 addresses on Ethernet', () => {
  it('are used after duplicate address detection, and found to be taken if two have one [RFC 4862 5.4]', () => {
    const world = createWorld({ seed: 3 });
    const { a, b } = pair(world, { delay: ms(1), medium: 'ethernet' });
    const [first] = a.ip.interfaces;
    const [second] = b.ip.interfaces;
    if (first === undefined || second === undefined) throw new Error('no interface');
    const shared = address('fd00:7::5');
    first.addAddress({ address: shared, prefixLength: 64 });
    expect(first.ownAddress(shared)?.state).toBe('tentative');
    world.run();
    expect(first.ownAddress(shared)?.state).toBe('preferred');
    const linkLocal = first.addresses.filter((own) => formatAddress(own.address).startsWith('fe80:'));
    expect(linkLocal.map(({ state }) => state)).toEqual(['preferred']);
    second.addAddress({ address: shared, prefixLength: 64 });
    world.run();
    expect(second.ownAddress(shared)?.state).toBe('duplicated');
    expect(first.ownAddress(shared)?.state).toBe('preferred');
  });
});

/** Whether these are the first `length` bytes of DATA; `toEqual` takes a second for that. */
function same(bytes: Uint8Array | undefined, length: number = DATA.length): boolean {
  return bytes?.length === length && bytes.every((byte, at) => byte === DATA[at]);
}

function b6(text: string) {
  const parsed = address(text);
  if (typeof parsed === 'number') throw new Error(`${text} is IPv4`);
  return parsed;
}

function isTrace(event: { type: string }): event is TraceEvent {
  return 'host' in event;
}
