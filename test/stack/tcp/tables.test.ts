import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../sim/random.ts';
import { randomBelow } from '../../../stack/random.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import { Deadlines, type Waiting } from '../../../stack/tcp/deadlines.ts';
import { Demux } from '../../../stack/tcp/demux.ts';
import { Secrets } from '../../../stack/tcp/isn.ts';
import { EphemeralPorts } from '../../../stack/tcp/ports.ts';
import { Timers } from '../../../stack/tcp/timers.ts';
import { type Instant, NEVER } from '../../../stack/time.ts';
import type { TimerName } from '../../../stack/trace.ts';
import { ipv4 } from '../../../stack/wire/address.ts';

const secrets = (seed: number): Secrets => new Secrets(seededRandom(seed, 'secrets'));
const A = ipv4(10, 0, 0, 1);
const B = ipv4(10, 0, 0, 2);

describe('deadlines', () => {
  class Item implements Waiting {
    nextDeadline: Instant = NEVER;
  }

  it('wake each item when it is due, never late, as a plain search would', () => {
    const action = fc.record({
      item: fc.nat(9),
      at: fc.option(fc.nat(100), { nil: undefined }),
      pass: fc.nat(5),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const items = Array.from({ length: 10 }, () => new Item());
        const present = new Set(items);
        const deadlines = new Deadlines<Item>();
        let now = 0;
        for (const { item: index, at, pass, remove } of actions) {
          const item = items[index] ?? new Item();
          item.nextDeadline = (at === undefined ? NEVER : now + at) as Instant;
          if (remove && at === undefined) {
            deadlines.remove(item);
            present.delete(item);
          } else {
            deadlines.update(item);
            present.add(item);
          }
          now += pass;
          const expected = new Set([...present].filter(({ nextDeadline }) => nextDeadline <= now));
          for (
            let due = deadlines.due(now as Instant);
            due !== undefined;
            due = deadlines.due(now as Instant)
          ) {
            expect(expected.delete(due)).toBe(true);
            due.nextDeadline = NEVER;
            deadlines.update(due);
          }
          expect(expected.size).toBe(0);
          const next = Math.min(...[...present].map(({ nextDeadline }) => nextDeadline));
          expect(deadlines.next).toBeLessThanOrEqual(next);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('cost nothing for one that moves away with every ACK', () => {
    const deadlines = new Deadlines<Item>();
    const item = new Item();
    for (let at = 0; at < 10_000; at++) {
      item.nextDeadline = at as Instant;
      deadlines.update(item);
    }
    expect(deadlines.length).toBe(1);
  });

  it('keep no items that were removed, however far away their deadline was', () => {
    const deadlines = new Deadlines<Item>();
    for (let count = 0; count < 10_000; count++) {
      const item = new Item();
      item.nextDeadline = 7_200_000_000 as Instant;
      deadlines.update(item);
      if (count >= 10) deadlines.remove(item);
    }
    expect(deadlines.length).toBeLessThan(100);
  });
});

describe('the connection table', () => {
  const connection = (local: number, remote: number, address = B): TcpConnection =>
    ({ local: { address: A, port: local }, remote: { address, port: remote } }) as TcpConnection;

  it('finds 100,000 connections, and none that was removed', () => {
    const demux = new Demux(secrets(1));
    const all = Array.from({ length: 100_000 }, (_, index) =>
      connection(80, index & 0xffff, ipv4(10, 1, index >>> 16, 9)),
    );
    for (const each of all) demux.add(each);
    const find = ({ remote }: TcpConnection): TcpConnection | undefined =>
      demux.find(A, 80, remote.address, remote.port);
    expect(all.every((each) => find(each) === each)).toBe(true);
    all.forEach((each, index) => index % 3 === 0 && demux.remove(each));
    expect(all.every((each, index) => find(each) === (index % 3 === 0 ? undefined : each))).toBe(true);
    expect([demux.size, [...demux.connections()].length]).toEqual([66_666, 66_666]);
  });

  it('tells connections apart by each of the four, also when hashes collide', () => {
    const same = { tableHash: () => 7 } as unknown as Secrets;
    const demux = new Demux(same);
    const all = [connection(1, 2), connection(2, 1), connection(1, 3), connection(1, 2, ipv4(10, 0, 0, 3))];
    for (const each of all) demux.add(each);
    for (const each of all)
      expect(demux.find(A, each.local.port, each.remote.address, each.remote.port)).toBe(each);
    demux.remove(connection(9, 9)); // is not there
    expect(demux.find(B, 1, A, 2)).toBeUndefined();
    for (const each of all) demux.remove(each);
    expect(demux.size).toBe(0);
  });

  it('stays small though connections come and go', () => {
    const demux = new Demux(secrets(2));
    for (let count = 0; count < 50_000; count++) {
      const each = connection(count & 0xffff, count >>> 8);
      demux.add(each);
      demux.remove(each);
      if (count % 1_000 === 0) expect(demux.find(A, 1, B, 1)).toBeUndefined();
    }
    expect([...demux.connections()]).toEqual([]);
  });

  it('J2 places connections by a secret', () => {
    const places = (seed: number): number[] =>
      Array.from({ length: 16 }, (_, port) => secrets(seed).tableHash(A, B, port));
    expect(places(1)).toEqual(places(1));
    expect(places(1)).not.toEqual(places(2));
  });
});

describe('ephemeral ports [RFC 6056]', () => {
  const range = { from: 49_152, to: 65_535 };

  it('are never taken ones, and run out only when all are taken', () => {
    const small = { from: 50_000, to: 50_063 };
    const ports = new EphemeralPorts(small, secrets(1));
    const taken = new Set<number>();
    for (let count = 0; count < 64; count++) {
      const port = ports.choose(A, { address: B, port: 80 }, (each) => !taken.has(each));
      expect(port !== undefined && port >= small.from && port <= small.to && !taken.has(port)).toBe(true);
      taken.add(port ?? 0);
    }
    expect(ports.choose(A, { address: B, port: 80 }, (each) => !taken.has(each))).toBeUndefined();
  });

  it('go up by one for one destination, and begin anywhere for each (A6) [RFC 6056 3.3.3]', () => {
    const ports = new EphemeralPorts(range, secrets(3));
    const [first = 0, second = 0] = [0, 1].map(() => ports.choose(A, { address: B, port: 80 }, () => true));
    expect((second - first + 16_384) % 16_384).toBe(1);
    const quarters = new Set<number>();
    for (let port = 1; port <= 200; port++) {
      const chosen = ports.choose(A, { address: B, port }, () => true) ?? 0;
      quarters.add((chosen - range.from) >>> 10);
    }
    expect(quarters.size).toBe(16);
  });
});

describe('initial sequence numbers [RFC 9293 SHLD-1; RFC 6528 3]', () => {
  const local = { address: A, port: 50_000 };
  const remote = { address: B, port: 80 };

  it('go up by one every 4 microseconds for one pair of endpoints [MUST-8]', () => {
    const one = secrets(1);
    const at = (time: number): number => one.isn(local, remote, time as Instant);
    expect([4, 7, 8, 4_000_000].map((time) => (at(time) - at(0)) >>> 0)).toEqual([1, 1, 2, 1_000_000]);
  });

  it('A5 are spread over the whole range from pair to pair, and from host to host [MUST-9]', () => {
    const one = secrets(1);
    const seen = Array.from({ length: 10_000 }, (_, port) =>
      one.isn({ address: A, port }, remote, 0 as Instant),
    );
    expect(new Set(seen.map((isn) => isn >>> 24)).size).toBe(256);
    const mean = seen.reduce((sum, isn) => sum + isn, 0) / seen.length / 2 ** 32;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    let serial = 0;
    for (let i = 1; i < seen.length; i++)
      serial += ((seen[i] ?? 0) / 2 ** 32 - 0.5) * ((seen[i - 1] ?? 0) / 2 ** 32 - 0.5);
    expect(Math.abs(serial / seen.length) * 12).toBeLessThan(0.05);
    expect(secrets(2).isn(local, remote, 0 as Instant)).not.toBe(one.isn(local, remote, 0 as Instant));
  });
});

it('timers of a connection go off in order, the earliest is always known', () => {
  const names: readonly TimerName[] = ['retransmission', 'persist', 'delayed-ack', 'keepalive', 'time-wait'];
  const dice = seededRandom(5, 'timers');
  const timers = new Timers({ timerChanged() {} });
  const oracle = new Map<TimerName, number>();
  for (let now = 0; now < 5_000; now++) {
    const name = names[randomBelow(dice, names.length)] ?? 'persist';
    if (randomBelow(dice, 4) === 0) {
      timers.clear(name);
      oracle.delete(name);
    } else {
      const at = now + randomBelow(dice, 50);
      timers.set(name, at as Instant);
      oracle.set(name, at);
    }
    expect(timers.next).toBe(Math.min(Number.POSITIVE_INFINITY, ...oracle.values()));
    for (let due = timers.due(now as Instant); due !== undefined; due = timers.due(now as Instant)) {
      expect(oracle.get(due)).toBeLessThanOrEqual(now);
      oracle.delete(due);
    }
    expect(Math.min(...oracle.values())).toBeGreaterThan(now);
  }
});
