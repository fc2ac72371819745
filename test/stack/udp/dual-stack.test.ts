import { describe, expect, it } from 'vitest';
import { pair } from '../../../sim/network/topologies.ts';
import { createWorld } from '../../../sim/sim.ts';
import { ms } from '../../../stack/time.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../../stack/wire/address.ts';

function ip(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

function setUp(bound: string | undefined) {
  const world = createWorld({ seed: 17 });
  const { a, b } = pair(world, { delay: ms(1), subnet6: 'fd00:1::/64' });
  const got: string[] = [];
  const socket = b.host.udp.bind(bound === undefined ? undefined : ip(bound), 53, {
    datagramArrived: (data, from) => got.push(`${data.length} from ${formatAddress(from.address)}`),
  });
  const errors: string[] = [];
  const sender = a.host.udp.bind(undefined, 5_000, {
    datagramArrived: () => {},
    errorArrived: (kind) => errors.push(kind),
  });
  const send = (to: string, size: number): boolean | undefined => {
    const sent = a.host.run(() => sender?.send(new Uint8Array(size), ip(to), 53));
    world.run();
    return sent;
  };
  return { a, b, world, got, errors, send, socket };
}

describe('UDP on both IP versions', () => {
  it.each([
    [undefined, ['1 from 10.0.1.1', '1 from fd00:1::1']],
    ['::', ['1 from 10.0.1.1', '1 from fd00:1::1']],
    ['0.0.0.0', ['1 from 10.0.1.1']],
    ['fd00:1::2', ['1 from fd00:1::1']],
    ['10.0.1.2', ['1 from 10.0.1.1']],
  ])('a socket bound to %s takes what it should [RFC 3493 3.7]', (bound, expected) => {
    const { got, errors, send } = setUp(bound);
    send('10.0.1.2', 1);
    send('fd00:1::2', 1);
    expect(got).toEqual(expected);
    expect(errors).toEqual(expected.length === 2 ? [] : ['port-unreachable']);
  });

  it('carries 65,527 bytes over IPv6, in fragments made by the sender [RFC 8200 4.5, 8.1]', () => {
    const { got, send } = setUp(undefined);
    expect(send('fd00:1::2', 65_527)).toBe(true);
    expect(got).toEqual(['65527 from fd00:1::1']);
    expect(() => send('fd00:1::2', 65_528)).toThrow(RangeError);
    expect(() => send('10.0.1.2', 65_508)).toThrow(RangeError);
  });

  it('reaches a group on a named interface', () => {
    const { a, world, got } = setUp(undefined);
    const [by] = a.ip.interfaces;
    const socket = a.host.udp.bind(undefined, 5_001, { datagramArrived: () => {} });
    expect(socket?.send(new Uint8Array(3), ip('ff02::1'), 53, by === undefined ? {} : { on: by })).toBe(true);
    world.run();
    expect(got).toEqual(['3 from fd00:1::1']);
  });

  it('lets an IPv4 and an IPv6 socket have one port, and one on all addresses beside them none twice', () => {
    const { b } = setUp('0.0.0.0');
    const quiet = { datagramArrived: () => {} };
    expect(b.host.udp.bind(ip('fd00:1::2'), 53, quiet)).toBeDefined();
    expect(b.host.udp.bind(ip('fd00:1::2'), 53, quiet)).toBeUndefined();
    expect(b.host.udp.bind(ip('::'), 53, quiet)).toBeUndefined();
    expect(b.host.udp.bind(undefined, 53, quiet)).toBeUndefined();
    expect(b.host.udp.bind(ip('10.0.1.2'), 53, quiet)).toBeDefined();
  });

  it('answers a link-local address on the link that it asked from [RFC 4007 6]', () => {
    const world = createWorld({ seed: 17 });
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
    const server = a.host.udp.bind(undefined, 53, {
      datagramArrived: (data, from, _to, by) => void server?.send(data, from.address, from.port, { on: by }),
    });
    const answered: string[] = [];
    for (const host of [b, c]) {
      const client = host.host.udp.bind(undefined, 5_000, {
        datagramArrived: () => answered.push(host.name),
      });
      host.host.run(() => client?.send(new Uint8Array(5), ip('fe80::a'), 53));
    }
    world.run();
    expect(answered.toSorted()).toEqual(['b', 'c']);
  });
});
