import { describe, expect, it } from 'vitest';
import { fuzzedOptions } from '../../attacks/fuzzed-options.ts';
import { seededRandom } from '../../sim/random.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import * as tcpOptions from '../../stack/wire/tcp-options.ts';
import { ATTACKER, Field, figure, forge, timed } from './field.ts';
import { fragment, repaired, withOptions } from './packets.ts';

describe('A9 TCP options', () => {
  it.each<[string, number[]]>([
    ['a length of 0', [254, 0]],
    ['a length of 1', [254, 1]],
    ['a length beyond the rest', [254, 40, 1, 1]],
    ['a kind without a length at the end', [1, 1, 1, 254]],
    ['an MSS of length 3', [2, 3, 5, 1]],
    ['an MSS of length 0', [2, 0]],
    ['a SACK of length 9', [5, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]],
    ['timestamps of length 4', [8, 4, 0, 0]],
    ['forty NOPs', Array.from({ length: 40 }, () => 1)],
    ['an MSS twice', [2, 4, 5, 180, 2, 4, 0, 0]],
    ['an MSS of 0', [2, 4, 0, 0]],
    ['a window scale of 255', [3, 3, 255, 1]],
    ['an end in the middle', [0, 2, 0, 0]],
  ])(
    'A9 a SYN with %s is taken without it or dropped, and the next one works [RFC 9293 MUST-6, MUST-7]',
    (_, bytes) => {
      const field = new Field();
      field.inject(withOptions({ flags: 'S' }, bytes)).run(0);
      const answers = field.take().length;
      expect(answers + field.drops('PKT_TOO_SMALL')).toBe(1);
      expect(field.count('InErrs')).toBe(1 - answers);
      expect(field.control()).toBe('works');
    },
  );

  it('A9 the parser throws at nothing, and reads nothing beyond its end, 100,000 times', () => {
    const random = seededRandom(9, 'options');
    const runs = 100_000;
    let parsed = 0;
    const microseconds = timed(runs, () => {
      for (let run = 0; run < runs; run++) {
        // Memory that ends with the options: a read beyond throws.
        const bytes = fuzzedOptions(random);
        if (typeof tcpOptions.parse(new DataView(bytes.buffer), 0, bytes.length) !== 'string') parsed += 1;
      }
    });
    expect(parsed).toBeGreaterThan(1_000);
    expect(parsed).toBeLessThan(runs - 1_000);
    figure('A9', 'throws in 100,000 fuzz runs (10,000,000 by `npm run fuzz`)', 0);
    figure('A9', 'µs per run', microseconds);
  });
});

it('A10 no urgent pointer does harm: 0, beyond the data, on SYN and FIN, and without URG [RFC 9293 3.8.5]', () => {
  const field = new Field();
  for (const urgent of [0, 1, 65_535]) field.send({ port: 7_000 + urgent, flags: 'S', urgent });
  const own = field.open(5_000);
  const connection = field.accepted.at(-1);
  let seq = 1_001;
  const segment = (urgent: number, length: number, flags: string): void => {
    const data = new Uint8Array(length);
    field.send({ ...own, seq, ack: connection?.sender.nxt, data, urgent, flags });
    seq += length;
    expect(connection?.receiver.nxt).toBe(seq + (flags === 'F' ? 1 : 0));
    expect(connection?.receiver.urgentBytes).toBeGreaterThanOrEqual(0);
    expect(connection?.receiver.urgentBytes).toBeLessThanOrEqual(65_535);
  };
  for (const urgent of [0, 1, 5, 10, 11, 65_535]) segment(urgent, 10, '');
  field.send({ ...own, seq: seq - 5, ack: connection?.sender.nxt, urgent: 1 }); // old
  segment(65_535, 10, 'F');
  expect(field.control()).toBe('works');
  figure('A10', 'urgent pointers of 0, behind, beyond; on SYN and FIN', 'pass');
});

describe('A11 malformed lengths', () => {
  const cases: readonly [string, string, (bytes: Uint8Array) => Uint8Array][] = [
    ['a data offset of 4 words', 'PKT_TOO_SMALL', (bytes) => set(bytes, 32, 0x40)],
    ['a data offset beyond the segment', 'PKT_TOO_SMALL', (bytes) => set(bytes, 32, 0xf0)],
    ['an IP header length of 4 words', 'IP_INHDR', (bytes) => set(bytes, 0, 0x44)],
    ['an IP header length beyond the packet', 'IP_INHDR', (bytes) => set(bytes, 0, 0x4f)],
    ['a total length beyond the frame', 'PKT_TOO_SMALL', (bytes) => set(bytes, 2, 0x10)],
    ['a total length below the header', 'IP_INHDR', (bytes) => set(set(bytes, 2, 0), 3, 19)],
    ['only 19 bytes', 'PKT_TOO_SMALL', (bytes) => bytes.slice(0, 19)],
    ['no bytes', 'PKT_TOO_SMALL', () => new Uint8Array(0)],
    ['a TCP header cut short', 'PKT_TOO_SMALL', (bytes) => set(bytes.slice(0, 39), 3, 39)],
    ['version 5', 'IP_INHDR', (bytes) => set(bytes, 0, 0x55)],
  ];

  it.each(cases)('A11 a packet with %s is dropped with a reason: %s', (_, reason, change) => {
    const field = new Field();
    const packet = PacketBuffer.copyOf(repaired(change(forge({ flags: 'S' }).contents().slice())));
    field.inject(packet).run(0);
    expect(field.stats.drops).toEqual({ [reason]: 1 });
    expect([field.packetsOut, field.victim.tcp.size]).toEqual([0, 0]);
    expect(field.control()).toBe('works');
  });

  it('A11 a fragment beyond 65,535 bytes, the "ping of death", is dropped', () => {
    const field = new Field();
    field.inject(fragment({ identification: 1, offset: 65_528, length: 100, more: false })).run(0);
    expect(field.stats.drops).toEqual({ FRAG_TOO_FAR: 1 });
    expect(field.control()).toBe('works');
    figure(
      'A11',
      'malformed packets dropped, each with a reason',
      `${cases.length + 1} of ${cases.length + 1}`,
    );
  });

  it('A11 packets with bytes changed at random throw nothing and leave nothing, 100,000 times', () => {
    const field = new Field();
    field.quiet = true;
    const random = seededRandom(11, 'packets');
    const honest = field.honest(2_000);
    let worst = 0;
    for (let run = 0; run < 1_000; run++) {
      const batch = Array.from({ length: 100 }, () => {
        const flags = ['S', 'F', 'R', '', 'P', 'SF'][random.u32() % 6] ?? '';
        const bytes = forge({
          port: random.u32() & 7,
          seq: random.u32(),
          ack: random.u32(),
          flags,
          data: new Uint8Array(8),
        })
          .contents()
          .slice();
        for (let change = random.u32() % 4; change > 0; change--)
          bytes[random.u32() % bytes.length] = random.u32() & 255;
        // Not the source: an answer to the client would meet the honest connection.
        return PacketBuffer.copyOf(repaired(bytes, ATTACKER));
      });
      const before = field.packetsOut;
      field.inject(...batch).run(1);
      worst = Math.max(worst, field.packetsOut - before);
    }
    field.run(200_000);
    expect(honest.done).toBe(true);
    expect(field.victim.tcp.size).toBe(0);
    expect(worst).toBeLessThanOrEqual(220); // one answer a packet, and the honest connection's
    expect(Object.keys(field.stats.drops).length).toBeGreaterThan(5);
    figure('A11', 'throws in 100,000 broken packets', 0);
  });
});

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value;
  return bytes;
}

describe('A14 FragmentSmack', () => {
  it('A14 first fragments with random ids take no more memory than the settings say, in all and per source', () => {
    const field = new Field({ ip: { reassemblyMemory: 1_024 * 1_024, reassemblyPerSource: 16 } });
    const random = seededRandom(14, 'fragments');
    let largest = 0;
    const packets = 20_000;
    const microseconds = timed(packets, () => {
      for (let i = 0; i < packets; i += 100) {
        const batch = Array.from({ length: 100 }, () =>
          fragment({
            from: (0x0a30_0000 + (random.u32() % 4_000)) as IPv4Address,
            identification: random.u32() & 0xffff,
            offset: 0,
            length: 8,
            more: true,
          }),
        );
        field.inject(...batch).run(0);
        largest = Math.max(largest, field.stats.memory.reassembly);
      }
    });
    expect(largest).toBeGreaterThan(900 * 1_024);
    expect(largest).toBeLessThanOrEqual(1_024 * 1_024);
    expect(field.drops('FRAG_LIMIT')).toBeGreaterThan(10_000);
    for (let i = 0; i < 100; i++)
      field.inject(
        fragment({ from: 0x0a50_0001 as IPv4Address, identification: i, offset: 0, length: 8, more: true }),
      );
    field.run(0);
    expect(field.control()).toBe('works');
    field.run(61_000);
    expect([field.stats.memory.reassembly, field.victim.ip.nextDeadline()]).toEqual([
      0,
      Number.POSITIVE_INFINITY,
    ]);
    figure('A14', 'most memory for reassembly, of 1 MiB', `${Math.round(largest / 1_024)} KiB`);
    figure('A14', 'µs per fragment, attacker included', microseconds);
  });
});

it('A15 teardrop: overlapping fragments make no datagram at all, an exact copy is ignored [RFC 5722 4]', () => {
  const field = new Field();
  const whole = forge({ flags: 'S', data: new Uint8Array(60) })
    .contents()
    .slice(20);
  const pieces = (...ranges: [number, number, boolean][]): string => {
    field.take();
    for (const [offset, length, more] of ranges)
      field.inject(
        fragment({
          identification: ranges.length,
          offset,
          length,
          more,
          payload: whole.slice(offset, offset + length),
        }),
      );
    field.run(0);
    return field.take().length === 0 ? 'dropped' : 'whole';
  };
  expect(pieces([0, 40, true], [40, 40, false])).toBe('whole');
  expect(pieces([0, 40, true], [0, 40, true], [40, 40, false])).toBe('whole');
  expect(pieces([0, 40, true], [32, 24, true], [56, 24, false], [40, 16, true])).toBe('dropped');
  expect(pieces([0, 40, true], [8, 8, true], [40, 40, false], [0, 40, true], [40, 40, false])).toBe(
    'dropped',
  );
  expect(field.drops('FRAG_TOO_FAR')).toBeGreaterThan(0);
  expect(field.control()).toBe('works');
  field.run(61_000);
  expect(field.stats.memory.reassembly).toBe(0);
  figure('A15', 'inconsistent datagrams made of overlapping fragments', 0);
});

describe('A20 a peer that lies about what it got', () => {
  it('A20 an ACK of what was never sent is dropped, answered, and opens no window [RFC 9293 3.10.7.4]', () => {
    const field = new Field({ deaf: true });
    const own = field.open(5_000);
    const connection = field.accepted[0];
    const cwnd = connection?.info().cwnd;
    field.take();
    field.send({ ...own, seq: 1_001, ack: own.next + 1_000_000 });
    expect([connection?.info().cwnd, field.drops('TCP_ACK_UNSENT_DATA'), field.take().length]).toEqual([
      cwnd,
      1,
      1,
    ]);
    expect(field.control()).toBe('works');
  });

  it.each(['standard', 'textbook'] as const)(
    'A20 an ACK in a thousand pieces opens no more than a whole one, and forged duplicates no more than was out [%s; RFC 3465, RFC 5681 3.2]',
    (profile) => {
      const grown = (acks: (from: number) => number[]): number => {
        const field = new Field({ deaf: true, profile });
        const own = field.open(5_000);
        const connection = field.accepted[0];
        connection?.enqueue(new Uint8Array(200_000));
        field.run(0);
        const before = connection?.info().cwnd ?? 1;
        field.inject(...acks(own.next).map((ack) => forge({ ...own, seq: 1_001, ack }))).run(0);
        return (connection?.info().cwnd ?? 0) / before;
      };
      const whole = grown((from) => [from + 1_460]);
      const pieces = grown((from) => Array.from({ length: 1_460 }, (_, i) => from + 1 + i));
      const duplicates = grown((from) => Array.from({ length: 100 }, () => from));
      expect(pieces).toBeLessThanOrEqual(whole + 0.001);
      expect(duplicates).toBeLessThan(2);
      const field = new Field();
      expect(field.control()).toBe('works');
      figure('A20', `growth of cwnd, one ACK of 1,460 bytes, ${profile}`, whole);
      figure('A20', `growth of cwnd, the same in 1,460 ACKs, ${profile}`, pieces);
      figure('A20', `growth of cwnd, 100 forged duplicates, ${profile}`, duplicates);
    },
  );
});
