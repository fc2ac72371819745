import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { type IPv4Address, ipv4 } from '../../stack/wire/address.ts';
import { PROTOCOL_ICMP } from '../../stack/wire/ipv4.ts';
import { packetOf } from '../stack/ip/support.ts';
import * as icmp from '../../stack/wire/icmp.ts';
import { ATTACKER, CLIENT, Field, VICTIM, figure, forge } from './field.ts';

/** An ICMP error from the attacker about a segment that the victim sent to the client. */
function icmpError(message: icmp.IcmpMessage, quoted: PacketBuffer): PacketBuffer {
  const body = PacketBuffer.copyOf(quoted.contents().subarray(0, 28), 8);
  icmp.emit(message, body);
  return packetOf(body.contents(), { source: ATTACKER, destination: VICTIM, protocol: PROTOCOL_ICMP });
}

describe('B1 blind ICMP', () => {
  /** An honest transfer, and ICMP errors about it: without a number none. */
  function echoed(
    number: 'none' | 'right' | 'wrong',
    mtus: readonly number[] = [0, 20, 67, 68, 552, 1_400],
  ): {
    bytes: number;
    done: boolean;
    mss: number;
    dropped: number;
  } {
    const field = new Field();
    const honest = field.honest(300_000);
    field.run(30);
    const connection = field.accepted[0];
    const port = connection?.remote.port ?? 0;
    for (let round = 0; round < 20; round++) {
      const { una = 0, nxt = 0 } = connection?.sender ?? {};
      const seq = number === 'right' ? una : nxt + 5_000_000;
      const quoted = forge({ from: VICTIM, to: CLIENT, port: 80, toPort: port, seq, ack: 1 });
      if (number !== 'none') {
        for (const code of [1, 2, 3, 9, 10])
          field.inject(icmpError({ type: 'unreachable', code, nextHopMtu: undefined }, quoted));
        for (const nextHopMtu of mtus)
          field.inject(icmpError({ type: 'unreachable', code: 4, nextHopMtu }, quoted));
      }
      field.run(1);
    }
    field.run(40);
    const bytes = honest.echoed;
    const mss = connection?.sender.mss ?? 0;
    field.run(10_000);
    return { bytes, mss, done: honest.done, dropped: field.drops('TCP_INVALID_SEQUENCE') };
  }

  it('B1 no forged ICMP error with a wrong number ends or slows an established connection [RFC 5927 4]', () => {
    const [quiet, wrong] = [echoed('none'), echoed('wrong')];
    expect(wrong).toEqual({ ...quiet, done: true, dropped: 220 });
    figure(
      'B1',
      'bytes echoed in the same time, without and with the attack',
      `${quiet.bytes} and ${wrong.bytes}`,
    );
  });

  it('B1 with the right number hard errors are soft, and the path MTU has a floor of 552 [RFC 5927 5.2, 7; RFC 1191 3]', () => {
    // What a router may not have measured is not believed below 552; one that says nothing of its MTU is taken down the table.
    const outcome = [68, 552, 0].map((mtu) => {
      const { done, mss } = echoed('right', [mtu]);
      expect([done, mss >= 552 - 52]).toEqual([true, true]);
      return mss;
    });
    expect(outcome.slice(0, 2)).toEqual([500, 500]);
    figure(
      'B1',
      'MSS after "fragmentation needed" with the right number and an MTU of 68, 552, 0',
      outcome.join(', '),
    );
  });
});

it('B2 two ends out of step do not answer each other for ever: two ACKs a second', () => {
  const field = new Field();
  const own = field.open(5_000);
  field.take();
  let answers = 0;
  for (let i = 0; i < 10_000; i++) {
    field.send({ ...own, seq: 0x8000_0000, ack: own.next });
    answers += field.take().length;
    if (i % 10 === 9) field.run(10);
  }
  expect(answers).toBeLessThanOrEqual(21);
  expect(answers).toBeGreaterThanOrEqual(19);
  expect(field.count('TCPACKSkippedChallenge')).toBe(10_000 - answers);
  expect(field.control()).toBe('works');
  figure('B2', 'ACKs per second for 1,000 segments per second out of the window', answers / 10);
});

it.each<[string, IPv4Address, IPv4Address]>([
  ['from 0.0.0.0', ipv4(0, 0, 0, 0), VICTIM],
  ['from 127.0.0.1', ipv4(127, 0, 0, 1), VICTIM],
  ['from a multicast address', ipv4(224, 0, 0, 5), VICTIM],
  ['from 255.255.255.255', ipv4(255, 255, 255, 255), VICTIM],
  ['from the broadcast address of the subnet', ipv4(10, 255, 255, 255), VICTIM],
  ['from 240.0.0.1', ipv4(240, 0, 0, 1), VICTIM],
  ['from ourselves', VICTIM, VICTIM],
  ['to the broadcast address of the subnet', ATTACKER, ipv4(10, 255, 255, 255)],
  ['to 255.255.255.255', ATTACKER, ipv4(255, 255, 255, 255)],
  ['to a multicast address', ATTACKER, ipv4(224, 0, 0, 1)],
  ['to somebody else', ATTACKER, ipv4(10, 0, 0, 77)],
])(
  'B5 a segment %s is dropped, and nothing is sent [RFC 9293 MUST-57, MUST-63; RFC 1122 3.2.1.3]',
  (_, from, to) => {
    const field = new Field();
    for (const flags of ['S', 'F', '']) field.send({ from, to, flags, ack: flags === '' ? 1 : undefined });
    expect([field.packetsOut, field.victim.tcp.size]).toEqual([0, 0]);
    expect(Object.values(field.stats.drops).reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(field.control()).toBe('works');
  },
);

it('B6 RSTs for closed ports are limited, and no answer is larger than what caused it', () => {
  const field = new Field({ ip: { icmpRate: 100, icmpBurst: 50 } });
  let bytesIn = 0;
  for (let i = 0; i < 100; i++) {
    const batch = Array.from({ length: 100 }, (_, j) =>
      forge({
        from: (0x0a20_0000 + i * 100 + j) as IPv4Address,
        toPort: 81,
        flags: 'S',
        options: { mss: 1_460 },
      }),
    );
    for (const packet of batch) bytesIn += packet.length;
    field.inject(...batch).run(10);
  }
  const resets = field.take();
  expect(resets.every(({ header }) => header.rst)).toBe(true);
  expect(resets.length).toBeLessThanOrEqual(50 + 100 + 1); // a burst, and a second
  expect(field.count('RstRateLimited')).toBe(10_000 - resets.length);
  expect(field.control()).toBe('works');
  const open = new Field({ tcp: { synAckRetries: 2 } });
  const syn = forge({ flags: 'S', options: { mss: 1_460 } });
  open.inject(syn).run(0);
  const perPacket = (open.take()[0]?.bytes ?? 0) / syn.length;
  open.run(100_000);
  const answers = 1 + open.take().length;
  expect([perPacket <= 1, answers]).toEqual([true, 3]); // one, and `synAckRetries`
  const sent = resets.reduce((sum, { bytes }) => sum + bytes, 0);
  figure('B6', 'bytes sent per byte received: RSTs for a flood of 10,000', sent / bytesIn);
  figure('B6', 'bytes sent per byte received: one SYN-ACK', perPacket);
});
