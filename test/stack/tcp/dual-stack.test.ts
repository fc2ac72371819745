import { describe, expect, it } from 'vitest';
import { pair } from '../../../sim/network/topologies.ts';
import { createWorld } from '../../../sim/sim.ts';
import { StackError } from '../../../stack/errors.ts';
import { type Instant, ms } from '../../../stack/time.ts';
import type { ListenOptions } from '../../../stack/tcp/tcp.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../../stack/wire/address.ts';
import type { WorldHost } from '../../../sim/network/host.ts';

function ip(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

const QUIET = { connectionReady: () => {} };

function twoHosts() {
  const world = createWorld({ seed: 46 });
  const { a, b } = pair(world, { delay: ms(1), subnet6: 'fd00:1::/64' });
  return { world, a, b };
}

/** What becomes of a connection from `from` to `to`: who the listener saw, or why it was refused. */
function tried(
  { world, a, b }: ReturnType<typeof twoHosts>,
  options: Omit<ListenOptions, 'port'>,
  to: string,
  from: WorldHost = a,
): string {
  const seen: string[] = [];
  const listener = b.tcp.listen(
    { port: 80, ...options },
    {
      connectionReady: () => {
        const connection = listener.accept({ connectionEvent: () => {} });
        if (connection !== undefined) seen.push(formatAddress(connection.remote.address));
        connection?.abort();
      },
    },
  );
  const flow = from.connect(to, 80);
  world.run();
  listener.close();
  world.run();
  return seen[0] ?? flow.reason ?? 'nothing';
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof StackError ? error.code : String(error);
  }
  return 'fine';
}

describe('a listener', () => {
  it.each([
    ['undefined', {}, ['10.0.1.1', 'fd00:1::1']],
    ['::', { address: ip('::') }, ['10.0.1.1', 'fd00:1::1']],
    [':: with ipv6Only', { address: ip('::'), ipv6Only: true }, ['refused', 'fd00:1::1']],
    ['0.0.0.0', { address: ip('0.0.0.0') }, ['10.0.1.1', 'refused']],
    ['10.0.1.2', { address: ip('10.0.1.2') }, ['10.0.1.1', 'refused']],
    ['fd00:1::2', { address: ip('fd00:1::2') }, ['refused', 'fd00:1::1']],
    ['::ffff:10.0.1.2', { address: ip('::ffff:10.0.1.2') }, ['10.0.1.1', 'refused']],
  ])(
    'on %s takes who it should; IPv4 peers have IPv4 addresses [RFC 3493 3.7, 5.3]',
    (_, options, expected) => {
      const hosts = twoHosts();
      expect([tried(hosts, options, '10.0.1.2'), tried(hosts, options, 'fd00:1::2')]).toEqual(expected);
    },
  );

  it('on all addresses takes 127.0.0.1 and ::1 of its own host', () => {
    const hosts = twoHosts();
    expect(tried(hosts, {}, '::1', hosts.b)).toBe('::1');
    expect(tried(hosts, {}, '127.0.0.1', hosts.b)).toBe('127.0.0.1');
    expect(tried(hosts, { address: ip('::1') }, '127.0.0.1', hosts.b)).toBe('refused');
    expect(tried(hosts, { address: ip('::1') }, 'fd00:1::2')).toBe('refused');
  });

  it.each([
    ['::', {}, '::', {}, 'EADDRINUSE'],
    ['::', {}, '0.0.0.0', {}, 'EADDRINUSE'],
    ['0.0.0.0', {}, '::', {}, 'EADDRINUSE'],
    ['::', { ipv6Only: true }, '0.0.0.0', {}, 'fine'],
    ['0.0.0.0', {}, '::', { ipv6Only: true }, 'fine'],
    ['::', {}, '10.0.1.2', {}, 'EADDRINUSE'],
    ['::', { ipv6Only: true }, '10.0.1.2', {}, 'fine'],
    ['::', { ipv6Only: true }, 'fd00:1::2', {}, 'EADDRINUSE'],
    ['0.0.0.0', {}, 'fd00:1::2', {}, 'fine'],
    ['10.0.1.2', {}, 'fd00:1::2', {}, 'fine'],
    ['fd00:1::2', {}, 'fd00:1::2', {}, 'EADDRINUSE'],
    ['::1', {}, 'fd00:1::2', {}, 'fine'],
    ['::', { reusePort: true }, '0.0.0.0', { reusePort: true }, 'fine'],
  ])('on %s %j beside one on %s %j: %s', (first, one, second, other, expected) => {
    const { b } = twoHosts();
    b.tcp.listen({ port: 80, address: ip(first), ...one }, QUIET);
    expect(codeOf(() => b.tcp.listen({ port: 80, address: ip(second), ...other }, QUIET))).toBe(expected);
  });

  it('on an address that the host does not have, or not yet, is refused [RFC 4862 5.4]', () => {
    const { b } = twoHosts();
    expect(codeOf(() => b.tcp.listen({ port: 80, address: ip('fd00:1::9') }, QUIET))).toBe('EADDRNOTAVAIL');
    b.ip.interfaces[0]?.addAddress({ address: ip('fd00:1::9'), prefixLength: 64, state: 'tentative' });
    expect(codeOf(() => b.tcp.listen({ port: 80, address: ip('fd00:1::9') }, QUIET))).toBe('EADDRNOTAVAIL');
  });
});

describe('connecting to IPv6', () => {
  it('to a v4-mapped address is connecting to the IPv4 one [RFC 3493 3.7]', () => {
    expect(tried(twoHosts(), {}, '::ffff:10.0.1.2')).toBe('10.0.1.1');
  });

  it('is refused for what is no single host, and without a route [RFC 9293 MUST-46]', () => {
    const { a } = twoHosts();
    const connect = (to: string): string => codeOf(() => a.connect(to, 80));
    expect(connect('ff02::1')).toBe('EINVAL');
    expect(connect('::')).toBe('EINVAL');
    expect(connect('2001:db8::1')).toBe('ENETUNREACH');
  });

  it('says that it is only a matter of waiting, as long as the address is being checked [RFC 4862 5.4]', () => {
    const world = createWorld({ seed: 46 });
    const { a } = pair(world, { delay: ms(1) });
    expect(() => a.connect('2001:db8::1', 80)).toThrow(/no route to 2001:db8::1$/);
    a.ip.interfaces[0]?.addAddress({ address: ip('2001:db8::2'), prefixLength: 64, state: 'tentative' });
    expect(() => a.connect('2001:db8::1', 80)).toThrow(/still being checked for duplicates, so try again/);
  });

  it('to a link-local address goes by the interface of the zone, and comes back there [RFC 4007 6, 11]', () => {
    const world = createWorld({ seed: 46 });
    const [a, b, c] = [world.host('a'), world.host('b'), world.host('c')];
    world.link(a, b, { delay: ms(1) });
    world.link(a, c, { delay: ms(1) });
    for (const [host, text] of [
      [a, 'fe80::a'],
      [b, 'fe80::b'],
      [c, 'fe80::b'],
    ] as const)
      for (const each of host.ip.interfaces)
        each.addAddress({ address: ip(text), prefixLength: 64, state: 'preferred' });
    const heard: string[] = [];
    b.listen(80, () => heard.push('b'));
    c.listen(80, () => heard.push('c'));
    const [first, second] = a.ip.interfaces.map(({ device }) => device.name);
    const remote = { address: ip('fe80::b'), port: 80 };
    const owner = { connectionEvent: () => {} };
    for (const zone of [second, first, second]) a.tcp.connect({ remote, zone }, owner);
    world.run();
    expect(heard.toSorted()).toEqual(['b', 'c', 'c']);
    expect(codeOf(() => a.tcp.connect({ remote, zone: 'nowhere' }, owner))).toBe('EINVAL');
  });

  it('announces an MSS of the MTU less 60 bytes of headers [RFC 9293 3.7.1, SHLD-6]', () => {
    const { world, a, b } = twoHosts();
    b.listen(80);
    const flow = a.connect('fd00:1::2', 80);
    world.run();
    expect(flow.connection.announcedMss).toBe(1_440);
  });
});

describe('a connection whose routes change', () => {
  it('goes on by the new gateway, without a new connection', () => {
    const world = createWorld({ seed: 46 });
    const [a, b] = [world.host('a'), world.host('b')];
    const [west, east] = [world.router('west'), world.router('east')];
    world.link(a, west, { delay: ms(1), subnet6: 'fd00:1::/64' });
    world.link(a, east, { delay: ms(1), subnet6: 'fd00:2::/64' });
    world.link(west, b, { delay: ms(1), subnet6: 'fd00:3::/64' });
    world.link(east, west, { delay: ms(1), subnet6: 'fd00:4::/64' });
    b.listen(80);
    const flow = a.connect('fd00:3::2', 80).send(new Uint8Array(1_000));
    world.run(100_000 as Instant);
    expect(flow.established).toBe(true);
    const before = east.forwarded;
    const [, second] = a.ip.interfaces;
    if (second === undefined) throw new Error('one interface');
    const everywhere = { destination: ip('::'), prefixLength: 0 };
    a.ip.routes.remove(everywhere.destination, 0);
    a.ip.routes.add({ ...everywhere, interface: second, gateway: ip('fd00:2::2') });
    flow.send(new Uint8Array(20_000)).end();
    world.run();
    world.finish();
    expect(east.forwarded - before).toBeGreaterThan(10);
  });
});

/** The flow labels of the TCP segments that `a` sends to `b`, by their source port. */
function labelsSent({ a }: ReturnType<typeof twoHosts>): Map<number, Set<number>> {
  const labels = new Map<number, Set<number>>();
  a.host.tracer = (event) => {
    if (event.type !== 'frame' || event.direction !== 'out') return;
    const view = new DataView(event.bytes.buffer, event.bytes.byteOffset);
    const at = event.medium === 'ethernet' ? event.head + 14 : event.head;
    if (view.getUint8(at) >>> 4 !== 6 || view.getUint8(at + 6) !== 6) return;
    const port = view.getUint16(at + 40);
    labels.set(port, (labels.get(port) ?? new Set()).add(view.getUint32(at) & 0xf_ffff));
  };
  return labels;
}

it('all segments of a connection over IPv6 have one flow label, which no other has [RFC 6437 3; RFC 8200 6]', () => {
  const hosts = twoHosts();
  const { world, a, b } = hosts;
  const labels = labelsSent(hosts);
  b.tcp.listen({ port: 80, address: ip('::') }, QUIET);
  const flows = [a.connect('fd00:1::2', 80), a.connect('fd00:1::2', 80)];
  world.run();
  for (const { connection } of flows) connection?.send(new Uint8Array(5_000));
  world.run();
  const found = [...labels.values()].map((each) => [...each]);
  expect(found.map((each) => each.length)).toEqual([1, 1]);
  expect(new Set([...found.flat(), 0]).size).toBe(3);
});
