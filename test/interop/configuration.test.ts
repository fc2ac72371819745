import { describe, expect, it } from 'vitest';
import type { Glasstack } from '../../socket-api/node/glasstack.ts';
import { formatAddress, isIPv4, type IpAddress, parseAddress } from '../../stack/wire/address.ts';
import { fetchPage, LAN4, LAN6, missingPrograms, PAGE, withLan } from './lan.ts';
import { interopMissing, until } from './world.ts';

const missing = interopMissing || missingPrograms('dnsmasq', 'radvd', 'python3').length > 0;

const DHCP = '--dhcp-range=10.9.7.50,10.9.7.99,255.255.255.0,2m';

function nextHop({ host }: Glasstack, to: string): string | undefined {
  const address = parseAddress(to);
  const route = address === undefined ? undefined : host.ip.routes.find(address);
  return route === undefined ? undefined : formatAddress(route.nextHop);
}

/** What the interface calls its own, link-local addresses aside. */
function own({ interface: on }: Glasstack): IpAddress[] {
  const usable = on.addresses.filter(({ state }) => state === 'preferred');
  return usable
    .map(({ address }) => address)
    .filter((address) => !formatAddress(address).startsWith('fe80:'));
}

describe.skipIf(missing)('an interface on a link with dnsmasq', () => {
  it('gets its IPv4 address, route and DNS server by DHCP, its IPv6 ones by advertisement, and finds pages by name', async () => {
    await withLan(async (lan) => {
      const dnsmasq = await lan.dnsmasq(
        DHCP,
        '--dhcp-range=fd09:7::,ra-stateless,64,10m',
        '--enable-ra',
        '--ra-param=gs0,10',
      );
      await lan.web();
      const stack = lan.stack({ configure: { hostName: 'glass' } });
      const configuration = await stack.configured();
      await until(() => own(stack).length === 2, 'an address of each family', 15_000);
      const [four, six] = [own(stack).find(isIPv4), own(stack).find((address) => !isIPv4(address))];
      expect(four === undefined ? '' : formatAddress(four)).toMatch(/^10\.9\.7\.(5\d|6\d|7\d|8\d|9\d)$/);
      expect(six === undefined ? '' : formatAddress(six)).toMatch(/^fd09:7::?/);
      expect(configuration).toMatchObject({
        dhcpState: 'BOUND',
        lease: { prefixLength: 24, domain: 'lan.test' },
      });
      expect(nextHop(stack, '192.0.2.1')).toBe(LAN4);
      expect(nextHop(stack, '2001:db8::1')).toMatch(/^fe80::/);
      const { names } = stack.host.configuration;
      expect(names.servers.map(formatAddress)).toContain(LAN4);
      expect(names.search).toContain('lan.test');
      // The server knows us by the name that we told it.
      await dnsmasq.says('glass');

      expect(await fetchPage(stack, 'four.lan.test')).toEqual({ page: PAGE, from: LAN4 });
      expect(await fetchPage(stack, 'six.lan.test')).toEqual({ page: PAGE, from: LAN6 });
      expect(await fetchPage(stack, 'both')).toEqual({ page: PAGE, from: LAN6 });
      expect((await stack.resolver.lookup('alias.lan.test')).map(formatAddress)).toEqual([LAN6, LAN4]);
      await expect(fetchPage(stack, 'nowhere.lan.test')).rejects.toMatchObject({
        code: 'ENOTFOUND',
        cause: expect.objectContaining({ message: expect.stringMatching(/is it spelt right/) }),
      });
      stack.close();
      await dnsmasq.says('DHCPRELEASE(gs0)');
    });
  });

  it('declines an address that somebody else has', async () => {
    await withLan(async (lan) => {
      const dnsmasq = await lan.dnsmasq('--dhcp-range=10.9.7.50,10.9.7.51,255.255.255.0,2m');
      // Both addresses are taken by the kernel at first, without dnsmasq's knowledge.
      for (const last of [50, 51])
        await lan.start('ip', 'addr', 'add', `10.9.7.${last}/32`, 'dev', 'gs0').ended;
      const stack = lan.stack({ configure: { ipv6: false } });
      await dnsmasq.says('DHCPDECLINE(gs0)');
      expect(own(stack)).toEqual([]);
    });
  });

  it('asks a DNS server that has but a link-local address', async () => {
    await withLan(async (lan) => {
      await lan.dnsmasq('--dhcp-range=fd09:7::,ra-stateless,64,10m', '--enable-ra', '--ra-param=gs0,10');
      const stack = lan.stack({ configure: { dhcp: false } });
      await stack.configured();
      const { servers } = stack.host.configuration.names;
      expect(servers.map(formatAddress)).toEqual([expect.stringMatching(/^fe80::/)]);
      expect((await stack.resolver.lookup('both.lan.test')).map(formatAddress)).toEqual([LAN6, LAN4]);
    });
  });

  it('asks by TCP for an answer that does not fit', async () => {
    await withLan(async (lan) => {
      const many = Array.from({ length: 60 }, (_, i) => `--host-record=many.lan.test,10.9.8.${i + 1}`);
      await lan.dnsmasq(DHCP, ...many);
      const stack = lan.stack({ configure: { ipv6: false } });
      await stack.configured();
      const addresses = await stack.resolver.resolve('many.lan.test', 'A');
      expect(addresses.map(formatAddress).toSorted()).toEqual(
        many.map((option) => option.split(',')[1]).toSorted(),
      );
    });
  });
});

describe.skipIf(missing)('an interface on a link with radvd', () => {
  it('takes address, router, MTU, hop limit and DNS servers from its advertisements, and gives up what it takes back', async () => {
    await withLan(async (lan) => {
      const text = (lifetime: number): string => `interface gs0 {
        AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime ${lifetime};
        AdvLinkMTU 1400; AdvCurHopLimit 77; AdvDefaultPreference high;
        prefix fd09:7::/64 { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 9000; AdvPreferredLifetime 8000; };
        RDNSS ${LAN6} { AdvRDNSSLifetime 600; };
        DNSSL lan.test { AdvDNSSLLifetime 600; };
      };`;
      const config = lan.file('radvd.conf', text(600));
      const radvd = lan.start(
        'radvd',
        '-n',
        '-m',
        'stderr',
        '-C',
        config,
        '-p',
        `${lan.folder}/radvd.pid`,
        '-u',
        'root',
      );
      await lan.dnsmasq();
      await lan.web();
      const stack = lan.stack({ configure: { dhcp: false } });
      const configuration = await stack.configured();
      await until(() => own(stack).length === 1, 'an address', 15_000);
      const { parameters, mtu } = stack.interface;
      expect([mtu, parameters.hopLimit]).toEqual([1_400, 77]);
      expect(configuration.routers).toMatchObject([{ preference: 'high' }]);
      expect(nextHop(stack, '2001:db8::1')).toMatch(/^fe80::/);
      expect(stack.host.configuration.names.servers.map(formatAddress)).toEqual([LAN6]);
      expect(await fetchPage(stack, 'six')).toEqual({ page: PAGE, from: LAN6 });

      // On SIGTERM radvd says that it is no router any more, and takes the DNS server back [RFC 4861 6.2.5].
      await radvd.stop('SIGTERM');
      await until(() => nextHop(stack, '2001:db8::1') === undefined, 'the route goes');
      expect(stack.host.configuration.names.servers).toEqual([]);
      expect(own(stack)).toHaveLength(1);
      expect(await fetchPage(stack, LAN6)).toEqual({ page: PAGE, from: LAN6 });
    });
  });
});
