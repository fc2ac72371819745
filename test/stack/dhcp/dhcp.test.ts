import { describe, expect, it } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import type {
  ConfigureOptions,
  InterfaceConfiguration,
} from '../../../stack/configuration/interface-configuration.ts';
import type { ConfigurationSettings } from '../../../stack/configuration-settings.ts';
import { Host } from '../../../stack/host.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import { settings } from '../../../stack/settings.ts';
import { after, seconds } from '../../../stack/time.ts';
import { formatAddress, type IPv4Address, ipv4 } from '../../../stack/wire/address.ts';
import * as option from '../../../stack/wire/dhcp-options.ts';
import { OPTION } from '../../../stack/wire/dhcp-options.ts';
import { DhcpServerModel, OFFERED, SERVER } from './server-model.ts';

interface Lan {
  readonly clock: VirtualClock;
  readonly server: DhcpServerModel;
  readonly serverHost: Host;
  readonly serverInterface: Interface;
  readonly client: Host;
  readonly on: Interface;
  readonly notes: string[];
  start(options?: ConfigureOptions): InterfaceConfiguration;
  pass(time: number): void;
}

/** A client and a server on one Ethernet link. */
function lan(changes: Partial<ConfigurationSettings> = {}, seed: number = 1): Lan {
  const clock = new VirtualClock();
  const [here, there] = wire(clock, { medium: 'ethernet', names: ['eth0', 'lan0'] });
  const notes: string[] = [];
  const client = new Host({
    name: 'client',
    scheduler: clock,
    random: seededRandom(seed, 'client'),
    settings: settings({ configuration: { dhcpStartDelay: seconds(0), ...changes } }),
    tracer: (event) => {
      if (event.type === 'note') notes.push(event.text);
    },
  });
  const serverHost = new Host({ name: 'server', scheduler: clock, random: seededRandom(seed, 'server') });
  const serverInterface = serverHost.addInterface(there, [{ address: SERVER, prefixLength: 24 }]);
  const on = client.addInterface(here, []);
  const server = new DhcpServerModel(serverHost, serverInterface);
  return {
    clock,
    server,
    serverHost,
    serverInterface,
    client,
    on,
    notes,
    start: (options) => client.configuration.start(on, { ipv6: false, ...options }),
    pass: (time) => clock.advanceTo(after(clock.now(), seconds(time))),
  };
}

const own = (on: Interface): string[] =>
  on.addresses.map(({ address, prefixLength }) => `${formatAddress(address)}/${prefixLength}`);

const seen = ({ server }: Lan): string[] =>
  server.asked.map(({ type, from, to }) => `${type ?? '?'} ${from} > ${to}`);

describe('the DHCP client', () => {
  it('gets an address, a default route and DNS servers: DISCOVER, OFFER, REQUEST, ACK [RFC 2131 3.1]', () => {
    const world = lan();
    const configuration = world.start({ hostName: 'glass' });
    world.pass(10);
    expect(seen(world)).toEqual(['DISCOVER 0.0.0.0 > 255.255.255.255', 'REQUEST 0.0.0.0 > 255.255.255.255']);
    expect(configuration.dhcpState).toBe('BOUND');
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
    expect(world.client.ip.routes.find(ipv4(192, 0, 2, 1))).toMatchObject({
      nextHop: SERVER,
      source: OFFERED,
    });
    expect(world.client.configuration.names.servers).toEqual([SERVER]);
    const request = world.server.asked[1]?.message;
    expect(request?.broadcast).toBe(true);
    expect(request && option.address(request.options, OPTION.requestedAddress)).toBe(OFFERED);
    expect(request && option.address(request.options, OPTION.serverIdentifier)).toBe(SERVER);
    expect(request && option.text(request.options, OPTION.hostName)).toBe('glass');
  });

  it('waits a random time before its first DISCOVER [RFC 2131 4.4.1]', () => {
    const begins = [1, 2, 3].map((seed) => {
      const world = lan({ dhcpStartDelay: seconds(10) }, seed);
      world.start();
      world.pass(11);
      return world.server.asked[0]?.at ?? -1;
    });
    expect(new Set(begins).size).toBe(3);
    for (const at of begins) expect(at).toBeGreaterThan(0);
  });

  it('asks again after 4, 8, 16, 32, 64 and 64 s, each a second more or less at random [RFC 2131 4.1]', () => {
    const world = lan();
    world.server.answers.clear();
    world.start();
    world.pass(240);
    const at = world.server.asked.map((asked) => asked.at / 1e6);
    const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(waits).toHaveLength(6);
    for (const [index, expected] of [4, 8, 16, 32, 64, 64].entries()) {
      expect(Math.abs((waits[index] ?? 0) - expected)).toBeLessThanOrEqual(1);
    }
    expect(waits.every((wait) => Number.isInteger(wait))).toBe(false);
  });

  it('begins anew when nobody acknowledges its request [RFC 2131 3.1.5]', () => {
    const world = lan();
    world.server.answers.delete('REQUEST');
    world.start();
    world.pass(66);
    expect(world.server.take().slice(0, 6)).toEqual([
      'DISCOVER',
      'REQUEST',
      'REQUEST',
      'REQUEST',
      'REQUEST',
      'DISCOVER',
    ]);
    expect(own(world.on)).toEqual([]);
  });

  it('begins anew at once after a NAK, and slower after the next [RFC 2131 3.1.5]', () => {
    const world = lan();
    world.server.answers.set('REQUEST', 'NAK');
    world.start();
    world.pass(9);
    expect(world.server.take()).toEqual(['DISCOVER', 'REQUEST', 'DISCOVER', 'REQUEST']);
    world.pass(3);
    expect(world.server.take()).toEqual(['DISCOVER', 'REQUEST']);
    expect(own(world.on)).toEqual([]);
  });

  it('renews at T1 with the server alone, and its address stays [RFC 2131 4.4.5]', () => {
    const world = lan();
    const configuration = world.start();
    world.pass(10);
    world.server.asked.length = 0;
    const before = configuration.lease;
    world.pass(1_800);
    expect(seen(world)).toEqual(['REQUEST 10.0.0.50 > 10.0.0.1']);
    const { message } = world.server.asked[0] ?? {};
    expect(message?.ciaddr).toBe(OFFERED);
    expect(message && option.address(message.options, OPTION.requestedAddress)).toBeUndefined();
    expect(message && option.address(message.options, OPTION.serverIdentifier)).toBeUndefined();
    expect(configuration.dhcpState).toBe('BOUND');
    expect((configuration.lease?.expiresAt ?? 0) - (before?.expiresAt ?? 0)).toBe(seconds(1_800));
    expect(world.notes.filter((note) => note.includes('removed'))).toEqual([]);
  });

  it('rebinds with everybody at T2, and gives the address up when the lease expires [RFC 2131 4.4.5]', () => {
    const world = lan();
    const configuration = world.start();
    world.pass(10);
    world.server.answers.clear();
    world.server.asked.length = 0;
    world.pass(3_140 - 10);
    expect(configuration.dhcpState).toBe('RENEWING');
    expect(new Set(seen(world))).toEqual(new Set(['REQUEST 10.0.0.50 > 10.0.0.1']));
    const spans = world.server.asked.map(({ at }) => at / 1e6);
    for (let i = 1; i < spans.length; i++)
      expect((spans[i] ?? 0) - (spans[i - 1] ?? 0)).toBeGreaterThanOrEqual(60);
    world.server.asked.length = 0;
    world.pass(3_590 - 3_140);
    expect(configuration.dhcpState).toBe('REBINDING');
    expect(new Set(seen(world))).toEqual(new Set(['REQUEST 10.0.0.50 > 255.255.255.255']));
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
    world.pass(20);
    expect(configuration.dhcpState).toBe('SELECTING');
    expect(own(world.on)).toEqual([]);
    expect(world.client.ip.routes.find(ipv4(192, 0, 2, 1))).toBeUndefined();
    expect(world.client.configuration.names.servers).toEqual([]);
  });

  it('takes what any server gives while it rebinds', () => {
    const world = lan();
    const configuration = world.start();
    world.pass(10);
    world.server.answers.clear();
    world.pass(3_160);
    expect(configuration.dhcpState).toBe('REBINDING');
    world.server.answers.set('REQUEST', 'ACK');
    world.pass(300);
    expect(configuration.dhcpState).toBe('BOUND');
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
  });

  it('loses its address to a NAK while it renews [RFC 2131 3.1.5]', () => {
    const world = lan();
    world.start();
    world.pass(10);
    world.server.answers.set('REQUEST', 'NAK');
    world.pass(1_799);
    expect(own(world.on)).toEqual([]);
  });

  it('asks first for the address of an earlier run: INIT-REBOOT [RFC 2131 3.2]', () => {
    const world = lan();
    world.start({ previous: OFFERED });
    world.pass(10);
    expect(seen(world)).toEqual(['REQUEST 0.0.0.0 > 255.255.255.255']);
    const { message } = world.server.asked[0] ?? {};
    expect(message && option.address(message.options, OPTION.serverIdentifier)).toBeUndefined();
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
  });

  it('begins at the beginning if the earlier address is refused', () => {
    const world = lan();
    world.server.answers.set('REQUEST', 'NAK');
    world.start({ previous: ipv4(10, 0, 0, 77) });
    world.pass(1);
    world.server.answers.set('REQUEST', 'ACK');
    world.pass(20);
    expect(world.server.take().slice(0, 2)).toEqual(['REQUEST', 'DISCOVER']);
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
  });

  it('declines an address that somebody has, and waits 10 s [RFC 2131 3.1.5, RFC 5227 2.1]', () => {
    const world = lan();
    world.serverInterface.addAddress({ address: OFFERED, prefixLength: 24 });
    world.start();
    world.pass(5);
    expect(world.server.take()).toEqual(['DISCOVER', 'REQUEST', 'DECLINE']);
    expect(own(world.on)).toEqual([]);
    world.server.address = ipv4(10, 0, 0, 51);
    world.pass(5);
    expect(world.server.take()).toEqual([]);
    world.pass(14);
    expect(world.server.take()).toEqual(['DISCOVER', 'REQUEST']);
    expect(own(world.on)).toEqual(['10.0.0.51/24']);
  });

  it('probes three times before it uses the address, then announces it [RFC 5227 2.1.1, 2.3]', () => {
    const world = lan();
    const arp: string[] = [];
    world.serverHost.tracer = (event) => {
      if (event.type !== 'frame' || event.direction !== 'in') return;
      const view = new DataView(event.bytes.buffer, event.bytes.byteOffset + event.head);
      if (view.getUint16(12) === 0x0806) arp.push(formatAddress(view.getUint32(28) as IPv4Address));
    };
    world.start();
    world.pass(20);
    expect(arp).toEqual(['0.0.0.0', '0.0.0.0', '0.0.0.0', '10.0.0.50', '10.0.0.50']);
  });

  it('defends its address once, and gives it up to who insists [RFC 5227 2.4 (b)]', () => {
    const world = lan();
    world.start();
    world.pass(20);
    const { neighbours, mac } = world.serverInterface;
    if (neighbours === undefined || mac === undefined) throw new Error('not Ethernet');
    const claim = () => {
      neighbours.send(
        { operation: 'request', senderMac: mac, senderIp: OFFERED, targetMac: 0 as never, targetIp: OFFERED },
        0xffff_ffff_ffff as never,
      );
      world.serverHost.run(() => undefined);
      world.pass(1);
    };
    world.server.asked.length = 0;
    claim();
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
    claim();
    expect(own(world.on)).toEqual([]);
    expect(world.server.take()).toEqual(['DECLINE']);
  });

  it('gives its address back when it is stopped [RFC 2131 4.4.6]', () => {
    const world = lan();
    world.start();
    world.pass(20);
    world.server.asked.length = 0;
    world.client.configuration.stop(world.on);
    world.pass(1);
    expect(seen(world)).toEqual(['RELEASE 10.0.0.50 > 10.0.0.1']);
    expect(own(world.on)).toEqual([]);
    world.pass(10_000);
    expect(world.server.asked).toHaveLength(1);
  });

  it('gives its address back when the host closes', () => {
    const world = lan();
    world.start();
    world.pass(20);
    world.client.configuration.start(world.on, { ipv6: false, dhcp: true }); // resolves the server's address: an ARP entry exists
    world.pass(20);
    world.server.asked.length = 0;
    world.client.close();
    world.pass(1);
    expect(world.server.take()).toEqual(['RELEASE']);
  });

  it('keeps a lease without end for ever [RFC 2131 3.3]', () => {
    const world = lan();
    world.server.leaseTime = 0xffff_ffff;
    world.start();
    world.pass(10);
    world.server.asked.length = 0;
    world.pass(400 * 24 * 3_600);
    expect(world.server.asked).toEqual([]);
    expect(own(world.on)).toEqual(['10.0.0.50/24']);
  });

  it('takes routes of RFC 3442 instead of the router, the MTU, and search domains', () => {
    const world = lan();
    world.server.options.set(
      OPTION.classlessRoutes,
      option.classlessRoutesValue([
        { destination: ipv4(0, 0, 0, 0), prefixLength: 0, router: ipv4(10, 0, 0, 9) },
        { destination: ipv4(172, 16, 0, 0), prefixLength: 12, router: ipv4(10, 0, 0, 8) },
      ]),
    );
    world.server.options.set(OPTION.interfaceMtu, option.numberValue(1_400, 2));
    world.server.options.set(OPTION.domainName, option.textValue('lan.example'));
    world.start();
    world.pass(10);
    expect(world.client.ip.routes.find(ipv4(192, 0, 2, 1))?.nextHop).toBe(ipv4(10, 0, 0, 9));
    expect(world.client.ip.routes.find(ipv4(172, 20, 0, 1))?.nextHop).toBe(ipv4(10, 0, 0, 8));
    expect(world.on.mtu).toBe(1_400);
    expect(world.client.configuration.names.search).toEqual(['lan.example']);
    world.client.configuration.stop(world.on);
    expect(world.on.mtu).toBe(1_500);
  });
});

describe('what the DHCP client does not believe', () => {
  it.each([
    ['another transaction', (bytes: Uint8Array) => bytes.with(4, (bytes[4] ?? 0) ^ 1)],
    ["another client's address", (bytes: Uint8Array) => bytes.with(30, (bytes[30] ?? 0) ^ 1)],
    ['no magic cookie', (bytes: Uint8Array) => bytes.with(236, 0)],
    ['a client in place of a server', (bytes: Uint8Array) => bytes.with(0, 1)],
    [
      'an option that ends beyond the message',
      (bytes: Uint8Array) => Uint8Array.of(...bytes.subarray(0, 240), 53, 200),
    ],
  ])('%s', (_name, tamper) => {
    const world = lan();
    world.server.tamper = tamper;
    world.start();
    world.pass(20);
    expect(world.server.take().every((type) => type === 'DISCOVER')).toBe(true);
    expect(own(world.on)).toEqual([]);
    expect(world.client.stats().drops['INVALID_PROTO']).toBeGreaterThan(0);
  });

  it.each([
    ['the subnet itself', ipv4(10, 0, 0, 0)],
    ['the broadcast address', ipv4(10, 0, 0, 255)],
    ['loopback', ipv4(127, 0, 0, 1)],
    ['a group', ipv4(224, 0, 0, 5)],
    ['nothing', ipv4(0, 0, 0, 0)],
  ])('an offer of %s', (_name, address) => {
    const world = lan();
    world.server.address = address;
    world.start();
    world.pass(20);
    expect(world.server.take().every((type) => type === 'DISCOVER')).toBe(true);
    expect(own(world.on)).toEqual([]);
  });

  it('a mask with holes, an MTU below 576, a lease of no time', () => {
    const world = lan();
    world.server.options.set(OPTION.subnetMask, option.addressValue(ipv4(255, 0, 255, 0)));
    world.start();
    world.pass(10);
    expect(own(world.on)).toEqual([]);
    const small = lan();
    small.server.options.set(OPTION.interfaceMtu, option.numberValue(68, 2));
    small.start();
    small.pass(10);
    expect([own(small.on), small.on.mtu]).toEqual([['10.0.0.50/24'], 1_500]);
    const short = lan();
    short.server.leaseTime = 0;
    short.start();
    short.pass(10);
    expect(own(short.on)).toEqual([]);
  });
});

describe('an interface without Ethernet', () => {
  it('is told what to do instead', () => {
    const clock = new VirtualClock();
    const [device] = wire(clock);
    const host = new Host({ name: 'host', scheduler: clock, random: seededRandom(1, 'host') });
    const on = host.addInterface(device, []);
    expect(() => host.configuration.start(on)).toThrow(/open a TAP, or give it an address by hand/);
  });
});
