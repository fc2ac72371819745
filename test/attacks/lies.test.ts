/** Peers that lie: about what they got, about cookies, about windows. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import type { SettingsChanges } from '../../stack/settings.ts';
import { seq } from '../../stack/tcp/sequence.ts';
import { type IPv4Address } from '../../stack/wire/address.ts';
import type { SackBlock } from '../../stack/wire/tcp-options-value.ts';
import { ATTACKER, Field, type Forged, type Opened, figure, forge } from './field.ts';

const PROFILES: readonly NonNullable<SettingsChanges['profile']>[] = ['standard', 'linux', 'textbook'];
const BYTE = new Uint8Array(1);

describe('A12 what a receiver is asked to report', () => {
  it.each(PROFILES)(
    'A12 of 10,000 holes a receiver remembers 60 to report, and each packet brings one ACK at most [%s; attacks.md 3]',
    (profile) => {
      const field = new Field({ profile, tcp: { sack: true } });
      const own = field.open(5_000, ATTACKER, { mss: 1_460, sackPermitted: true, windowScale: 7 });
      const honest = field.honest(20_000);
      const connection = field.accepted[0];
      let most = 0;
      let untold = 0;
      for (let i = 0; i < 10_000; i += 1) {
        field.take();
        field.send({ ...own, seq: 1_003 + 2 * (i % 15_000), ack: own.next, data: BYTE });
        most = Math.max(most, field.take().length);
        untold = Math.max(untold, connection?.receiver.sack?.untold ?? 0);
        if (i % 20 === 0) field.run(1);
      }
      // The same in batches of 500, as a device may hand them over: never more ACKs than packets.
      for (let i = 0; i < 10_000; i += 500) {
        const batch = Array.from({ length: 500 }, (_, j) =>
          forge({ ...own, seq: 1_003 + 2 * (i + j), ack: own.next, data: BYTE }),
        );
        field.inject(...batch).run(0);
        untold = Math.max(untold, connection?.receiver.sack?.untold ?? 0);
        expect(field.take().length).toBeLessThanOrEqual(500);
      }
      expect([most <= 1, untold <= 60, connection?.state, honest.done]).toEqual([
        true,
        true,
        'ESTABLISHED',
        true,
      ]);
      figure(
        'A12',
        `ACKs for one packet out of order; runs waiting to be told, at most, ${profile}`,
        `${most}; ${untold}`,
      );
    },
  );
});

describe('A20 a peer that lies in its SACK blocks', () => {
  /** 200 kB on their way to a liar; what its ACKs make of the sender, with an honest transfer meanwhile. */
  function told(
    profile: (typeof PROFILES)[number],
    lies: (own: Opened) => { readonly ack: number; readonly sack: readonly SackBlock[] }[],
  ): { sent: number; cwnd: number; delivered: number } {
    const field = new Field({ deaf: true, profile, tcp: { sack: true } });
    const own = field.open(5_000, ATTACKER, { mss: 1_460, sackPermitted: true, windowScale: 7 });
    const honest = field.honest(20_000);
    const connection = field.accepted[0];
    connection?.enqueue(new Uint8Array(200_000));
    field.run(1).take();
    const before = connection?.info().cwnd ?? 1;
    let sent = 0;
    for (const [index, { ack, sack }] of lies(own).entries()) {
      field.send({ ...own, seq: 1_001, ack: own.next + ack, options: { sack } });
      if (index % 20 === 0) field.run(1);
      sent += field.take().reduce((sum, { length }) => sum + length, 0);
    }
    field.run(150);
    expect([connection?.state, honest.done]).toEqual(['ESTABLISHED', true]);
    return {
      sent,
      cwnd: (connection?.info().cwnd ?? 0) / before,
      delivered: connection?.sender.scoreboard.sackedBytes ?? 0,
    };
  }

  it.each(PROFILES)(
    'A20 blocks of what was never sent, in pieces, or before their time let no more leave than honest ones [%s; RFC 6937 3, RFC 3042]',
    (profile) => {
      const block = (own: Opened, from: number, to: number): SackBlock => ({
        left: seq(own.next + from),
        right: seq(own.next + to),
      });
      // Honest: three segments arrived beyond a hole, one after the other; each ACK repeats the last one's block.
      const honest = told(profile, (own) =>
        Array.from({ length: 3 * 1_460 }, (_, i) => ({
          ack: 0,
          sack: i < 1_459 ? [] : [block(own, 1_460, (1 + Math.floor((i + 1) / 1_460)) * 1_460)],
        })),
      );
      const never = told(profile, (own) =>
        Array.from({ length: 100 }, (_, i) => ({ ack: 0, sack: [block(own, 500_000 + i, 600_000 + i)] })),
      );
      const silent = told(profile, () => Array.from({ length: 100 }, () => ({ ack: 0, sack: [] })));
      // The same three segments, told byte by byte.
      const pieces = told(profile, (own) =>
        Array.from({ length: 3 * 1_460 }, (_, i) => ({ ack: 0, sack: [block(own, 1_460, 1_461 + i)] })),
      );
      // All that is out, at once: whoever says so gets what follows, within the congestion window.
      const optimistic = told(profile, (own) => [{ ack: 0, sack: [block(own, 1_460, 10 * 1_460)] }]);
      expect(never).toEqual({ ...silent, delivered: 0 }); // a tail that is probed is so in both
      expect(pieces.sent).toBeLessThanOrEqual(honest.sent);
      expect(pieces.cwnd).toBeLessThanOrEqual(honest.cwnd + 0.001);
      expect(optimistic.sent).toBeLessThanOrEqual(10 * 1_460);
      expect(optimistic.cwnd).toBeLessThanOrEqual(1);
      figure(
        'A20',
        `bytes that SACKs set free: of three segments, the same in 4,380 pieces, of what was never sent, of all that was out, ${profile}`,
        [honest, pieces, never, optimistic].map(({ sent }) => sent).join(', '),
      );
    },
  );
});

describe('C1 Fast Open', () => {
  const SYN: Forged = { flags: 'S', data: new Uint8Array(400).fill(71) };

  it('C1 of 100,000 guessed cookies none is right, and no answer is larger than what caused it [RFC 7413 5.1, 5.2]', () => {
    const field = new Field({ fastOpen: { queue: 10 }, ip: { icmpRate: 1_000_000, icmpBurst: 1_000_000 } });
    const random = seededRandom(1, 'cookies');
    const honest: ReturnType<Field['honest']>[] = [];
    let [accepted, ratio] = [0, 0];
    for (let i = 0; i < 100_000; i += 100) {
      if (i % 10_000 === 0) honest.push(field.honest(2_000));
      const batch = Array.from({ length: 100 }, (_, j) => {
        const cookie = new Uint8Array(8);
        new DataView(cookie.buffer).setUint32(0, random.u32());
        new DataView(cookie.buffer).setUint32(4, random.u32());
        const from = (0x0a20_0000 + i + j) as IPv4Address;
        return forge({ ...SYN, from, options: { mss: 1_460, fastOpen: cookie } });
      });
      const size = batch[0]?.length ?? 1;
      field.inject(...batch).run(20);
      for (const { header, bytes } of field.take()) {
        if (header.syn && header.ack === seq(401)) accepted += 1;
        ratio = Math.max(ratio, bytes / size);
      }
    }
    field.run(3_000);
    expect([accepted, field.accepted.length]).toEqual([0, honest.length]);
    expect(honest.every(({ done }) => done)).toBe(true);
    expect(ratio).toBeLessThanOrEqual(1);
    figure('C1', 'Fast Open cookies guessed of 100,000', accepted);
    figure('C1', 'bytes sent per byte received for a SYN with data and a wrong cookie, at most', ratio);
  });

  it('C1 whoever has a cookie takes up as many places as the listener allows, and no more; the others get an ordinary handshake [RFC 7413 5.1]', () => {
    const field = new Field({ fastOpen: { queue: 10 } });
    field.send({ flags: 'S', options: { mss: 1_460, fastOpen: new Uint8Array(0) } });
    const cookie = field.take()[0]?.header.options.fastOpen ?? expect.fail('no cookie');
    field.send({ seq: 1, flags: 'R' });
    const honest = field.honest(20_000);
    let accepted = 0;
    for (let port = 10_000; port < 11_000; port++) {
      field.send({ ...SYN, port, options: { mss: 1_460, fastOpen: cookie } });
      for (const { header } of field.take()) if (header.syn && header.ack === seq(401)) accepted += 1;
      // The victim whose address is forged resets what it never opened: that frees no place for a minute.
      if (port % 2 === 0) field.send({ port, seq: 401, flags: 'R' });
      if (port % 10 === 0) field.run(1);
    }
    expect([accepted, honest.done]).toEqual([10, true]);
    expect(field.control()).toBe('works');
    figure(
      'C1',
      'connections that 1,000 SYNs with a good cookie opened without a handshake, of a queue of 10',
      accepted,
    );
  });

  it('C1 what is sent to an unproven address is at most the initial window for each place in the queue [RFC 7413 5.2]', () => {
    const field = new Field({ fastOpen: { queue: 10 } });
    field.send({ flags: 'S', options: { mss: 1_460, fastOpen: new Uint8Array(0) } });
    const cookie = field.take()[0]?.header.options.fastOpen ?? expect.fail('no cookie');
    const syn = forge({ ...SYN, port: 10_000, options: { mss: 1_460, fastOpen: cookie } });
    const [size, before] = [syn.length, field.bytesOut];
    field.inject(syn).run(0);
    const echoed = field.bytesOut - before; // an echo server: the SYN-ACK and what came
    expect(echoed).toBeLessThanOrEqual(2 * size);
    expect(field.control()).toBe('works');
    figure(
      'C1',
      'bytes sent per byte received with a good cookie, by a server that echoes, before the handshake is over',
      echoed / size,
    );
  });
});

describe('C2 window shrink', () => {
  /** Bytes per second to a peer whose window is as `window` says from one ACK, every 10 ms, to the next. */
  function rate(
    profile: (typeof PROFILES)[number],
    window: (round: number) => number,
    chatty: boolean = false,
  ): { rate: number; done: boolean } {
    const field = new Field({ deaf: true, profile });
    const own = field.open(5_000, ATTACKER, { mss: 1_000 });
    const honest = field.honest(20_000);
    const connection = field.accepted[0];
    const total = 200_000;
    connection?.enqueue(new Uint8Array(total));
    let next = own.next as number;
    let edge = chatty ? 0 : next + 0xffff; // what the handshake offered; the chatty one has dropped the first flight
    let told = -1;
    let rounds = 0;
    for (; rounds < 6_000 && next - own.next < total; rounds++) {
      for (const { header, length } of field.take().toSorted((a, b) => a.header.seq - b.header.seq)) {
        const end = header.seq + length;
        // It takes what fits into the window as it is now, the retracted one.
        if (header.seq <= next && end > next) next = Math.min(end, Math.max(next, edge));
      }
      const offered = window(rounds);
      // It speaks when something came or its window changed: no storm of duplicates.
      if (!chatty && next === edge - told && offered === told) field.run(10);
      else field.send({ ...own, seq: 1_001, ack: next, window: offered }).run(10);
      edge = next + offered;
      told = offered;
    }
    expect([connection?.state, honest.done]).toEqual(['ESTABLISHED', true]);
    return { rate: ((next - own.next) * 8) / (rounds * 0.01) / 1e6, done: next - own.next === total };
  }

  it.each(PROFILES)(
    'C2 a peer that keeps nothing out of order, dropped the first flight and repeats its ACK every 10 ms is served on [%s; RFC 5682 2.1]',
    (profile) => {
      const quiet = rate(profile, () => 4_000);
      const chatty = rate(profile, () => 4_000, true);
      expect([quiet.done, chatty.done]).toEqual([true, true]);
      expect(chatty.rate).toBeGreaterThan(quiet.rate / 2);
    },
  );

  it.each(PROFILES)(
    'C2 a peer that draws its right edge back, even to nothing, is served on [%s; RFC 9293 MUST-34, SHLD-15]',
    (profile) => {
      const steady = rate(profile, () => 4_000);
      const shrinking = rate(profile, (round) => (round % 3 === 0 ? 20_000 : 4_000));
      const closing = rate(profile, (round) => (round % 50 < 40 ? 4_000 : 0));
      expect([steady.done, shrinking.done, closing.done]).toEqual([true, true, true]);
      expect(shrinking.rate).toBeGreaterThan(steady.rate / 2);
      expect(closing.rate).toBeGreaterThan(steady.rate / 4);
      figure(
        'C2',
        `Mb/s with a window of 4,000 bytes; between 20,000 and 4,000; between 4,000 and 0; ${profile}`,
        [steady, shrinking, closing].map((each) => each.rate.toFixed(2)).join(', '),
      );
    },
  );
});
