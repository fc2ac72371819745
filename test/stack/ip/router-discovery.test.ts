import { describe, expect, it } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import type {
  ConfigureOptions,
  InterfaceConfiguration,
} from '../../../stack/configuration/interface-configuration.ts';
import { Host } from '../../../stack/host.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import { after, seconds } from '../../../stack/time.ts';
import { formatAddress, IPv6Address, parseAddress } from '../../../stack/wire/address.ts';
import { type RouterAdvertisement } from '../../../stack/wire/router-discovery.ts';
import { PREFIX, RouterModel } from './router-model.ts';

interface Lan {
  readonly clock: VirtualClock;
  readonly router: RouterModel;
  readonly routerHost: Host;
  readonly routerInterface: Interface;
  readonly host: Host;
  readonly on: Interface;
  start(options?: ConfigureOptions): InterfaceConfiguration;
  pass(time: number): void;
}

/** A host and a router on one Ethernet link; the router has its link-local address already. */
function lan(seed: number = 1): Lan {
  const clock = new VirtualClock();
  const [here, there] = wire(clock, { medium: 'ethernet', names: ['eth0', 'lan0'] });
  const host = new Host({ name: 'host', scheduler: clock, random: seededRandom(seed, 'host') });
  const routerHost = new Host({ name: 'router', scheduler: clock, random: seededRandom(seed, 'router') });
  const routerInterface = routerHost.addInterface(there, [
    { address: linkLocal(1), prefixLength: 64, state: 'preferred' },
    { address: linkLocal(2), prefixLength: 64, state: 'preferred' },
  ]);
  const on = host.addInterface(here, []);
  return {
    clock,
    router: new RouterModel(routerHost, routerInterface),
    routerHost,
    routerInterface,
    host,
    on,
    start: (options) => host.configuration.start(on, { dhcp: false, ...options }),
    pass: (time) => clock.advanceTo(after(clock.now(), seconds(time))),
  };
}

function linkLocal(number: number): IPv6Address {
  return new IPv6Address(0xfe80_0000, 0, 0, number);
}

const FAR = new IPv6Address(0x2a00_0000, 0, 0, 1);

/** `address state` of what is not link-local. */
const global = ({ on }: Lan): string[] =>
  on.addresses.flatMap(({ address, state }) =>
    formatAddress(address).startsWith('fe80') ? [] : [`${formatAddress(address)} ${state}`],
  );

const nextHop = ({ host }: Lan): string | undefined => {
  const route = host.ip.routes.find(FAR);
  return route === undefined ? undefined : formatAddress(route.nextHop);
};

describe('stateless address autoconfiguration', () => {
  it('asks for routers once its link-local address is its own, and makes an address of the prefix [RFC 4862 5.5.3]', () => {
    const world = lan();
    const configuration = world.start();
    world.pass(0.5);
    expect(world.router.solicited).toEqual([]);
    world.pass(6);
    expect(world.router.solicited).toHaveLength(1);
    expect(global(world)).toEqual([expect.stringMatching(/^2001:db8:1:0:[0-9a-f:]+ preferred$/)]);
    expect(configuration.isReady).toBe(true);
    expect(configuration.autoconfigured).toHaveLength(1);
    expect(nextHop(world)).toBe('fe80::1');
  });

  it('knows two lifetimes: deprecated first, removed later [RFC 4862 5.5.4]', () => {
    const world = lan();
    world.router.answer = { prefixes: [{ ...PREFIX, preferredLifetime: 100, validLifetime: 8_000 }] };
    world.start();
    world.pass(99);
    expect(global(world)[0]).toMatch(/preferred$/);
    world.pass(10);
    expect(global(world)[0]).toMatch(/deprecated$/);
    world.router.advertise({ prefixes: [{ ...PREFIX, preferredLifetime: 100, validLifetime: 8_000 }] });
    world.pass(1);
    expect(global(world)[0]).toMatch(/preferred$/);
    world.pass(8_005);
    expect(global(world)).toEqual([]);
  });

  it('does not let anybody shorten the valid lifetime below two hours [RFC 4862 5.5.3 (e)]', () => {
    const world = lan();
    world.start();
    world.pass(10);
    world.router.advertise({ prefixes: [{ ...PREFIX, validLifetime: 1, preferredLifetime: 0 }] });
    world.pass(7_100);
    expect(global(world)[0]).toMatch(/deprecated$/);
    world.pass(200);
    expect(global(world)).toEqual([]);
  });

  it('leaves a lifetime of less than two hours alone', () => {
    const world = lan();
    world.router.answer = { prefixes: [{ ...PREFIX, validLifetime: 600, preferredLifetime: 600 }] };
    world.start();
    world.pass(300);
    world.router.advertise({ prefixes: [{ ...PREFIX, validLifetime: 1, preferredLifetime: 1 }] });
    world.pass(250);
    expect(global(world)[0]).toMatch(/deprecated$/);
    world.pass(100);
    expect(global(world)).toEqual([]);
  });

  it('keeps an infinite lifetime', () => {
    const world = lan();
    world.router.answer = {
      prefixes: [{ ...PREFIX, validLifetime: 0xffff_ffff, preferredLifetime: 0xffff_ffff }],
    };
    world.start();
    world.pass(10);
    world.router.answer = undefined;
    world.pass(1_000 * 86_400);
    expect(global(world)[0]).toMatch(/preferred$/);
  });

  it.each([
    ['without the A flag', { autonomous: false }],
    ['of another length than 64', { prefixLength: 80 }],
    ['that is link-local', { prefix: linkLocal(0) }],
    ['that is preferred for longer than it is valid', { validLifetime: 10, preferredLifetime: 11 }],
    ['of no lifetime', { validLifetime: 0, preferredLifetime: 0 }],
  ])('makes no address of a prefix %s [RFC 4862 5.5.3]', (_name, change) => {
    const world = lan();
    world.router.answer = { prefixes: [{ ...PREFIX, ...change }] };
    world.start();
    world.pass(10);
    expect(world.router.solicited).toHaveLength(1);
    expect(global(world)).toEqual([]);
  });

  it('makes another address when somebody has the first [RFC 7217 6]', () => {
    const first = lan();
    first.start();
    first.pass(10);
    const taken = parseAddress(global(first)[0]?.split(' ')[0] ?? '');
    const world = lan(); // the same seed: the same addresses
    if (taken === undefined) throw new Error('no address');
    world.routerInterface.addAddress({ address: taken, prefixLength: 64, state: 'preferred' });
    world.start();
    world.pass(12);
    expect(global(world)).toEqual([expect.stringMatching(/^2001:db8:1:0:[0-9a-f:]+ preferred$/)]);
    expect(global(world)).not.toEqual(global(first));
  });

  it('makes 16 addresses at most, whatever is advertised', () => {
    const world = lan();
    const prefixes = Array.from({ length: 40 }, (_, i) => ({
      ...PREFIX,
      prefix: new IPv6Address(0x2001_0db8, i << 16, 0, 0),
    }));
    world.router.answer = { prefixes };
    world.start();
    world.pass(10);
    expect(global(world)).toHaveLength(16);
  });
});

describe('router discovery', () => {
  it('asks again after 4, 8, 16 … s, a tenth more or less, until a router answers [RFC 4861 6.3.7, RFC 7559 2]', () => {
    const world = lan();
    world.router.answer = undefined;
    world.start();
    world.pass(70);
    const { solicited } = world.router;
    const waits = solicited.slice(1).map((at, i) => at - (solicited[i] ?? 0));
    expect(waits).toHaveLength(4);
    for (const [i, wait] of waits.entries())
      expect(Math.abs(wait / (4 * 2 ** i) - 1)).toBeLessThanOrEqual(0.1);
    world.router.advertise();
    world.pass(1_000);
    expect(world.router.solicited).toHaveLength(5);
  });

  it('forgets a router when its lifetime is over, or at once if it says so [RFC 4861 6.3.4]', () => {
    const world = lan();
    world.router.answer = { routerLifetime: 30 };
    world.start();
    world.pass(10);
    expect(nextHop(world)).toBe('fe80::1');
    world.router.answer = undefined;
    world.pass(30);
    expect(nextHop(world)).toBeUndefined();
    world.router.advertise({ prefixes: [PREFIX] });
    world.pass(3);
    expect(nextHop(world)).toBe('fe80::1');
    world.router.advertise({ routerLifetime: 0 });
    world.pass(1);
    expect(nextHop(world)).toBeUndefined();
    expect(global(world)).toHaveLength(1);
  });

  it('prefers the router of higher preference [RFC 4191 3.2]', () => {
    const world = lan();
    world.start();
    world.pass(10);
    world.router.advertise({ preference: 'high' }, { source: linkLocal(2) });
    world.pass(1);
    expect(nextHop(world)).toBe('fe80::2');
    world.router.advertise({ preference: 'low' }, { source: linkLocal(2) });
    world.pass(1);
    expect(nextHop(world)).toBe('fe80::1');
  });

  it('sends to a prefix with the L flag directly, to others by the router [RFC 4861 6.3.4, RFC 5942 4]', () => {
    const world = lan();
    world.router.answer = {
      prefixes: [
        { ...PREFIX, onLink: false },
        { ...PREFIX, prefix: FAR, prefixLength: 32, autonomous: false },
      ],
    };
    world.start();
    world.pass(10);
    const hop = (to: IPv6Address) => formatAddress(world.host.ip.routes.find(to)?.nextHop ?? FAR);
    expect(hop(new IPv6Address(0x2001_0db8, 0x0001_0000, 0, 5))).toBe('fe80::1');
    expect(hop(new IPv6Address(FAR.a, 7, 7, 7))).toBe('2a00::7:0:7:0:7');
  });

  it('takes hop limit, MTU and timers over, and only an MTU that can be [RFC 4861 6.3.4]', () => {
    const world = lan();
    world.router.answer = {
      hopLimit: 77,
      mtu: 1_400,
      reachableTime: 5_000,
      retransTimer: 500,
      prefixes: [PREFIX],
    };
    world.start();
    world.pass(10);
    const { parameters, ndp } = world.on;
    expect([parameters.hopLimit, world.on.mtu]).toEqual([77, 1_400]);
    expect([ndp?.neighbours.reachableTime, ndp?.neighbours.retransTimer]).toEqual([5_000_000, 500_000]);
    world.host.udp.bind(undefined, 0, { datagramArrived: () => undefined })?.send(Uint8Array.of(1), FAR, 9);
    world.pass(3);
    expect(world.router.hopLimits).toEqual([77]);
    for (const mtu of [1_279, 1_501, 0]) world.router.advertise({ mtu, hopLimit: 0 });
    world.pass(1);
    expect([parameters.hopLimit, world.on.mtu]).toEqual([77, 1_400]);
  });

  it('tells the resolver of DNS servers and domains for as long as they last [RFC 8106 5]', () => {
    const world = lan();
    const server = new IPv6Address(0xfd00_0000, 0, 0, 53);
    const dns = {
      dnsServers: [{ lifetime: 60, servers: [server] }],
      dnsSearch: [{ lifetime: 120, domains: ['lan.example', 'example'] }],
    } satisfies Partial<RouterAdvertisement>;
    world.router.answer = dns;
    world.start();
    world.pass(10);
    const { names } = world.host.configuration;
    expect([names.servers, names.search]).toEqual([[server], ['lan.example', 'example']]);
    world.router.answer = undefined;
    world.pass(60);
    expect([names.servers, names.search]).toEqual([[], ['lan.example', 'example']]);
    world.pass(60);
    expect(names.search).toEqual([]);
    world.router.advertise(dns);
    world.router.advertise({ dnsServers: [{ lifetime: 0, servers: [server] }] });
    world.pass(1);
    expect(names.servers).toEqual([]);
  });

  it.each([
    ['from beyond a router', { hopLimit: 254 }],
    ['from an address that is not link-local', { source: new IPv6Address(0xfd00_0000, 0, 0, 1) }],
  ])('drops an advertisement %s [RFC 4861 6.1.2]', (_name, options) => {
    const world = lan();
    world.router.answer = undefined;
    world.routerInterface.addAddress({
      address: new IPv6Address(0xfd00_0000, 0, 0, 1),
      prefixLength: 64,
      state: 'preferred',
    });
    world.start();
    world.pass(10);
    world.router.advertise({ prefixes: [PREFIX] }, options);
    world.pass(3);
    expect([global(world), nextHop(world)]).toEqual([[], undefined]);
    expect(world.host.stats().drops['INVALID_PROTO']).toBe(1);
  });

  it('forgets everything when it is stopped', () => {
    const world = lan();
    world.start();
    world.pass(10);
    world.host.configuration.stop(world.on);
    world.router.advertise({ prefixes: [PREFIX] });
    world.pass(10);
    expect([global(world), nextHop(world), world.on.parameters.hopLimit]).toEqual([[], undefined, undefined]);
  });
});
