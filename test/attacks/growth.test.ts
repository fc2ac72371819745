import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import { randomBelow } from '../../stack/random.ts';
import { Assembler, CHUNK_OVERHEAD } from '../../stack/tcp/assembler.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { Demux } from '../../stack/tcp/demux.ts';
import { Secrets } from '../../stack/tcp/isn.ts';
import { CompactRecords } from '../../stack/tcp/records.ts';
import { type SeqNumber, add, seq } from '../../stack/tcp/sequence.ts';
import type { Instant } from '../../stack/time.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import { ATTACKER, CLIENT, Field, VICTIM, figure, forge, timed } from './field.ts';

const BASE = seq(0xffff_0000);
const SIZES = [1_024, 4_096, 16_384] as const;

/** Places of one-byte segments with gaps of two bytes, in an order. */
const ORDERS: { readonly [name: string]: (n: number) => number[] } = {
  ascending: (n) => Array.from({ length: n }, (_, i) => i),
  descending: (n) => Array.from({ length: n }, (_, i) => n - 1 - i),
  random: (n) => {
    const random = seededRandom(13, 'order');
    const places = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = randomBelow(random, i + 1);
      [places[i], places[j]] = [places[j] ?? 0, places[i] ?? 0];
    }
    return places;
  },
};

/** What a SYN offers that is to get a large window. */
const SCALED = { mss: 1_460, windowScale: 7 };
const BYTE = new Uint8Array(1);

function filled(places: readonly number[]): Assembler {
  const assembler = new Assembler();
  for (const place of places) assembler.insert(add(BASE, 3 * place), BYTE, 0, 1, Infinity);
  return assembler;
}

describe('A13 SegmentSmack', () => {
  it.each(Object.keys(ORDERS))(
    'A13 a one-byte segment out of order costs at most twice the steps at 16,384 ranges than at 1,024 [CVE-2018-5390; %s]',
    (name) => {
      const order = ORDERS[name] ?? (() => []);
      const steps = SIZES.map((n) => {
        const places = order(n);
        const assembler = filled(places);
        expect(assembler.ranges).toBe(n);
        const built = assembler.steps / n;
        const before = assembler.steps;
        for (let i = 0; i < n; i += 1) assembler.rangeAt(add(BASE, 3 * i)); // for SACK blocks
        expect((assembler.steps - before) / n).toBeLessThan(20);
        return built;
      });
      expect(steps[2] ?? 0).toBeLessThanOrEqual(2 * (steps[0] ?? 0));
      const places = order(16_384);
      const microseconds = timed(16_384, () => void filled(places));
      figure(
        'A13',
        `steps per segment at ${SIZES.join(', ')} ranges, ${name}`,
        steps.map((s) => s.toFixed(1)).join(', '),
      );
      figure('A13', `µs per segment up to 16,384 ranges, ${name}`, microseconds);
    },
  );

  it('A13 filling every gap takes the ranges out again in steps that do not grow', () => {
    const perRange = SIZES.map((n) => {
      const assembler = filled(ORDERS['random']?.(n) ?? []);
      const before = assembler.steps;
      let next: SeqNumber = BASE;
      for (let i = 0; i < n; i++) {
        expect(assembler.take(next)?.length).toBe(1);
        next = add(next, 3);
      }
      expect([assembler.ranges, assembler.length, assembler.cost]).toEqual([0, 0, 0]);
      return (assembler.steps - before) / n;
    });
    expect(perRange[2] ?? 0).toBeLessThanOrEqual(2 * (perRange[0] ?? 0));
  });

  it('A13 the out-of-order queue of a connection is bounded by what it costs and by its ranges, and the honest client goes on', () => {
    const field = new Field({ tcp: { receiveBuffer: { from: 128 * 1_024, to: 128 * 1_024 } } });
    const own = field.open(5_000, ATTACKER, SCALED);
    const connection = field.accepted[0];
    field.quiet = true;
    let worst = 0;
    for (let i = 0; i < 40_000; i += 100) {
      const batch = Array.from({ length: 100 }, (_, j) =>
        forge({ ...own, seq: 1_003 + 3 * (i + j), ack: own.next, data: BYTE }),
      );
      worst = Math.max(
        worst,
        timed(100, () => field.inject(...batch).run(0)),
      );
    }
    const { memory } = field.stats;
    expect(connection?.receiver.assembler.ranges).toBe(512); // one for 256 bytes of buffer
    expect(memory.outOfOrder).toBe(512 * (1 + CHUNK_OVERHEAD));
    expect(field.count('OfoPruned')).toBe(40_000 - 512);
    expect(field.drops('TCP_OFO_QUEUE_PRUNE') + field.drops('TCP_OVERWINDOW')).toBe(40_000 - 512);
    expect(field.control()).toBe('works');
    figure(
      'A13',
      'memory of 40,000 one-byte segments to a buffer of 128 KiB',
      `${Math.round(memory.outOfOrder / 1_024)} KiB`,
    );
    figure('A13', 'worst µs per segment of a batch of 100, attacker included', worst);
  });

  it('A13 under memory pressure what is out of order goes first, and is counted [RFC 2018 8]', () => {
    const field = new Field({ deaf: true, tcp: { maxMemory: 60_000 } });
    const own = field.open(5_000, ATTACKER, SCALED);
    for (let i = 0; i < 250; i++)
      field.send({ ...own, seq: 1_101 + 1_100 * i, ack: own.next, data: new Uint8Array(1_000) });
    expect(field.count('PruneCalled')).toBeGreaterThan(0);
    expect(field.stats.memory.total).toBeLessThanOrEqual(60_000);
    expect(field.accepted[0]?.state).toBe('ESTABLISHED');
  });
});

/** As much of a connection as the table looks at. */
function named(remote: IPv4Address, port: number): TcpConnection {
  return {
    local: { address: VICTIM, port: 80 },
    remote: { address: remote, port },
  } as unknown as TcpConnection;
}

/** Tuples that collide in a plain hash: the exclusive or of addresses and ports is the same for all. */
function colliding(n: number): [IPv4Address, number][] {
  return Array.from({ length: n }, (_, i) => {
    const port = 1_024 + (i % 60_000);
    const high = 0x0a00_0000 + (Math.floor(i / 60_000) << 16);
    return [(high | port) as IPv4Address, port];
  });
}

function randomTuples(n: number): [IPv4Address, number][] {
  const random = seededRandom(2, 'tuples');
  return Array.from({ length: n }, () => [random.u32() as IPv4Address, random.u32() & 0xffff]);
}

describe('J2 hash flooding', () => {
  const secrets = new Secrets(seededRandom(1, 'secrets'));

  it('J2 100,000 tuples that collide in a plain hash cost no more steps in the table of connections than random ones', () => {
    const cost = (tuples: readonly [IPv4Address, number][]): { steps: number; microseconds: number } => {
      const demux = new Demux(secrets);
      for (const [address, port] of tuples) demux.add(named(address, port));
      const before = demux.steps;
      const microseconds = timed(tuples.length, () => {
        for (const [address, port] of tuples)
          if (demux.find(VICTIM, 80, address, port) === undefined) throw new Error('not found');
      });
      return { steps: (demux.steps - before) / tuples.length, microseconds };
    };
    const plain = new Set(colliding(100_000).map(([address, port]) => (address ^ port) & 0xffff));
    expect(plain.size).toBeLessThan(4); // the attack is one
    const flooded = cost(colliding(100_000));
    const random = cost(randomTuples(100_000));
    expect(flooded.steps).toBeLessThan(1.2 * random.steps);
    expect(flooded.steps).toBeLessThan(3);
    figure(
      'J2',
      'steps per lookup, chosen and random tuples',
      `${flooded.steps.toFixed(2)} and ${random.steps.toFixed(2)}`,
    );
    figure(
      'J2',
      'µs per lookup, chosen and random tuples',
      `${flooded.microseconds.toFixed(2)} and ${random.microseconds.toFixed(2)}`,
    );
    expect(new Field().control()).toBe('works');
  });

  it('J2 the same holds for the table of records', () => {
    const cost = (tuples: readonly [IPv4Address, number][]): number => {
      const records = new CompactRecords(1, (local, remote, ports) =>
        secrets.tableHash(local, remote, ports),
      );
      const local = { address: VICTIM, port: 80 };
      for (const [address, port] of tuples) records.add(0, local, { address, port }, 0 as Instant);
      const before = records.steps;
      for (const [address, port] of tuples) expect(records.find(VICTIM, 80, address, port)).not.toBe(-1);
      return (records.steps - before) / tuples.length;
    };
    expect(cost(colliding(20_000))).toBeLessThan(1.2 * cost(randomTuples(20_000)));
  });
});

describe('J1 work per packet', () => {
  it('J1 a record is added, found and removed in steps that do not grow from 1,024 records to 16,384', () => {
    const secrets = new Secrets(seededRandom(1, 'secrets'));
    const perRecord = SIZES.map((n) => {
      const records = new CompactRecords(2, (local, remote, ports) =>
        secrets.tableHash(local, remote, ports),
      );
      const local = { address: VICTIM, port: 80 };
      const tuples = randomTuples(n);
      const rows = tuples.map(([address, port], i) => records.add(0, local, { address, port }, i as Instant));
      for (const [address, port] of tuples) records.find(VICTIM, 80, address, port);
      for (const row of rows) records.remove(row);
      expect([records.size, records.bytes < 64 * 1_024]).toEqual([0, true]);
      return records.steps / n;
    });
    expect(perRecord[2] ?? 9).toBeLessThan(1.3 * (perRecord[0] ?? 0));
    figure(
      'J1',
      `steps per record at ${SIZES.join(', ')}`,
      perRecord.map((steps) => steps.toFixed(2)).join(', '),
    );
  });

  it.each(['half-open', 'TIME-WAIT', 'out of order', 'established'] as const)(
    'J1 the time of a packet does not grow with the state that others hold: %s',
    (kind) => {
      const [, ...spent] = [500, 1_000, 4_000, 16_000].map((n) => {
        const field = new Field({
          backlog: 40_000,
          deaf: true,
          ...(kind === 'TIME-WAIT' ? { deaf: false, closes: 'shutdown' as const } : {}),
          tcp: { receiveBuffer: { from: 8 * 1_024 * 1_024, to: 8 * 1_024 * 1_024 } },
        });
        const make = (i: number): void => {
          const from = (0x0a40_0000 + i) as IPv4Address;
          if (kind === 'half-open') field.send({ from, flags: 'S' });
          else {
            const own = field.open(4_000, from);
            if (kind === 'TIME-WAIT') field.send({ ...own, seq: 1_001, ack: own.next + 1, flags: 'F' });
          }
        };
        let own = 0;
        if (kind === 'out of order') own = field.open(4_000, ATTACKER, SCALED).next;
        if (kind === 'out of order') {
          for (let i = 0; i < n; i++) field.send({ seq: 1_003 + 3 * i, ack: own, data: BYTE });
          expect(field.accepted[0]?.receiver.assembler.ranges).toBe(n);
        } else {
          for (let i = 0; i < n; i++) make(i);
          expect(field.victim.tcp.size).toBe(n);
        }
        field.take();
        return timed(200, () => {
          for (let i = 0; i < 200; i++) {
            if (kind === 'out of order') field.send({ seq: 1_003 + 3 * (n + i), ack: own, data: BYTE });
            else field.send({ from: (0x0a20_0000 + i) as IPv4Address, flags: 'S' });
          }
        });
      });
      figure(
        'J1',
        `µs per packet beside 1,000, 4,000, 16,000 ${kind}`,
        spent.map((us) => us.toFixed(0)).join(', '),
      );
      expect(spent).toHaveLength(3);
    },
  );
});

describe('J5 buffer retention', () => {
  it('J5 small payloads keep little more memory than they are long, read late or out of order', () => {
    // In order, one byte each, and nobody reads.
    const field = new Field({ deaf: true });
    const own = field.open(5_000);
    for (let i = 0; i < 4_000; i++) field.send({ ...own, seq: 1_001 + i, ack: own.next, data: BYTE });
    const inOrder = field.stats.memory.receive / 4_000;
    expect(field.accepted[0]?.readable).toBe(4_000);
    expect(inOrder).toBeLessThanOrEqual(2.1);
    // Out of order and next to each other: one gap, many small pieces.
    const gap = new Field({ deaf: true });
    const other = gap.open(5_000);
    for (let i = 0; i < 4_000; i++) gap.send({ ...other, seq: 1_002 + i, ack: other.next, data: BYTE });
    const outOfOrder = gap.stats.memory.outOfOrder / 4_000;
    expect(gap.accepted[0]?.receiver.assembler.length).toBe(4_000);
    expect(outOfOrder).toBeLessThanOrEqual(2.5);
    // What the program is given is its own memory, as long as the payload.
    gap.send({ ...other, seq: 1_001, ack: other.next, data: BYTE });
    const read = gap.accepted[0]?.receive(1);
    expect(read?.buffer.byteLength).toBe(1);
    figure(
      'J5',
      'bytes kept per payload byte: unread, out of order',
      `${inOrder.toFixed(2)}, ${outOfOrder.toFixed(2)}`,
    );
    expect(new Field().control()).toBe('works');
    expect(CLIENT).not.toBe(VICTIM);
  });
});
