import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import type { SettingsChanges } from '../../stack/settings.ts';
import { ATTACKER, CLIENT, Field, type Honest, figure, forge } from './field.ts';

const PROFILES: readonly NonNullable<SettingsChanges['profile']>[] = ['standard', 'linux', 'textbook'];

/** An honest connection that is established and stays so, and what an attacker may know of it. */
function victimOf(field: Field): { honest: Honest; port: number; rcv: number; snd: number; window: number } {
  const honest = field.honest(1_000, false);
  field.run(200);
  const connection = field.accepted.at(-1);
  if (connection === undefined) throw new Error('not accepted');
  const { receiver, sender } = connection;
  expect(receiver.sack !== undefined).toBe(true); // SACK is in use
  return {
    honest,
    port: connection.remote.port,
    rcv: receiver.nxt,
    snd: sender.nxt,
    window: receiver.wnd,
  };
}

/** The connection still works: it ends in good order. */
function lives(field: Field, honest: Honest): boolean {
  honest.connection.shutdown();
  field.run(2_000);
  return honest.done;
}

describe('A1 blind RST', () => {
  it.each(PROFILES)(
    'A1 a RST kills a connection only at RCV.NXT: of 65,536 spread over all numbers none does [%s; RFC 5961 3.2, RFC 9293 3.10.7.4]',
    (profile) => {
      const field = new Field({ profile, tcp: { sack: true } });
      const { honest, port, window } = victimOf(field);
      // A sweep that is sure to hit the window: the attack on RFC 793 rules.
      const step = Math.min(window, 65_536);
      const guesses = Math.ceil(2 ** 32 / step);
      let inWindow = 0;
      for (let guess = 0; guess < guesses; guess += 256) {
        const batch = Array.from({ length: Math.min(256, guesses - guess) }, (_, i) =>
          forge({ from: CLIENT, port, seq: (guess + i) * step + 1, flags: 'R' }),
        );
        field.inject(...batch).run(0);
      }
      inWindow = field.drops('TCP_RESET');
      expect(inWindow).toBeGreaterThanOrEqual(1);
      expect(field.drops('TCP_INVALID_SEQUENCE') + inWindow).toBe(guesses);
      expect(field.count('TCPChallengeACK')).toBeGreaterThanOrEqual(1);
      expect(lives(field, honest)).toBe(true);
      expect(field.control()).toBe('works');
      figure(
        'A1',
        `RSTs until a kill, ${profile}`,
        `2^32 (RFC 793 rules: ${guesses}); ${inWindow} challenged`,
      );
    },
  );

  it('A1 the exact RST resets, the next one is challenged, one outside is silently dropped [RFC 9293 3.10.7.4]', () => {
    const outcome = (offset: (window: number) => number): string => {
      const field = new Field();
      const { honest, port, rcv, window } = victimOf(field);
      const challenges = field.count('TCPChallengeACK');
      field.send({ from: CLIENT, port, seq: rcv + offset(window), flags: 'R' });
      const challenged = field.count('TCPChallengeACK') - challenges;
      return `${challenged} challenged, ${field.accepted[0]?.state}, ${lives(field, honest) ? 'lives' : 'dead'}`;
    };
    expect([outcome(() => 0), outcome(() => 1), outcome((window) => window + 10)]).toEqual([
      '0 challenged, CLOSED, dead',
      '1 challenged, ESTABLISHED, lives',
      '0 challenged, ESTABLISHED, lives',
    ]);
  });
});

it.each(PROFILES)('A2 no SYN of 100,000 ends an established connection [%s; RFC 5961 4.2]', (profile) => {
  const field = new Field({ profile, tcp: { sack: true } });
  const { honest, port, rcv } = victimOf(field);
  const random = seededRandom(1, 'syn');
  for (let i = 0; i < 1_000; i++) {
    const batch = Array.from({ length: 100 }, (_, j) =>
      forge({ from: CLIENT, port, seq: j === 0 ? rcv : random.u32(), flags: 'S' }),
    );
    field.inject(...batch).run(10);
  }
  const challenges = field.count('TCPChallengeACK');
  expect(field.drops('TCP_INVALID_SYN')).toBe(100_000);
  expect(challenges).toBeLessThanOrEqual(21); // 10 s, two a second
  expect(challenges).toBeGreaterThanOrEqual(19);
  expect(lives(field, honest)).toBe(true);
  expect(field.control()).toBe('works');
  figure('A2', `resets of 100,000 SYNs, ${profile}`, `0; ${challenges} challenge ACKs in 10 s`);
});

it.each(PROFILES)(
  'A3 of blind data with ACKs over all numbers no byte is accepted [%s; RFC 5961 5.2]',
  (profile) => {
    const field = new Field({ profile, tcp: { timestamps: false, sack: true } });
    const { honest, port, rcv, snd } = victimOf(field);
    const data = new Uint8Array(100).fill(66);
    const max = field.accepted[0]?.sender.maxWnd ?? 0;
    // What an attacker may hit by chance: max.snd.wnd of 2^32 numbers; all others are dropped.
    let sent = 0;
    for (let ack = 0; ack < 2 ** 32; ack += 2 ** 32 / 16_384) {
      const distance = (snd - ack) | 0;
      if (distance >= 0 && distance <= max) continue;
      sent += 1;
      field.send({ from: CLIENT, port, seq: rcv, ack, data });
    }
    const refused = field.drops('TCP_TOO_OLD_ACK') + field.drops('TCP_ACK_UNSENT_DATA');
    expect([refused, field.accepted[0]?.receiver.nxt]).toEqual([sent, rcv]);
    expect(honest.echoed).toBe(1_000);
    expect(lives(field, honest)).toBe(true);
    expect(field.control()).toBe('works');
    figure('A3', `bytes accepted of ${sent} blind segments, ${profile}`, 0);
    figure('A3', `part of the numbers that an ACK may have, ${profile}`, `${max} of 2^32`);
  },
);

it('A4 the challenge ACKs that an attacker counts on its own connection tell nothing of another [CVE-2016-5696]', () => {
  const counts = (attacked: boolean): number => {
    const field = new Field();
    const { port, rcv } = victimOf(field);
    const own = field.open(5_000);
    field.take();
    let seen = 0;
    for (let second = 0; second < 20; second++) {
      // 100 guesses in the window of the other connection, then 100 provocations on the own one.
      if (attacked) {
        const guesses = Array.from({ length: 100 }, (_, i) =>
          forge({ from: CLIENT, port, seq: rcv + 1 + i, flags: 'R' }),
        );
        field.inject(...guesses);
      }
      const provoke = Array.from({ length: 100 }, () => forge({ ...own, seq: own.irs + 50, flags: 'R' }));
      field.inject(...provoke).run(1_000);
      seen += field.take().filter(({ to }) => to === ATTACKER).length;
    }
    return seen;
  };
  const [alone, during] = [counts(false), counts(true)];
  expect(alone).toBeGreaterThan(0);
  expect(during).toBe(alone);
  const field = new Field();
  expect(field.control()).toBe('works');
  figure(
    'A4',
    'challenge ACKs seen on the own connection, without and with the attack',
    `${alone} and ${during}: correlation 0`,
  );
});

it('A8 LAND: a SYN from our own address and port is dropped, and nothing is sent', () => {
  const field = new Field();
  const before = field.packetsOut;
  for (let i = 0; i < 100; i++)
    field.send({ from: 0x0a00_0001 as typeof CLIENT, port: 80, seq: i, flags: 'S' });
  const emitted = field.packetsOut - before;
  expect([emitted, field.drops('IP_INVALID_SOURCE')]).toEqual([0, 100]);
  expect(field.victim.tcp.size).toBe(0);
  expect(field.control()).toBe('works');
  figure('A8', 'packets emitted for 100 LAND SYNs', emitted);
});

it('A18 PAWS drops and answers what is older, survives the wrap and 24 idle days, and exempts RST [RFC 7323 5.3, 5.5]', () => {
  const field = new Field({ trace: true });
  const start = 0xffff_fff0;
  const own = field.open(5_001, ATTACKER, { mss: 1_460, timestamps: { value: start, echo: 0 } });
  const connection = field.accepted.at(-1);
  const data = (value: number, offset: number): string => {
    field.take();
    const before = connection?.receiver.nxt ?? 0;
    const timestamps = { value: value >>> 0, echo: own.timestamp };
    const segment = { ...own, ack: connection?.sender.nxt, options: { timestamps } };
    field.send({ ...segment, seq: 1_001 + offset, data: new Uint8Array(10) });
    if (connection?.receiver.nxt === before) return `dropped, ${field.take().length} ACK`;
    field.send({ ...segment, seq: 1_011 + offset, ack: connection?.sender.nxt }); // of what the server echoed
    return 'accepted';
  };
  expect(data(start + 1, 0)).toBe('accepted');
  expect(data(start - 5, 10)).toBe('dropped, 1 ACK');
  expect(field.drops('TCP_RFC7323_PAWS')).toBe(1);
  expect(data(5, 10)).toBe('accepted'); // 2^32 + 5 - ..: the clock has wrapped
  field.run(24 * 24 * 3_600 * 1_000 + 1_000);
  expect(data(0x8000_0100, 20)).toBe('accepted'); // 24 days later any value is believed: never locked out
  field.send({
    ...own,
    seq: connection?.receiver.nxt ?? 0,
    flags: 'R',
    options: { timestamps: { value: 1, echo: 0 } },
  });
  expect(connection?.state).toBe('CLOSED');
  expect(field.control()).toBe('works');
  figure('A18', 'old dropped and answered; wrap, 24 days and RST', 'pass');
});
