import { expect, it } from 'vitest';
import type { SackBlock } from '../../stack/wire/tcp-options-value.ts';
import { seq } from '../../stack/tcp/sequence.ts';
import { ATTACKER, Field, figure, forge, timed } from './field.ts';

const OFFER = { windowScale: 14, sackPermitted: true } as const;

/** A connection to whose peer the server has sent `bytes`, which offers a window of 1 GiB and the MSS that it says. */
function sending(
  mss: number,
  bytes: number,
): { field: Field; own: ReturnType<Field['open']>; out: () => number } {
  // A congestion window for all of it at once, as a peer gets it that acknowledges well for a while.
  const field = new Field({
    deaf: true,
    tcp: { initialWindow: 1_000_000, pacing: 'off', sendBuffer: { from: 16_777_216, to: 16_777_216 } },
  });
  const own = field.open(5_000, ATTACKER, { mss, ...OFFER });
  field.quiet = true;
  const connection = field.accepted[0];
  field.send({ ...own, seq: 1_001, ack: own.next, window: 0xffff });
  connection?.enqueue(new Uint8Array(bytes));
  field.run(0);
  return { field, own, out: () => connection?.sender.flightSize ?? 0 };
}

it('A12 an MSS of 8 is not believed: no segment is cut below the floor [CVE-2019-11479; Linux tcp_min_snd_mss]', () => {
  const field = new Field({ deaf: true });
  field.open(5_000, ATTACKER, { mss: 8 });
  expect(field.accepted[0]?.sender.mss).toBe(48);
  expect(new Field().control()).toBe('works');
  figure('A12', 'smallest MSS taken from a peer', field.accepted[0]?.sender.mss ?? 0);
});

it('A12 blocks of 8 bytes with holes cost neither memory nor time beyond what is outstanding [CVE-2019-11477, -11478]', () => {
  const spent = [1_000, 4_000, 10_000].map((segments) => {
    const { field, own, out } = sending(48, segments * 48);
    expect(out()).toBe(segments * 48);
    const before = field.stats.memory.total;
    let at = own.next as number;
    const acks = 1_000;
    const batch = Array.from({ length: acks }, () => {
      const sack: SackBlock[] = Array.from({ length: 4 }, () => {
        at += 16; // 8 bytes, and a hole of 8
        const offset = (at - own.next) % (segments * 48 - 16);
        return { left: seq(own.next + offset + 8), right: seq(own.next + offset + 16) };
      });
      return forge({ ...own, seq: 1_001, ack: own.next, window: 0xffff, options: { sack } });
    });
    const microseconds = timed(acks, () => {
      for (const ack of batch) field.inject(ack).run(0);
    });
    expect(field.stats.memory.total).toBeLessThanOrEqual(2 * before + 65_536);
    expect(field.accepted[0]?.state).toBe('ESTABLISHED');
    return microseconds;
  });
  figure(
    'A12',
    'µs per ACK of four blocks at 1,000, 4,000, 10,000 segments out, attacker included',
    spent.map((us) => us.toFixed(0)).join(', '),
  );
  expect(spent).toHaveLength(3);
});

it('A12 a storm of D-SACKs and of blocks that were never sent changes nothing [RFC 2883; RFC 2018 8]', () => {
  const { field, own, out } = sending(1_460, 146_000);
  const connection = field.accepted[0];
  const before = out();
  for (let i = 0; i < 1_000; i++) {
    const left = seq(own.next - 5_000 + i);
    const beyond = seq(own.next + 10_000_000 + i);
    const sack = [
      { left, right: seq(left + 8) },
      { left: beyond, right: seq(beyond + 8) },
      { left: seq(own.next + 20), right: seq(own.next + 10) },
    ];
    field.inject(forge({ ...own, seq: 1_001, ack: own.next, window: 0xffff, options: { sack } }));
  }
  field.run(0);
  expect([connection?.state, out()]).toEqual(['ESTABLISHED', before]);
  field.send({ ...own, seq: 1_001, ack: own.next + 146_000, window: 0xffff });
  expect(out()).toBe(0);
  expect(new Field().control()).toBe('works');
});
