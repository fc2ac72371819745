import { describe, expect, it } from 'vitest';
import { wire } from '../../device/wire.ts';
import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { Host } from '../../stack/host.ts';
import { type SettingsChanges, settings } from '../../stack/settings.ts';
import { type Duration, after, ms, seconds, us } from '../../stack/time.ts';
import { IPV4_LOOPBACK, type IPv4Address, ipv4 } from '../../stack/wire/address.ts';
import { Program } from './tcp/pair.ts';

const A = ipv4(10, 0, 0, 1);
const B = ipv4(10, 0, 0, 2);

function host(clock: VirtualClock, name: string, changes: SettingsChanges = {}): Host {
  return new Host({ name, scheduler: clock, random: seededRandom(1, name), settings: settings(changes) });
}

function join(
  clock: VirtualClock,
  [left, a]: [Host, IPv4Address],
  [right, b]: [Host, IPv4Address],
  options: { readonly queue?: number; readonly delay?: Duration } = {},
): void {
  const [here, there] = wire(clock, options);
  left.addInterface(here, [{ address: a, prefixLength: 24 }]);
  right.addInterface(there, [{ address: b, prefixLength: 24 }]);
}

/** Runs a connection between two programs that send each other so much. */
function exchange(
  client: Host,
  server: Host,
  address: IPv4Address,
  bytes: number,
  port: number = 80,
): [Program, Program] {
  const [one, two] = [new Program(bytes), new Program(bytes)];
  const listener = server.tcp.listen(
    { port },
    {
      connectionReady: () => {
        two.connection = listener.accept(two);
      },
    },
  );
  one.connection = client.tcp.connect({ remote: { address, port } }, one);
  return [one, two];
}

function expectDone(programs: readonly Program[], bytes: number): void {
  for (const { received, told } of programs) expect([received, told.at(-1)]).toEqual([bytes, 'closed']);
}

describe('a host', () => {
  it('connects to itself by its own address and by 127.0.0.1, without a frame on the wire', () => {
    const clock = new VirtualClock();
    const alone = host(clock, 'alone');
    let frames = 0;
    const [device] = wire(clock, { onFrame: () => ((frames += 1), 'pass') });
    alone.addInterface(device, [{ address: A, prefixLength: 24 }]);
    const programs = [
      ...exchange(alone, alone, A, 100_000),
      ...exchange(alone, alone, IPV4_LOOPBACK, 100_000, 81),
    ];
    clock.run(after(clock.now(), seconds(5)));
    expectDone(programs, 100_000);
    expect(frames).toBe(0);
  });

  it('connects a port to itself: a simultaneous open with one end [RFC 9293 3.5]', () => {
    const clock = new VirtualClock();
    const alone = host(clock, 'alone');
    alone.addInterface(wire(clock)[0], [{ address: A, prefixLength: 24 }]);
    const program = new Program(0);
    program.connection = alone.tcp.connect(
      { remote: { address: A, port: 7_000 }, local: { port: 7_000 } },
      program,
    );
    clock.run(after(clock.now(), ms(100)));
    expect(program.told).toContain('established');
  });

  it('takes the interface whose subnet the peer is on, and its address [RFC 9293 MUST-44, MUST-45]', () => {
    const clock = new VirtualClock();
    const [middle, left, right] = ['middle', 'left', 'right'].map((name) => host(clock, name)) as [
      Host,
      Host,
      Host,
    ];
    join(clock, [middle, ipv4(10, 1, 0, 1)], [left, ipv4(10, 1, 0, 2)]);
    join(clock, [middle, ipv4(10, 2, 0, 1)], [right, ipv4(10, 2, 0, 2)]);
    const programs = [
      ...exchange(middle, left, ipv4(10, 1, 0, 2), 20_000),
      ...exchange(middle, right, ipv4(10, 2, 0, 2), 20_000),
    ];
    expect([programs[0], programs[2]].map((each) => each?.connection?.local.address)).toEqual([
      ipv4(10, 1, 0, 1),
      ipv4(10, 2, 0, 1),
    ]);
    clock.run(after(clock.now(), seconds(5)));
    expectDone(programs, 20_000);
  });

  it('shares nothing with another one in the same process', () => {
    const clock = new VirtualClock();
    const pairs = Array.from({ length: 10 }, (_, index) => {
      const [a, b] = [host(clock, `a${index}`), host(clock, `b${index}`)];
      join(clock, [a, A], [b, B], { delay: ms(index) }); // the same addresses in each
      return exchange(a, b, B, 10_000);
    });
    clock.run(after(clock.now(), seconds(10)));
    for (const programs of pairs) expectDone(programs, 10_000);
  });

  it.each([1, 3, 16])('goes on when a device takes only %d frames at a time', (queue) => {
    const clock = new VirtualClock();
    const [a, b] = [host(clock, 'a'), host(clock, 'b')];
    join(clock, [a, A], [b, B], { queue, delay: us(500) });
    const programs = exchange(a, b, B, 200_000);
    clock.run(after(clock.now(), seconds(60)));
    expectDone(programs, 200_000);
  });

  it.each(['standard', 'linux', 'textbook'] as const)(
    'answers each segment or each batch: both work (%s)',
    (profile) => {
      for (const ackPerBatch of [true, false]) {
        const clock = new VirtualClock();
        const [a, b] = [
          host(clock, 'a', { profile, tcp: { ackPerBatch } }),
          host(clock, 'b', { profile, tcp: { ackPerBatch } }),
        ];
        join(clock, [a, A], [b, B], { delay: ms(5) });
        const programs = exchange(a, b, B, 300_000);
        clock.run(after(clock.now(), seconds(30)));
        expectDone(programs, 300_000);
      }
    },
  );

  it('keeps no connection and no wake-up when all is over', () => {
    const clock = new VirtualClock();
    const [a, b] = [host(clock, 'a'), host(clock, 'b')];
    join(clock, [a, A], [b, B], { delay: ms(5) });
    exchange(a, b, B, 10_000);
    clock.run(after(clock.now(), seconds(241)));
    expect([a.stats().connections, b.stats().connections]).toEqual([{}, {}]);
    clock.run();
    expect([a.tcp.size, b.tcp.size, clock.pending]).toEqual([0, 0, 0]);
  });

  it('counts its connections by state and its drops by reason', () => {
    const clock = new VirtualClock();
    const [a, b] = [host(clock, 'a'), host(clock, 'b')];
    join(clock, [a, A], [b, B]);
    const refused = new Program(0);
    refused.connection = a.tcp.connect({ remote: { address: B, port: 9 } }, refused);
    expect(a.stats().connections).toEqual({ 'SYN-SENT': 1 });
    clock.run(after(clock.now(), ms(10)));
    expect([refused.told, b.stats().drops]).toEqual([['closed refused'], { NO_SOCKET: 1 }]);
  });

  it('aborts its connections when it is closed, and is still afterwards', () => {
    const clock = new VirtualClock();
    const [a, b] = [host(clock, 'a'), host(clock, 'b')];
    join(clock, [a, A], [b, B], { delay: ms(5) });
    const [one, two] = exchange(a, b, B, 10_000_000);
    clock.run(after(clock.now(), ms(60)));
    b.close();
    b.close();
    clock.run(after(clock.now(), ms(100)));
    expect([one.told.at(-1), two.told.at(-1), a.tcp.size, b.tcp.size]).toEqual([
      'closed reset',
      'closed aborted',
      0,
      0,
    ]);
    clock.run();
    expect(clock.pending).toBe(0);
  });

  it('keeps the process alive as long as somebody asks for it', () => {
    const { holds } = host(new VirtualClock(), 'a');
    const seen = [holds.active];
    holds.retain();
    holds.retain();
    holds.release();
    seen.push(holds.active);
    holds.release();
    expect([...seen, holds.active]).toEqual([false, true, false]);
  });
});
