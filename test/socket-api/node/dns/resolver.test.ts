import { describe, expect, it } from 'vitest';
import { LookupError, Resolver, type ResolverOptions } from '../../../../socket-api/node/dns/resolver.ts';
import { after, ms, seconds } from '../../../../stack/time.ts';
import { formatAddress } from '../../../../stack/wire/address.ts';
import { a, aaaa, cname, type DnsWorld, dnsWorld, SECOND, SERVER, settle } from './dns-world.ts';

function setUp(options: ResolverOptions = {}, seed: number = 1) {
  const world = dnsWorld(seed);
  world.server.zone = new Map([
    ['both.example', [a('both.example', '192.0.2.1'), aaaa('both.example', '2001:db8::1')]],
    ['four.example', [a('four.example', '192.0.2.4'), a('four.example', '192.0.2.5')]],
    ['none.example', []],
    ['www.example', [cname('www.example', 'web.example'), a('web.example', '192.0.2.7')]],
  ]);
  const resolver = new Resolver(world.client, options);
  const lookup = async (name: string): Promise<string[]> =>
    (await settle(world, resolver.lookup(name))).map(formatAddress);
  return { world, resolver, lookup };
}

async function failure(promise: Promise<unknown>): Promise<LookupError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LookupError) return error;
  throw new Error(`expected a LookupError, not ${String(error)}`);
}

const later = ({ clock }: DnsWorld, time: number): void => clock.advanceTo(after(clock.now(), seconds(time)));

describe('a lookup', () => {
  it('asks for both families at once, IPv6 addresses first [RFC 8305 3]', async () => {
    const { world, lookup } = setUp();
    expect(await lookup('both.example')).toEqual(['2001:db8::1', '192.0.2.1']);
    expect(world.server.take()).toEqual(['both.example AAAA', 'both.example A']);
    expect(world.clock.now()).toBe(ms(2));
  });

  it('keeps the order of the server within a family', async () => {
    expect(await setUp().lookup('four.example')).toEqual(['192.0.2.4', '192.0.2.5']);
  });

  it('waits 50 ms for IPv6 once it has IPv4, and as long as it takes for IPv4 [RFC 8305 3]', async () => {
    const slowSix = setUp();
    slowSix.world.server.delay = (type) => ms(type === 'AAAA' ? 1_000 : 0);
    expect(await slowSix.lookup('both.example')).toEqual(['192.0.2.1']);
    expect(slowSix.world.clock.now()).toBe(ms(52));
    const slowFour = setUp();
    slowFour.world.server.delay = (type) => ms(type === 'A' ? 1_000 : 0);
    expect(await slowFour.lookup('both.example')).toEqual(['2001:db8::1', '192.0.2.1']);
  });

  it('follows an alias within an answer and across answers [RFC 1034 3.6.2]', async () => {
    const { world, lookup } = setUp();
    expect(await lookup('www.example')).toEqual(['192.0.2.7']);
    world.server.zone = new Map([
      ['far.example', [cname('far.example', 'near.example')]],
      ['near.example', [a('near.example', '192.0.2.8')]],
    ]);
    expect(await lookup('far.example')).toEqual(['192.0.2.8']);
  });

  it('gives up on aliases in circles, within an answer and across answers', async () => {
    const { world, lookup } = setUp();
    world.server.zone = new Map([
      ['x.example', [cname('x.example', 'y.example'), cname('y.example', 'x.example')]],
      ['p.example', [cname('p.example', 'q.example')]],
      ['q.example', [cname('q.example', 'p.example')]],
    ]);
    expect((await failure(lookup('x.example'))).code).toBe('ENOTFOUND');
    expect((await failure(lookup('p.example'))).message).toMatch(/more than 8 CNAMEs/);
  });

  it('says that a name does not exist, or has no address, and what to do', async () => {
    const { lookup } = setUp();
    const missing = await failure(lookup('nowhere.example'));
    expect([missing.code, missing.message]).toEqual([
      'ENOTFOUND',
      'there is no nowhere.example, says the DNS (10.0.0.1): is it spelt right?',
    ]);
    expect((await failure(lookup('none.example'))).message).toMatch(/has no address/);
    const { resolver, world } = setUp();
    world.client.configuration.names.set({});
    expect((await failure(settle(world, resolver.lookup('a.example')))).message).toMatch(/set servers/);
  });

  it('needs no server for addresses, localhost, and names set by hand', async () => {
    const { world, lookup } = setUp({ hosts: { printer: '10.0.0.9', DB: ['10.0.0.3', 'fd00::3'] } });
    expect(await lookup('192.0.2.9')).toEqual(['192.0.2.9']);
    expect(await lookup('localhost')).toEqual(['::1', '127.0.0.1']);
    expect(await lookup('a.localhost.')).toEqual(['::1', '127.0.0.1']);
    expect(await lookup('Printer')).toEqual(['10.0.0.9']);
    expect(await lookup('db')).toEqual(['10.0.0.3', 'fd00::3']);
    expect(world.server.asked).toEqual([]);
  });

  it('reads a hosts file', async () => {
    const { lookup } = setUp({ hosts: '# mine\n10.0.0.9 printer lp # old\nfd00::9\tprinter\nnonsense x\n' });
    expect(await lookup('printer')).toEqual(['10.0.0.9', 'fd00::9']);
    expect(await lookup('lp')).toEqual(['10.0.0.9']);
  });

  it('has no use for what is no name', async () => {
    const { world, lookup } = setUp();
    for (const name of [
      'a..b',
      '-a.example',
      'a b',
      `${'a'.repeat(64)}.example`,
      'x.'.repeat(130),
      '__proto__!',
    ]) {
      expect((await failure(lookup(name))).code).toBe('ENOTFOUND');
    }
    expect(world.server.asked).toEqual([]);
  });

  it('looks a name without a dot up in the search domains first', async () => {
    const { world, lookup } = setUp();
    world.client.configuration.names.set({ servers: [SERVER], search: ['lan', 'example'] });
    expect(await lookup('four')).toEqual(['192.0.2.4', '192.0.2.5']);
    expect(world.server.take()).toEqual([
      'four.lan AAAA',
      'four.lan A',
      'four.example AAAA',
      'four.example A',
    ]);
    await failure(lookup('four.'));
    expect(world.server.take()).toEqual(['four AAAA', 'four A']);
  });
});

describe('a resolver with several servers', () => {
  it('asks the next one after a timeout, a refusal, or an ICMP error', async () => {
    const { world, lookup } = setUp({ timeout: 1_000 });
    world.client.configuration.names.set({ servers: [SERVER, SECOND] });
    world.second.zone = world.server.zone;
    world.server.silent = () => true;
    expect(await lookup('four.example')).toHaveLength(2);
    expect(world.clock.now()).toBe(ms(1_002));
    world.server.silent = () => false;
    world.server.code = 'REFUSED';
    expect(await lookup('both.example')).toHaveLength(2);
    const { client, clock } = world;
    client.configuration.names.set({
      servers: [world.client.ip.interfaces[0]?.addresses[0]?.address ?? SERVER, SECOND],
    });
    const before = clock.now();
    expect(await lookup('www.example')).toEqual(['192.0.2.7']); // nobody listens at port 53 of our own: ICMP says so
    expect(clock.now() - before).toBeLessThan(ms(100));
  });

  it('asks all of them twice, then says who failed how', async () => {
    const { world, lookup } = setUp({ timeout: 1_000 });
    world.client.configuration.names.set({ servers: [SERVER, SECOND] });
    world.server.silent = () => true;
    world.second.code = 'SERVFAIL';
    const error = await failure(lookup('four.example'));
    expect([error.code, error.message]).toEqual([
      'EAI_AGAIN',
      'no DNS server told the addresses of four.example (10.0.0.1: timeout; 10.0.0.3: SERVFAIL)',
    ]);
    expect(world.server.take()).toHaveLength(4);
    expect(world.second.take()).toHaveLength(4);
  });

  it('takes turns if it is asked to', async () => {
    const { world, lookup } = setUp({ rotate: true });
    world.client.configuration.names.set({ servers: [SERVER, SECOND] });
    world.second.zone = world.server.zone;
    await lookup('four.example');
    await lookup('both.example');
    expect([world.server.take().length, world.second.take().length]).toEqual([2, 2]);
  });
});

describe('an answer that does not fit', () => {
  it('is asked for again by TCP [RFC 7766 5]', async () => {
    const { world, lookup } = setUp();
    world.server.truncate = true;
    expect(await lookup('four.example')).toEqual(['192.0.2.4', '192.0.2.5']);
    expect(world.server.take().toSorted()).toEqual([
      'four.example A',
      'four.example A tcp',
      'four.example AAAA',
      'four.example AAAA tcp',
    ]);
    later(world, 300);
    expect(world.client.tcp.size).toBe(0);
  });
});

describe('the cache', () => {
  it('answers for as long as the shortest TTL says [RFC 1035 7.4]', async () => {
    const { world, lookup } = setUp();
    world.server.zone = new Map([
      ['www.example', [cname('www.example', 'web.example', 10), a('web.example', '192.0.2.7', 300)]],
    ]);
    await lookup('www.example');
    world.server.take();
    expect(await lookup('WWW.example')).toEqual(['192.0.2.7']);
    expect(world.server.take()).toEqual([]);
    later(world, 11);
    await lookup('www.example');
    expect(world.server.take()).toContain('www.example A');
  });

  it('remembers that there is none for as long as the SOA says [RFC 2308 5]', async () => {
    const { world, lookup } = setUp();
    await failure(lookup('nowhere.example'));
    world.server.take();
    later(world, 29);
    await failure(lookup('nowhere.example'));
    expect(world.server.take()).toEqual([]);
    later(world, 2);
    await failure(lookup('nowhere.example'));
    expect(world.server.take()).toHaveLength(2);
  });

  it('holds 512 answers at most', async () => {
    const { world, resolver, lookup } = setUp();
    const zone = new Map(world.server.zone);
    for (let i = 0; i < 300; i++) zone.set(`h${i}.example`, [a(`h${i}.example`, '192.0.2.1')]);
    world.server.zone = zone;
    for (let i = 0; i < 300; i++) await lookup(`h${i}.example`);
    expect(resolver.cache.size).toBe(512);
  });

  it('sends one question for the same name at the same time', async () => {
    const { world, resolver } = setUp();
    await settle(world, Promise.all([resolver.lookup('four.example'), resolver.lookup('four.example')]));
    expect(world.server.take()).toHaveLength(2);
  });
});

describe('forged and broken answers', () => {
  it('come to nothing: wrong id, wrong question, wrong port; the true one counts [RFC 5452 9]', async () => {
    const { world, lookup } = setUp();
    world.server.tamper = (bytes) => {
      const wrongId = bytes.with(0, (bytes[0] ?? 0) ^ 1);
      const wrongName = bytes.with(13, (bytes[13] ?? 0) ^ 1);
      return [wrongId, wrongName, new Uint8Array(0), bytes.subarray(0, 11), bytes];
    };
    expect(await lookup('four.example')).toEqual(['192.0.2.4', '192.0.2.5']);
    const elsewhere = setUp({ timeout: 500 });
    elsewhere.world.server.silent = () => true;
    const spoof = elsewhere.world.peer.udp.bind(SERVER, 5_353, { datagramArrived: () => undefined });
    const asking = elsewhere.lookup('four.example');
    elsewhere.world.clock.at(ms(10) as never, () => {
      for (const { from, id } of elsewhere.world.server.asked) {
        spoof?.send(
          Uint8Array.of(id >>> 8, id & 0xff, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0),
          from.address,
          from.port,
        );
      }
    });
    expect((await failure(asking)).code).toBe('EAI_AGAIN');
  });

  it('have to guess an id and a port that are new for each question', async () => {
    const { world, lookup } = setUp();
    for (let i = 0; i < 20; i++) await failure(lookup(`n${i}.example`));
    const { asked } = world.server;
    expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(37);
    expect(new Set(asked.map(({ from }) => from.port)).size).toBeGreaterThan(37);
  });

  it('have to guess the case of the letters, if that is asked for', async () => {
    const { world, lookup } = setUp({ mixCase: true, timeout: 100 });
    expect(await lookup('four.example')).toHaveLength(2);
    expect(
      world.server
        .take()
        .some((line) => line !== line.toLowerCase().replace(/ (a+)$/, (t) => t.toUpperCase())),
    ).toBe(true);
    world.server.tamper = (bytes) => [
      Uint8Array.from(bytes, (byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
    ];
    expect((await failure(lookup('both.example'))).code).toBe('EAI_AGAIN');
  });

  it('name nothing that becomes a property: __proto__, constructor', async () => {
    const { world, lookup } = setUp();
    world.server.zone = new Map([
      ['__proto__', [a('__proto__', '192.0.2.66')]],
      ['constructor', [cname('constructor', '__proto__'), a('__proto__', '192.0.2.66')]],
    ]);
    expect(await lookup('constructor')).toEqual(['192.0.2.66']);
    expect(await lookup('__proto__')).toEqual(['192.0.2.66']);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
