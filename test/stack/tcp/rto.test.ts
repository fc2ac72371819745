import { describe, expect, it } from 'vitest';
import { RttEstimator } from '../../../stack/tcp/rtt.ts';
import { PROFILES, settings } from '../../../stack/settings.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';
import { Bench, established } from './harness.ts';

const at = 0 as Instant;

describe('the estimator', () => {
  it('computes the figures of lab 5 [RFC 6298 2; RFC 9293 MUST-18]', () => {
    const rtt = new RttEstimator(PROFILES.standard.tcp);
    expect(rtt.rto).toBe(ms(1_000)); // 2.1
    rtt.sample(ms(100), at);
    expect(rtt).toMatchObject({ srtt: ms(100), rttvar: ms(50), computedRto: ms(300), rto: ms(1_000) }); // 2.2, 2.4
    rtt.sample(ms(200), at);
    expect(rtt).toMatchObject({ srtt: ms(112.5), rttvar: ms(62.5), computedRto: ms(362.5), rto: ms(1_000) }); // 2.3
  });

  it.each([
    ['standard', 1_000],
    ['linux', 362.5],
    ['textbook', 1_000],
  ] as const)('has the floor of its profile: %s %d ms [RFC 6298 2.4]', (profile, rto) => {
    const rtt = new RttEstimator(PROFILES[profile].tcp);
    rtt.sample(ms(100), at);
    rtt.sample(ms(200), at);
    expect(rtt.rto).toBe(ms(rto));
  });

  it('has a ceiling, and doubles up to it [RFC 6298 2.5, 5.5]', () => {
    const rtt = new RttEstimator(PROFILES.standard.tcp);
    const seen = Array.from({ length: 8 }, () => (rtt.backOff(), rtt.rto / 1e6));
    expect(seen).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
    rtt.sample(seconds(70), at);
    expect(rtt.rto).toBe(seconds(60));
  });

  it('adds at least the granularity [RFC 6298 2.3]', () => {
    const rtt = new RttEstimator(settings({ tcp: { minRto: ms(0) } }).tcp);
    for (let count = 0; count < 200; count++) rtt.sample(ms(10), at);
    expect(rtt.rto).toBe(ms(11));
  });

  it('weighs several samples of one round trip as one [RFC 7323 4.2, appendix G]', () => {
    const many = new RttEstimator(PROFILES.standard.tcp);
    const one = new RttEstimator(PROFILES.standard.tcp);
    for (const each of [many, one]) each.sample(ms(100), at);
    for (let count = 0; count < 10; count++) many.sample(ms(200), at, 10);
    one.sample(ms(200), at);
    expect(many.srtt ?? 0).toBeCloseTo(one.srtt ?? 0, -4);
  });
});

describe('a SYN without an answer', () => {
  const times = (profile: 'standard' | 'linux'): [number[], number, string[]] => {
    const bench = new Bench({ profile }).connect();
    while (bench.host.tcp.size > 0) bench.wait(500);
    return [bench.sent().map(({ at }) => at / 1e6), bench.clock.now() / 1e6, bench.told];
  };

  it('leaves at 0, 1, 3, 7, 15, 31, 63, 127 s and is given up at 255 s, after more than three minutes [RFC 9293 MUST-22, MUST-23]', () => {
    const [sent, end, told] = times('standard');
    expect(sent).toEqual([0, 1, 3, 7, 15, 31, 63, 127]);
    expect(end).toBe(255);
    expect(told).toEqual(['soft-error r1', 'closed timeout']);
  });

  it('leaves six times more and is given up at 127 s in the profile of Linux', () => {
    expect(times('linux').slice(0, 2)).toEqual([[0, 1, 3, 7, 15, 31, 63], 127]);
  });
});

it('a SYN-ACK without an answer leaves five times more, and is given up at 63 s', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN>').at(64_000);
  expect(bench.sent().map(({ at }) => at / 1e6)).toEqual([0, 1, 3, 7, 15, 31]);
  bench.expectNothingLeft();
});

it('begins data with 3 s after the SYN had to be sent again [RFC 6298 5.7]', () => {
  const bench = new Bench().connect().at(1_000).arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').ignore();
  bench.write(10).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
  bench.sendsAt(4_000, '<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
});

it('retransmits the oldest segment, backs off, and starts the timer again [RFC 6298 5.4 to 5.6; RFC 9293 MUST-19]', () => {
  const bench = established({ tcp: { mtuProbing: 'off' } })
    .write(2_000)
    .sends('<SEQ=1><ACK=1><CTL=ACK><DATA=1460>');
  bench.does((connection) => connection.flush()).sends('<SEQ=1461><ACK=1><CTL=ACK><DATA=540>');
  for (const at of [1_000, 3_000, 7_000, 15_000]) bench.sendsAt(at, '<SEQ=1><ACK=1><CTL=ACK><DATA=1460>');
  expect(bench.timer('retransmission')).toBe(16_000);
});

it('runs the timer while data is out, restarts it for new ACKs, stops it for the last [RFC 6298 5.1 to 5.3]', () => {
  const bench = established();
  expect(bench.timer('retransmission')).toBeUndefined();
  bench.write(2_920);
  expect(bench.timer('retransmission')).toBe(1_000);
  bench.at(400).arrives('<SEQ=1><ACK=1461><CTL=ACK>');
  expect(bench.timer('retransmission')).toBe(1_000);
  bench.at(500).arrives('<SEQ=1><ACK=1461><CTL=ACK>');
  expect(bench.timer('retransmission')).toBe(900);
  bench.arrives('<SEQ=1><ACK=2921><CTL=ACK>');
  expect(bench.timer('retransmission')).toBeUndefined();
});

it('takes no sample from what was sent again, and keeps the backed-off timeout (Karn) [RFC 6298 3, 5; RFC 9293 MUST-18]', () => {
  const bench = new Bench().connect().at(100).arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').write(10);
  bench.at(1_100).at(1_150).arrives('<SEQ=1><ACK=11><CTL=ACK>');
  expect(bench.connection.rtt).toMatchObject({ srtt: 100_000, rto: 2_000_000 });
  bench.write(10).at(1_250).arrives('<SEQ=1><ACK=21><CTL=ACK>');
  expect(bench.connection.rtt).toMatchObject({ srtt: 100_000, rto: 1_000_000 });
});

it('with timestamps it takes one from what was sent again too [RFC 7323 4.1]', () => {
  const bench = established({ tcp: { timestamps: true } }, '<TS=1/0>').write(10);
  bench.at(1_000).at(1_080).arrives('<SEQ=1><ACK=11><CTL=ACK><TS=2/1000>');
  expect(bench.connection.rtt.lastSample).toBe(80_000);
});

describe('giving up', () => {
  it('tells of R1 at the third retransmission, and ends at R2 [RFC 9293 MUST-20, SHLD-9, SHLD-10, SHLD-11]', () => {
    const bench = established().write(10).at(7_000);
    expect(bench.told).toEqual(['soft-error r1']);
    bench.at(99_999);
    expect(bench.state).toBe('ESTABLISHED');
    bench.at(200_000);
    expect(bench.told).toEqual(['soft-error r1', 'closed timeout']);
    bench.expectNothingLeft();
  });

  it('counts from the first transmission, not from when the connection last did something', () => {
    const bench = established().at(3_600_000);
    bench.does((connection) => connection.shutdown()).sends('<SEQ=1><ACK=1><CTL=FIN,ACK>');
    bench.sendsAt(3_601_000, '<SEQ=1><ACK=1><CTL=FIN,ACK>').sendsAt(3_603_000, '<SEQ=1><ACK=1><CTL=FIN,ACK>');
    bench.arrives('<SEQ=1><ACK=2><CTL=ACK>');
    expect(bench.state).toBe('FIN-WAIT-2');
  });

  it('does not count idle time against a FIN that a closed window holds back', () => {
    const bench = established({}, '<MSS=1460><WND=0>').at(3_600_000);
    bench.does((connection) => connection.shutdown()).at(3_603_000);
    expect([bench.state, bench.sent().length]).toEqual(['FIN-WAIT-1', 2]);
  });

  it('does not count the time for which the window was closed [RFC 9293 SHLD-17, MUST-37]', () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(10).ignore();
    for (let minute = 0; minute < 60; minute++) bench.wait(60_000).arrives('<SEQ=1><ACK=1><CTL=ACK><WND=0>');
    bench.ignore().arrives('<SEQ=1><ACK=1><CTL=ACK><WND=500>').sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
    bench.wait(1_000).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>'); // and is not given up at the first timeout
  });
});
