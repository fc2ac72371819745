import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../../stack/wire/address.ts';
import { address, FakeDevice, TestHost } from './support.ts';

function setUp() {
  const host = new TestHost();
  const second = host.attach(new FakeDevice(), ['192.0.2.1/24', '198.51.100.1/25']);
  const { routes } = host.ip;
  const add = (cidr: string, gateway?: string, by = host.interface): void => {
    const parsed = parseCidr(cidr);
    if (parsed === undefined) throw new Error(`no prefix: ${cidr}`);
    const { address: destination, prefixLength } = parsed;
    routes.add({
      destination,
      prefixLength,
      interface: by,
      ...(gateway === undefined ? {} : { gateway: address(gateway) }),
    });
  };
  return { host, routes, add, first: host.interface, second };
}

describe('the routing table', () => {
  it('knows the subnets of the interfaces, whose hosts are their own next hop [RFC 1122 3.3.1.1]', () => {
    const { routes, first, second } = setUp();
    expect(routes.find(address('10.0.0.77'))).toEqual({
      interface: first,
      nextHop: address('10.0.0.77'),
      source: address('10.0.0.1'),
    });
    expect(routes.find(address('198.51.100.9'))).toEqual({
      interface: second,
      nextHop: address('198.51.100.9'),
      source: address('198.51.100.1'),
    });
  });

  it('has no route to elsewhere until it is given one; /0 is everything', () => {
    const { routes, add, second } = setUp();
    expect(routes.find(address('203.0.113.1'))).toBeUndefined();
    add('0.0.0.0/0', '192.0.2.254', second);
    expect(routes.find(address('203.0.113.1'))).toEqual({
      interface: second,
      nextHop: address('192.0.2.254'),
      source: address('192.0.2.1'),
    });
    expect(routes.find(address('10.0.0.9'))?.nextHop).toBe(address('10.0.0.9'));
  });

  it('prefers the longest prefix, in whatever order they were added [RFC 1122 3.3.1.2]', () => {
    const { routes, add } = setUp();
    add('203.0.113.7/32', '10.0.0.32');
    add('0.0.0.0/0', '10.0.0.254');
    add('203.0.113.0/24', '10.0.0.24');
    add('203.0.0.0/16', '10.0.0.16');
    const hop = (to: string) => routes.find(address(to))?.nextHop;
    expect(hop('203.0.113.7')).toBe(address('10.0.0.32'));
    expect(hop('203.0.113.8')).toBe(address('10.0.0.24'));
    expect(hop('203.0.1.1')).toBe(address('10.0.0.16'));
    expect(hop('8.8.8.8')).toBe(address('10.0.0.254'));
  });

  it('prefers the interface of the source address among equal prefixes [RFC 1122 3.3.4.2]', () => {
    const { routes, add, first, second } = setUp();
    add('0.0.0.0/0', '10.0.0.254', first);
    add('0.0.0.0/0', '192.0.2.254', second);
    expect(routes.find(address('8.8.8.8'))?.interface).toBe(first);
    expect(routes.find(address('8.8.8.8'), address('192.0.2.1'))).toEqual({
      interface: second,
      nextHop: address('192.0.2.254'),
      source: address('192.0.2.1'),
    });
  });

  it('forgets what was removed, also what it had found before', () => {
    const { routes, add } = setUp();
    add('0.0.0.0/0', '10.0.0.254');
    add('0.0.0.0/0', '10.0.0.253');
    expect(routes.find(address('8.8.8.8'))?.nextHop).toBe(address('10.0.0.254'));
    expect(routes.remove(address('0.0.0.0'), 0, address('10.0.0.254'))).toBe(1);
    expect(routes.find(address('8.8.8.8'))?.nextHop).toBe(address('10.0.0.253'));
    expect(routes.remove(address('0.0.0.0'), 0)).toBe(1);
    expect(routes.find(address('8.8.8.8'))).toBeUndefined();
  });

  it('sends to our own addresses from the same address', () => {
    const { routes, second } = setUp();
    const own = address('192.0.2.1');
    expect(routes.find(own)).toEqual({ interface: second, nextHop: own, source: own });
    expect(routes.find(address('127.0.0.1'))?.source).toBe(address('127.0.0.1'));
  });

  it('needs no route to groups: the link of the source address, or the first', () => {
    const { routes, first, second } = setUp();
    const all = address('255.255.255.255');
    expect(routes.find(all)).toEqual({ interface: first, nextHop: all, source: address('10.0.0.1') });
    expect(routes.find(all, address('192.0.2.1'))?.interface).toBe(second);
  });
});
