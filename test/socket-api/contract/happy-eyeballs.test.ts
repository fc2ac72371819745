import { describe, expect, it } from 'vitest';
import { AddressRace } from '../../../socket-api/address-race.ts';
import type { ConnectFailure } from '../../../socket-api/errors.ts';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { Host } from '../../../stack/host.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import type { Endpoint } from '../../../stack/tcp/events.ts';
import { after, ms, seconds } from '../../../stack/time.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../../stack/wire/address.ts';
import { CLIENT, pair, PORT } from '../harness.ts';

const HERE = ['10.0.0.1/24', 'fd00::1/64'] as const;
/** Two addresses of each family; which of them answer is the test's business. */
const THERE = ['10.0.0.2', '10.0.0.3', 'fd00::2', 'fd00::3'] as const;

function ip(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return address;
}

interface Race {
  readonly clock: VirtualClock;
  /** `MS SYN to ADDRESS`, `MS won ADDRESS`, `MS lost ADDRESS`. */
  readonly log: string[];
  readonly client: Host;
  readonly race: AddressRace;
  start(...addresses: readonly string[]): void;
  pass(milliseconds: number): void;
}

/** A race to a host where `alive` listen and `refusing` answer with RST; SYNs to others are lost. */
function race(
  {
    alive = [],
    refusing = [],
  }: { readonly alive?: readonly string[]; readonly refusing?: readonly string[] },
  happyEyeballs: boolean = true,
): Race {
  const clock = new VirtualClock();
  const log: string[] = [];
  const now = (): number => clock.now() / 1_000;
  const [here, there] = wire(clock, { delay: ms(10) });
  const client = new Host({
    name: 'client',
    scheduler: clock,
    random: seededRandom(1, 'client'),
    tracer: (event) => {
      if (event.type === 'connection' && !event.passive)
        log.push(`${now()} SYN to ${formatAddress(event.remoteAddress)}`);
    },
  });
  const server = new Host({ name: 'server', scheduler: clock, random: seededRandom(1, 'server') });
  client.addInterface(
    here,
    HERE.map((text) => ({ address: ip(text.split('/')[0] ?? ''), prefixLength: Number(text.split('/')[1]) })),
  );
  const known = THERE.filter((text) => alive.includes(text) || refusing.includes(text));
  server.addInterface(
    there,
    known.map((text) => ({ address: ip(text), prefixLength: text.includes(':') ? 64 : 24 })),
  );
  for (const text of alive)
    server.tcp.listen({ address: ip(text), port: 80 }, { connectionReady: () => undefined });
  const owner = {
    attempted: () => undefined,
    won: (connection: TcpConnection) =>
      void log.push(`${now()} won ${formatAddress(connection.remote.address)}`),
    lost: (_failure: ConnectFailure, remote: Endpoint) =>
      void log.push(`${now()} lost ${formatAddress(remote.address)}`),
    broken: (thrown: unknown) => void log.push(`broken: ${String(thrown)}`),
  };
  const destination = { port: 80, localAddress: undefined, localPort: undefined };
  const made = new AddressRace(client, owner, destination, { happyEyeballs });
  return {
    clock,
    log,
    client,
    race: made,
    start: (...addresses) => made.start(addresses.map(ip)),
    pass: (milliseconds) => clock.advanceTo(after(clock.now(), ms(milliseconds))),
  };
}

describe('an address race [RFC 8305]', () => {
  it('needs the first address only, if that answers', () => {
    const run = race({ alive: ['fd00::2', '10.0.0.2'] });
    run.start('fd00::2', '10.0.0.2');
    run.pass(1_000);
    expect(run.log).toEqual(['0 SYN to fd00::2', '20 won fd00::2']);
  });

  it('tries IPv6 first and the families in turn, each after 250 ms [RFC 8305 4, 5]', () => {
    const run = race({ alive: ['10.0.0.3'] });
    run.start('10.0.0.2', '10.0.0.3', 'fd00::2', 'fd00::3');
    run.pass(5_000);
    expect(run.log).toEqual([
      '0 SYN to fd00::2',
      '250 SYN to 10.0.0.2',
      '500 SYN to fd00::3',
      '750 SYN to 10.0.0.3',
      '770 won 10.0.0.3',
    ]);
  });

  it('aborts the others when one has won', () => {
    const run = race({ alive: ['10.0.0.2'] });
    run.start('fd00::2', '10.0.0.2', 'fd00::3');
    run.pass(300);
    expect([...run.client.tcp.connections()].map(({ state }) => state)).toEqual(['ESTABLISHED']);
    expect(run.log.at(-1)).toBe('270 won 10.0.0.2');
    run.pass(400_000);
    expect(run.log).toHaveLength(3);
  });

  it('tries the next one at once after a refusal', () => {
    const run = race({ alive: ['10.0.0.2'], refusing: ['fd00::2'] });
    run.start('fd00::2', '10.0.0.2');
    run.pass(1_000);
    expect(run.log).toEqual(['0 SYN to fd00::2', '20 SYN to 10.0.0.2', '40 won 10.0.0.2']);
  });

  it('goes on with the one that is left when a later one is refused', () => {
    const run = race({ alive: ['10.0.0.2'], refusing: ['10.0.0.3'] });
    run.start('fd00::2', '10.0.0.3', '10.0.0.2');
    run.pass(2_000);
    expect(run.log).toEqual([
      '0 SYN to fd00::2',
      '250 SYN to 10.0.0.3',
      '270 SYN to 10.0.0.2',
      '290 won 10.0.0.2',
    ]);
  });

  it('is lost when all have failed, and says so once', () => {
    const run = race({ refusing: ['fd00::2', '10.0.0.2'] });
    run.start('fd00::2', '10.0.0.2');
    run.pass(1_000);
    expect(run.log).toEqual(['0 SYN to fd00::2', '20 SYN to 10.0.0.2', '40 lost 10.0.0.2']);
    const waiting = race({ refusing: ['10.0.0.2'] });
    waiting.start('fd00::2', '10.0.0.2');
    waiting.pass(1_000);
    expect(waiting.log.some((line) => line.includes('lost'))).toBe(false); // fd00::2 may still answer
    waiting.clock.advanceTo(after(waiting.clock.now(), seconds(600)));
    expect(waiting.log.filter((line) => line.includes('lost'))).toEqual([
      expect.stringMatching(/lost fd00::2$/),
    ]);
  });

  it('skips an address without a route', () => {
    const run = race({ alive: ['10.0.0.2'] });
    run.start('2001:db8::1', '10.0.0.2');
    run.pass(100);
    expect(run.log).toEqual(['0 SYN to 10.0.0.2', '20 won 10.0.0.2']);
  });

  it('leaves nothing behind when it is stopped', () => {
    const run = race({});
    run.start('fd00::2', '10.0.0.2', 'fd00::3');
    run.pass(300);
    expect(run.client.tcp.size).toBe(2);
    run.race.stop();
    run.pass(10_000);
    expect([run.client.tcp.size, run.log.length]).toEqual([0, 2]);
  });

  it('goes one after the other if that is wanted', () => {
    const run = race({ alive: ['10.0.0.2'], refusing: ['fd00::2'] }, false);
    run.start('10.0.0.3', '10.0.0.2');
    run.pass(10_000);
    expect(run.log).toEqual(['0 SYN to 10.0.0.3']);
  });
});

describe('connect with several addresses', () => {
  it('opens once, over the address that answers first, after 250 ms', async () => {
    const net = pair({ runtime: { lookup: async () => [ip('10.0.0.77'), ip('10.0.0.2')] } });
    net.S.listen({ hostname: '0.0.0.0', port: PORT, socket: net.handlers('S') });
    const connecting = net.C.connect({ hostname: 'example', port: PORT, socket: net.handlers('C') });
    await net.run(0); // the lookup
    await net.run(400);
    expect(net.timed.filter((line) => line.includes('C.'))).toEqual(['270 C.open']);
    expect((await connecting).remoteAddress).toBe('10.0.0.2');
    expect((await connecting).localAddress).toBe(CLIENT);
  });

  it('gives up all attempts when its time is over', async () => {
    const net = pair({ runtime: { lookup: async () => [ip('10.0.0.77'), ip('10.0.0.78')] } });
    const connecting = net.C.connect({
      hostname: 'example',
      port: PORT,
      connectTimeout: 600,
      socket: net.handlers('C'),
    });
    const failure = connecting.catch((error: unknown) => error);
    await net.run(0);
    await net.run(700);
    expect(await failure).toMatchObject({ code: 'ETIMEDOUT' });
    expect(net.hosts.client.tcp.size).toBe(0);
    expect(net.log).toEqual(['C.connectError ETIMEDOUT']);
  });
});
