import { describe, expect, it } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { connectDuplex } from '../../../socket-api/node/duplex.ts';
import { listenDuplex } from '../../../socket-api/node/duplex-server.ts';
import { type Glasstack, glasstack, type GlasstackOptions } from '../../../socket-api/node/glasstack.ts';
import { Host } from '../../../stack/host.ts';
import { formatAddress } from '../../../stack/wire/address.ts';
import { DhcpServerModel, SERVER } from '../../stack/dhcp/server-model.ts';
import { a, DnsServerModel, settle } from './dns/dns-world.ts';

/** A stack on Ethernet and a host that gives addresses and answers questions about names. */
function lan(options: Omit<GlasstackOptions, 'device'>): {
  readonly clock: VirtualClock;
  readonly stack: Glasstack;
  readonly server: Host;
  readonly dhcp: DhcpServerModel;
  readonly dns: DnsServerModel;
} {
  const clock = new VirtualClock();
  const [here, there] = wire(clock, { medium: 'ethernet', names: ['eth0', 'lan0'] });
  const server = new Host({ name: 'server', scheduler: clock, random: seededRandom(1, 'server') });
  const on = server.addInterface(there, [{ address: SERVER, prefixLength: 24 }]);
  const dns = new DnsServerModel(server, clock, SERVER);
  dns.zone = new Map([['www.example', [a('www.example', '10.0.0.1')]]]);
  const dhcp = new DhcpServerModel(server, on);
  const random = seededRandom(1, 'stack');
  const stack = glasstack({ device: here, scheduler: clock, random, profile: 'linux', ...options });
  return { clock, stack, server, dhcp, dns };
}

describe('glasstack({ configure })', () => {
  it('is configured when DHCP has given an address', async () => {
    const world = lan({ configure: true, mac: '02:00:00:00:00:77' });
    const configuration = await settle(world, world.stack.configured());
    expect(formatAddress(configuration.lease?.address ?? SERVER)).toBe('10.0.0.50');
    expect(world.dhcp.asked[0]?.message.chaddr).toBe(0x0200_0000_0077);
    expect(await settle(world, world.stack.configured())).toBe(configuration);
  });

  it('says so when nobody answers', async () => {
    const world = lan({ configure: { ipv6: false } });
    world.dhcp.answers.clear();
    await expect(settle(world, world.stack.configured(2_000))).rejects.toThrow(
      'eth0 found no address within 2000 ms (DHCP is in state SELECTING): is there a DHCP server or a router on its link?',
    );
  });

  it('needs an address or the wish to be configured', async () => {
    const [device] = wire(new VirtualClock(), { medium: 'ethernet' });
    expect(() => glasstack({ device })).toThrow(/needs an address .* or configure: true/);
    const world = lan({ address: '10.0.0.2/24' });
    await expect(world.stack.configured()).rejects.toThrow(/configure: true/);
    expect(() => lan({ address: '10.0.0.2/24', dns: { servers: ['dns.example'] } })).toThrow(
      /no address of a DNS server/,
    );
    expect(() => lan({ configure: true, mac: '02:00' })).toThrow(/no Ethernet address/);
  });
});

describe('names', () => {
  it.each([
    ['with a server from DHCP', { configure: { ipv6: false } }],
    ['with a server set by hand', { address: '10.0.0.2/24', dns: { servers: ['10.0.0.1'] } }],
  ] satisfies readonly (readonly [string, Omit<GlasstackOptions, 'device'>])[])(
    'are for connect %s',
    async (_name, options) => {
      const world = lan(options);
      const { stack, server } = world;
      if ('configure' in options) await settle(world, stack.configured());
      server.tcp.listen({ port: 80 }, { connectionReady: () => undefined });
      const socket = await settle(
        world,
        stack.connect({ hostname: 'www.example', port: 80, socket: { data: () => undefined } }),
      );
      expect(socket.remoteAddress).toBe('10.0.0.1');
      expect(world.dns.take()).toEqual(['www.example AAAA', 'www.example A']);
      socket.terminate();
    },
  );

  it('are for Node streams too', async () => {
    const world = lan({
      address: '10.0.0.2/24',
      dns: { servers: ['10.0.0.1'], hosts: { here: '10.0.0.1' } },
    });
    listenDuplex(world.server, { port: 80 }, (stream) => stream.end('hello'));
    for (const host of ['www.example', 'here']) {
      const stream = connectDuplex(world.stack.host, { host, port: 80 });
      const heard = new Promise<string>((resolve, reject) => {
        stream.on('data', (chunk: Buffer) => resolve(chunk.toString()));
        stream.on('error', reject);
      });
      expect(await settle(world, heard)).toBe('hello');
    }
    expect(world.dns.take()).toEqual(['www.example AAAA', 'www.example A']);
  });

  it('that nobody knows are ENOTFOUND, with the reason', async () => {
    const world = lan({ address: '10.0.0.2/24', dns: { servers: ['10.0.0.1'] } });
    const connecting = world.stack.connect({
      hostname: 'nowhere.example',
      port: 80,
      socket: { data: () => undefined },
    });
    await expect(settle(world, connecting)).rejects.toMatchObject({
      code: 'ENOTFOUND',
      hostname: 'nowhere.example',
      cause: {
        code: 'ENOTFOUND',
        message: 'there is no nowhere.example, says the DNS (10.0.0.1): is it spelt right?',
      },
    });
  });
});
