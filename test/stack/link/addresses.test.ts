import { describe, expect, it } from 'vitest';
import { parseAddress, type IpAddress } from '../../../stack/wire/address.ts';
import { FakeDevice, TestHost } from '../ip/support.ts';

function ip(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

const notes = (host: TestHost): string[] =>
  host.context.events.splice(0).flatMap((event) => (event.type === 'note' ? [event.text] : []));

describe('addresses that come and go', () => {
  it('brings a route to its subnet, and takes it away again [RFC 1122 3.3.1.1]', () => {
    const host = new TestHost();
    const { routes } = host.ip;
    expect(routes.find(ip('192.0.2.9'))).toBeUndefined();
    host.interface.addAddress({ address: ip('192.0.2.1'), prefixLength: 24 });
    expect(routes.find(ip('192.0.2.9'))?.source).toEqual(ip('192.0.2.1'));
    expect(host.interface.isLocal(ip('192.0.2.1'))).toBe(true);
    expect(host.interface.removeAddress(ip('192.0.2.1'))).toBe(true);
    expect(host.interface.removeAddress(ip('192.0.2.1'))).toBe(false);
    expect(routes.find(ip('192.0.2.9'))).toBeUndefined();
    expect(host.interface.isLocal(ip('192.0.2.1'))).toBe(false);
    expect(notes(host)).toEqual([
      'address preferred: 192.0.2.1/24 on fake0',
      'address removed: 192.0.2.1/24 on fake0',
    ]);
  });

  it('keeps the subnet of an address that is not on-link off the routes [RFC 5942 4]', () => {
    const host = new TestHost();
    host.interface.addAddress({ address: ip('2001:db8::1'), prefixLength: 64, onLink: false });
    expect(host.ip.routes.find(ip('2001:db8::2'))).toBeUndefined();
    expect(host.interface.isLocal(ip('2001:db8::1'))).toBe(true);
  });

  it('neither sends from a tentative address nor receives at it [RFC 4862 5.4]', () => {
    const host = new TestHost({ cidrs: [] });
    const address = ip('2001:db8::1');
    host.interface.addAddress({ address, prefixLength: 64, state: 'tentative' });
    expect(host.ip.isLocal(address)).toBe(false);
    expect(host.ip.routes.find(ip('2001:db8::2'))).toBeUndefined();
    expect(host.interface.setAddressState(address, 'preferred')).toBe(true);
    expect(host.ip.isLocal(address)).toBe(true);
    expect(host.ip.routes.find(ip('2001:db8::2'))?.source).toEqual(address);
    expect(host.interface.ownAddress(address)?.state).toBe('preferred');
    expect(host.interface.setAddressState(ip('2001:db8::7'), 'preferred')).toBe(false);
  });

  it('tells listeners of every change until they stop listening', () => {
    const host = new TestHost();
    const seen: string[] = [];
    const stop = host.interface.onAddressChange(({ what, address }) => seen.push(`${what} ${address.state}`));
    host.interface.addAddress({ address: ip('192.0.2.1'), prefixLength: 24 });
    host.interface.setAddressState(ip('192.0.2.1'), 'deprecated');
    host.interface.setAddressState(ip('192.0.2.1'), 'deprecated');
    host.interface.removeAddress(ip('192.0.2.1'));
    stop();
    host.interface.addAddress({ address: ip('192.0.2.1'), prefixLength: 24 });
    expect(seen).toEqual(['added preferred', 'state deprecated', 'removed deprecated']);
  });

  it('refuses addresses that no single host can have', () => {
    const host = new TestHost();
    for (const text of ['224.0.0.1', '255.255.255.255', 'ff02::1'])
      expect(() => host.interface.addAddress({ address: ip(text), prefixLength: 8 })).toThrow(RangeError);
  });
});

describe('the choice of a source address', () => {
  function sourceFor(destination: string, own: readonly (readonly [string, 'preferred' | 'deprecated'])[]) {
    const host = new TestHost({ cidrs: [] });
    for (const [text, state] of own)
      host.interface.addAddress({ address: ip(text), prefixLength: 64, state });
    host.ip.routes.add({ destination: ip('::'), prefixLength: 0, interface: host.interface });
    return host.ip.routes.find(ip(destination))?.source;
  }

  it('prefers the destination itself [RFC 6724 5 rule 1]', () => {
    expect(
      sourceFor('2001:db8::2', [
        ['2001:db8::1', 'preferred'],
        ['2001:db8::2', 'deprecated'],
      ]),
    ).toEqual(ip('2001:db8::2'));
  });

  it('prefers the smallest scope that reaches the destination [RFC 6724 5 rule 2]', () => {
    const own = [
      ['fe80::1', 'preferred'],
      ['2001:db8::1', 'preferred'],
    ] as const;
    expect(sourceFor('2001:db8:1::9', own)).toEqual(ip('2001:db8::1'));
    expect(sourceFor('fe80::9', own)).toEqual(ip('fe80::1'));
    expect(sourceFor('ff02::1', own)).toEqual(ip('fe80::1'));
  });

  it('avoids deprecated addresses, unless only one of them has the right scope [RFC 6724 5 rules 2 and 3]', () => {
    expect(
      sourceFor('2001:db8::9', [
        ['2001:db8::1', 'deprecated'],
        ['2001:db8:1::1', 'preferred'],
      ]),
    ).toEqual(ip('2001:db8:1::1'));
    expect(
      sourceFor('2001:db8::9', [
        ['fe80::1', 'preferred'],
        ['2001:db8::1', 'deprecated'],
      ]),
    ).toEqual(ip('2001:db8::1'));
  });

  it('prefers the label of the destination, then the longest common prefix [RFC 6724 5 rules 6 and 8]', () => {
    const own = [
      ['2001:db8:1::1', 'preferred'],
      ['fd00::1', 'preferred'],
      ['2001:db8:2::1', 'preferred'],
    ] as const;
    expect(sourceFor('fd12::9', own)).toEqual(ip('fd00::1'));
    expect(sourceFor('2001:db8:2:3::9', own)).toEqual(ip('2001:db8:2::1'));
    expect(sourceFor('2001:db8:1:3::9', own)).toEqual(ip('2001:db8:1::1'));
  });

  it('avoids deprecated IPv4 addresses too', () => {
    const host = new TestHost({ cidrs: ['10.0.0.1/24', '10.0.0.2/24'] });
    expect(host.ip.routes.find(ip('10.0.0.9'))?.source).toBe(ip('10.0.0.1'));
    host.interface.setAddressState(ip('10.0.0.1'), 'deprecated');
    expect(host.ip.routes.find(ip('10.0.0.9'))?.source).toBe(ip('10.0.0.2'));
  });
});

describe('routes that come and go', () => {
  it('takes the lowest metric among default routes, of IPv6 as of IPv4, and the next one after its removal', () => {
    const host = new TestHost({ cidrs: ['10.0.0.1/24', '2001:db8::1/64'] });
    const { routes } = host.ip;
    for (const [to, first, second, far] of [
      ['0.0.0.0', '10.0.0.8', '10.0.0.9', '8.8.8.8'],
      ['::', '2001:db8::8', '2001:db8::9', '2001:db8:ffff::1'],
    ] as const) {
      const at = { destination: ip(to), prefixLength: 0, interface: host.interface };
      routes.add({ ...at, gateway: ip(first), metric: 100 });
      routes.add({ ...at, gateway: ip(second), metric: 50 });
      expect(routes.find(ip(far))?.nextHop).toEqual(ip(second));
      expect(routes.remove(ip(to), 0, { gateway: ip(second), interface: host.interface })).toBe(1);
      expect(routes.find(ip(far))?.nextHop).toEqual(ip(first));
    }
    expect(notes(host)).toContain('route removed: ::/0 via 2001:db8::9 on fake0 metric 50');
  });

  it('reaches a link-local address on the named interface, never through a gateway [RFC 4291 2.5.6]', () => {
    const host = new TestHost({ cidrs: ['fe80::1/64'] });
    const second = host.attach(new FakeDevice(), ['fe80::2/64']);
    const { routes } = host.ip;
    routes.add({
      destination: ip('::'),
      prefixLength: 0,
      interface: host.interface,
      gateway: ip('fe80::ff'),
    });
    expect(routes.find(ip('fe80::9'))?.interface).toBe(host.interface);
    expect(routes.find(ip('fe80::9'), undefined, second)).toEqual({
      interface: second,
      nextHop: ip('fe80::9'),
      source: ip('fe80::2'),
    });
    expect(routes.find(ip('fe80::9'), ip('fe80::2'))?.interface).toBe(second);
  });
});
