import { describe, expect, it } from 'vitest';
import { Bench, established } from './harness.ts';
import { SMALL, inState } from './states.ts';

const ACK = '<SEQ=N><ACK=R><CTL=ACK>';

describe('challenge ACKs', () => {
  it('leave at most once in 500 ms for each connection [RFC 5961 7]', () => {
    const bench = established(SMALL);
    bench.arrives('<SEQ=500><CTL=RST>').sends(ACK);
    bench.arrives('<SEQ=500><CTL=RST>').arrives('<SEQ=9><CTL=SYN>').sends();
    bench.wait(499).arrives('<SEQ=500><CTL=RST>').sends();
    bench.wait(1).arrives('<SEQ=500><CTL=RST>').sends(ACK);
  });

  it('of one connection tell nothing of another one (A4)', () => {
    const bench = new Bench(SMALL).listen();
    for (const port of [1, 2]) {
      bench.arrives(`<SPORT=${port}><SEQ=0><CTL=SYN><MSS=1460>`);
      const iss = bench.sent()[0]?.header.seq ?? 0;
      bench.arrives(`<SPORT=${port}><SEQ=1><ACK=${(iss - bench.frame.iss) | 0}><CTL=ACK>`);
    }
    for (const port of [1, 2]) bench.arrives(`<SPORT=${port}><SEQ=300><CTL=RST>`);
    expect(bench.drops.filter((each) => each === 'TCP_RESET')).toHaveLength(2);
  });
});

it('A1 of 200 blind RSTs in the window none ends the connection, the exact one does [RFC 5961 3.2]', () => {
  const bench = established(SMALL);
  for (let guess = 2; guess < 202; guess++) bench.arrives(`<SEQ=${guess}><CTL=RST>`);
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.sent()).toHaveLength(1);
  bench.arrives('<SEQ=1><CTL=RST>');
  expect(bench.told).toEqual(['closed reset']);
});

it('A2 no SYN ends an established connection, whatever its number [RFC 5961 4.2]', () => {
  const bench = established(SMALL);
  for (let at = -1_000; at < 2_000; at += 100) bench.arrives(`<SEQ=${at}><CTL=SYN>`);
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5>');
  expect([bench.state, bench.read()]).toEqual(['ESTABLISHED', 5]);
});

it('A3 data with an ACK outside of SND.UNA - MAX.SND.WND .. SND.NXT is not accepted [RFC 5961 5.2, MAY-12]', () => {
  const bench = established(SMALL);
  bench.arrives('<SEQ=1><ACK=-65535><CTL=ACK><DATA=5>').arrives('<SEQ=1><ACK=2><CTL=ACK><DATA=5>');
  expect([bench.drops, bench.read()]).toEqual([['TCP_TOO_OLD_ACK', 'TCP_ACK_UNSENT_DATA'], 0]);
  bench.arrives('<SEQ=1><ACK=-65534><CTL=ACK><DATA=5>'); // the oldest that counts
  expect(bench.read()).toBe(5);
});

it('A3 a timestamp of the future with an impossible ACK locks nobody out', () => {
  const bench = established({ tcp: { timestamps: true } }, '<TS=1000/0>');
  bench.arrives('<SEQ=1><ACK=999><CTL=ACK><DATA=5><TS=2000000000/0>').ignore();
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=1001/0>');
  expect(bench.read()).toBe(5);
});

it('A19 RFC 1337: a RST does not end TIME-WAIT, unless it is switched off [RFC 1337 3]', () => {
  expect(inState('TIME-WAIT').arrives('<SEQ=R><CTL=RST>').state).toBe('TIME-WAIT');
  const off = inState('TIME-WAIT', { tcp: { ...SMALL.tcp, rfc1337: false } });
  off.arrives('<SEQ=R><CTL=RST>').expectNothingLeft();
});

describe('TIME-WAIT', () => {
  it('lasts two MSL [RFC 9293 MUST-13]', () => {
    const bench = inState('TIME-WAIT').wait(239_999);
    expect(bench.state).toBe('TIME-WAIT');
    bench.wait(1).expectNothingLeft();
  });

  it('begins anew when the FIN comes again [RFC 9293 3.10.7.4]', () => {
    const bench = inState('TIME-WAIT').wait(200_000);
    bench.arrives('<SEQ=1><ACK=2><CTL=FIN,ACK>').sends(ACK).wait(239_999);
    expect(bench.state).toBe('TIME-WAIT');
    bench.wait(1).expectNothingLeft();
  });

  /** A server that closed first: it is in TIME-WAIT, and still listens. */
  const waiting = (tcp: object, ts: readonly string[] = ['', '', '']): Bench => {
    const bench = new Bench({ tcp: { ...SMALL.tcp, ...tcp } }).listen();
    bench.arrives(`<SEQ=0><CTL=SYN>${ts[0]}`).arrives(`<SEQ=1><ACK=1><CTL=ACK>${ts[1]}`);
    bench.does((connection) => connection.shutdown()).arrives(`<SEQ=1><ACK=2><CTL=FIN,ACK>${ts[2]}`);
    expect(bench.state).toBe('TIME-WAIT');
    return bench.ignore();
  };
  const TS = ['<TS=100/->', '<TS=101/0>', '<TS=102/0>'];

  it.each([
    ['a number beyond the old ones opens anew [RFC 9293 MAY-2]', {}, undefined, '<SEQ=2><CTL=SYN>', true],
    ['an old number does not', {}, undefined, '<SEQ=1><CTL=SYN>', false],
    [
      'a newer timestamp opens anew, whatever the number [RFC 6191 2, SHLD-4]',
      { timestamps: true },
      TS,
      '<SEQ=-9><CTL=SYN><TS=103/->',
      true,
    ],
    [
      'an older timestamp does not, whatever the number [RFC 6191 2]',
      { timestamps: true },
      TS,
      '<SEQ=900><CTL=SYN><TS=101/->',
      false,
    ],
    [
      'with the same timestamp the number decides [RFC 6191 2]',
      { timestamps: true },
      TS,
      '<SEQ=900><CTL=SYN><TS=102/->',
      true,
    ],
    [
      'without a timestamp the number decides [RFC 6191 2]',
      { timestamps: true },
      TS,
      '<SEQ=900><CTL=SYN>',
      true,
    ],
  ])('a SYN with %s', (_, tcp, ts, syn, opens) => {
    const bench = waiting(tcp, ts);
    const iss = bench.frame.iss;
    const old = bench.info('snd.nxt');
    const [answer] = bench.arrives(syn).sent();
    expect(answer?.header.syn ?? false).toBe(opens);
    expect(bench.host.tcp.size).toBe(1);
    if (opens) expect(((answer?.header.seq ?? 0) - iss - old) | 0).toBeGreaterThan(0);
  });

  it('is not given up for a SYN that nobody listens for', () => {
    const bench = inState('TIME-WAIT').arrives('<SEQ=5000><CTL=SYN>').sends(ACK);
    expect(bench.state).toBe('TIME-WAIT');
  });
});

it('A20 an ACK of what was never sent opens no window and is answered', () => {
  const bench = established().write(1_460).ignore();
  const { cwnd } = bench.connection.info();
  bench.arrives('<SEQ=1><ACK=9999><CTL=ACK>').sends('<SEQ=1461><ACK=1><CTL=ACK>');
  expect([bench.info('cwnd'), bench.info('snd.una')]).toEqual([cwnd, 1]);
});

it('A20 ACK division: cwnd grows by bytes, not by ACKs [RFC 3465 2]', () => {
  const whole = established().write(10 * 1_460);
  whole.arrives('<SEQ=1><ACK=1461><CTL=ACK>');
  const pieces = established().write(10 * 1_460);
  for (let ack = 2; ack <= 1_461; ack++) pieces.arrives(`<SEQ=1><ACK=${ack}><CTL=ACK>`);
  expect(pieces.info('cwnd')).toBe(whole.info('cwnd'));
});

it('A20 a hundred forged duplicate ACKs inflate cwnd by no more than was out [RFC 5681 3.2]', () => {
  const bench = established().write(60_000);
  const out = bench.info('inFlight');
  for (let copy = 0; copy < 100; copy++) bench.arrives('<SEQ=1><ACK=1><CTL=ACK>');
  expect(bench.info('cwnd')).toBeLessThanOrEqual(bench.info('ssthresh') + out + 2 * 1_460);
});

it('B2 two ends out of step do not send each other ACKs for ever', () => {
  const bench = established(SMALL);
  for (let round = 0; round < 50; round++) bench.arrives('<SEQ=-50><ACK=1><CTL=ACK>').wait(10);
  expect(bench.sent()).toHaveLength(1);
});

it('A8 LAND: a SYN from our own address and port is dropped without an answer', () => {
  const bench = new Bench().listen().arrives('<SRC=1><SPORT=80><SEQ=0><CTL=SYN>').sends();
  expect(bench.drops).toEqual(['IP_INVALID_SOURCE']);
});

it.each([['255'], ['254']])(
  'a SYN from or to an address of several hosts is dropped [RFC 9293 MUST-57, MUST-63] (%s)',
  (octet) => {
    const bench = new Bench().listen().arrives(`<DST=${octet}><SEQ=0><CTL=SYN>`);
    bench.arrives('<SRC=255><SEQ=0><CTL=SYN>').sends().expectNothingLeft();
  },
);

it('a wrong checksum is dropped [RFC 9293 MUST-3]', async () => {
  const { packetOf } = await import('./words.ts');
  const bench = established();
  const packet = packetOf('<SEQ=1><ACK=1><CTL=ACK><DATA=5>', bench.frame);
  packet.bytes[packet.tail - 1] = 0x77;
  bench.arrivesRaw(packet).sends();
  expect([bench.drops, bench.info('rcv.nxt')]).toEqual([['TCP_CSUM'], 1]);
});
