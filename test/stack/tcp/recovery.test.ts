import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../stack/settings.ts';
import type { CongestionControl } from '../../../stack/tcp/congestion/congestion-control.ts';
import { NewReno } from '../../../stack/tcp/congestion/new-reno.ts';
import { Recovery } from '../../../stack/tcp/recovery.ts';
import { BARE_HEADER } from '../../../stack/wire/tcp.ts';
import { ArrivedSegment } from '../../../stack/tcp/segment.ts';
import { Sender } from '../../../stack/tcp/sender.ts';
import { add, seq } from '../../../stack/tcp/sequence.ts';
import { type Instant, us } from '../../../stack/time.ts';
import { ackSample } from './congestion/samples.ts';
import { Bench, established } from './harness.ts';

const MSS = 1_000;
/** Ten segments of 1,000 bytes out, all of the initial window. */
function ten(tcp: object = {}, more: number = 0): Bench {
  const bench = established({ tcp: { congestion: 'newreno', ...tcp } }, `<MSS=${MSS}>`).write(
    10 * MSS + more,
  );
  expect(bench.sent()).toHaveLength(10);
  return bench;
}
const dup = (ack: number): string => `<SEQ=1><ACK=${ack}><CTL=ACK>`;
const data = (at: number, length: number = MSS): string => `<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}>`;

it('begins with ten segments [RFC 6928 2]', () => {
  expect(ten().info('cwnd')).toBe(10_000);
  expect(established({}, '<MSS=1460>').info('cwnd')).toBe(14_600);
  expect(established({ mtu: 9_000 }, '<MSS=8960>').info('cwnd')).toBe(17_920); // 14,600, but at least two segments
});

it('grows by what was acknowledged, at most L segments per ACK [RFC 3465 2.2, 2.3; RFC 9293 MUST-19]', () => {
  expect(ten({ abcLimit: 2 }).arrives(dup(1_001)).info('cwnd')).toBe(11_000);
  expect(ten({ abcLimit: 2 }).arrives(dup(5_001)).info('cwnd')).toBe(12_000);
  expect(ten({ abcLimit: 2 }).arrives(dup(101)).info('cwnd')).toBe(10_100);
});

it('grows by one segment per window in congestion avoidance [RFC 5681 3.1; RFC 3465 2.1; RFC 9293 MUST-19]', () => {
  const bench = ten({ initialSsthresh: 5_000 });
  bench.arrives(dup(5_001));
  expect(bench.info('cwnd')).toBe(10_000);
  bench.arrives(dup(10_001));
  expect(bench.info('cwnd')).toBe(11_000);
});

it('grows by every ACK of a full window, though several come before more is sent [RFC 5681 3.1]', () => {
  const bench = ten({ abcLimit: 2 });
  for (const ack of [2_001, 4_001, 6_001, 8_001, 10_001]) bench.arrives(dup(ack)); // the program has nothing more to send
  expect(bench.info('cwnd')).toBe(20_000);
});

it('does not grow a window that is not used [RFC 5681 3.1]', () => {
  const bench = established({}, `<MSS=${MSS}>`).write(100).arrives(dup(101));
  expect(bench.info('cwnd')).toBe(10_000);
});

it('retransmits at the third duplicate ACK, also of the very first segment [RFC 5681 3.2; RFC 6582 3.2]', () => {
  const bench = ten({ limitedTransmit: false });
  bench.arrives(dup(1)).arrives(dup(1)).sends();
  bench.arrives(dup(1)).sends(data(1));
  expect(bench.connection.info()).toMatchObject({ ssthresh: 5_000, cwnd: 8_000, dupAcks: 3 });
  expect(bench.info('recover')).toBe(10_000);
});

it('inflates cwnd by each further duplicate ACK, and sends new data when it allows [RFC 5681 3.2, step 4]', () => {
  const bench = ten({ limitedTransmit: false }, 5_000);
  for (let copy = 0; copy < 5; copy++) bench.arrives(dup(1));
  expect(bench.ignore().info('cwnd')).toBe(10_000);
  bench.arrives(dup(1)).sends(data(10_001));
});

it('leaves recovery with a full ACK, at ssthresh or a little above what is out [RFC 6582 3.2, step 3]', () => {
  const bench = ten();
  for (let copy = 0; copy < 3; copy++) bench.arrives(dup(1));
  bench.arrives(dup(10_001));
  expect(bench.connection.info()).toMatchObject({
    recover: undefined,
    cwnd: 2_000,
    ssthresh: 5_000,
    dupAcks: 0,
  });
});

it('retransmits the next hole at each partial ACK, several losses in one window [RFC 6582 3.2, step 3]', () => {
  const bench = ten({ limitedTransmit: false });
  for (let copy = 0; copy < 3; copy++) bench.arrives(dup(1)); // 1, 4 and 8 are lost
  bench.ignore().at(50).arrives(dup(3_001)).sends(data(3_001));
  expect(bench.info('cwnd')).toBe(8_000 - 3_000 + 1_000);
  bench.at(100).arrives(dup(7_001)).sends(data(7_001));
  bench.at(150).arrives(dup(10_001)).sends();
  expect(bench.connection.info().recover).toBeUndefined();
});

it('restarts the timer at the first partial ACK only [RFC 6582 4, Impatient]', () => {
  const bench = ten();
  for (let copy = 0; copy < 3; copy++) bench.arrives(dup(1));
  bench.at(100).arrives(dup(2_001));
  const at = (bench.timer('retransmission') ?? 0) + 100;
  bench.at(200).arrives(dup(3_001));
  expect((bench.timer('retransmission') ?? 0) + 200).toBe(at);
});

it('sends one new segment for each of the first two duplicate ACKs [RFC 3042 2]', () => {
  const bench = ten({}, 5_000);
  bench.arrives(dup(1)).sends(data(10_001));
  bench.arrives(dup(1)).sends(data(11_001));
  expect(bench.info('cwnd')).toBe(10_000);
  bench.arrives(dup(1)).sends(data(1));
  expect(bench.info('ssthresh')).toBe(5_000); // without the two [RFC 5681 3.2, step 2]
});

it('lets limited transmit send a lone FIN', () => {
  const bench = ten()
    .does((connection) => connection.shutdown())
    .ignore();
  bench.arrives(dup(1)).sends('<SEQ=10001><ACK=1><CTL=FIN,ACK>');
  bench.arrives(dup(1)).sends();
});

it('begins again in slow start after a timeout, ssthresh half of what was out [RFC 5681 3.1]', () => {
  const bench = ten({ abcLimit: 2 }).at(1_000).sends(data(1));
  expect(bench.connection.info()).toMatchObject({ cwnd: 1_000, ssthresh: 5_000 });
  bench.at(3_000).sends(data(1));
  expect(bench.info('ssthresh')).toBe(5_000); // of the same segment again: kept
  bench.at(3_100).arrives(dup(1_001)).sends(data(1_001), data(2_001)); // by one segment per ACK [RFC 3465 2.3]
  bench.arrives(dup(3_001)).sends(data(3_001), data(4_001), data(5_001));
});

it('takes duplicate ACKs after a timeout for echoes of what it sent again [RFC 6582 3.2, step 4]', () => {
  const bench = ten().at(1_000).arrives(dup(1_001)).ignore();
  for (let copy = 0; copy < 5; copy++) bench.arrives(dup(1_001));
  expect(bench.sent().filter(({ header }) => header.seq === add(seq(bench.frame.iss), 1_001))).toEqual([]);
});

describe('a duplicate ACK', () => {
  it.each([
    ['with data', '<SEQ=1><ACK=1><CTL=ACK><DATA=1>'],
    ['with another window', '<SEQ=1><ACK=1><CTL=ACK><WND=6000>'],
  ])('is none %s [RFC 5681 2]', (_, segment) => {
    expect(ten().arrives(segment).info('dupAcks')).toBe(0);
  });

  it('is none when nothing is out [RFC 5681 2]', () => {
    expect(established().arrives(dup(1)).arrives(dup(1)).info('dupAcks')).toBe(0);
  });

  it('is none if it carried data that our closed window refused [RFC 5681 2]', () => {
    const bench = ten({ receiveBuffer: { from: 5, to: 5 } }).arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5>');
    expect(bench.arrives('<SEQ=6><ACK=1><CTL=ACK><DATA=1>').info('dupAcks')).toBe(0);
  });

  it('in one batch with the ACK that makes it good retransmits nothing, and new data leaves', () => {
    const bench = ten({ limitedTransmit: false }, 900);
    bench.arrives(dup(1), dup(1), dup(1), dup(10_001)).sends(data(10_001, 900));
  });
});

it('does not retransmit what an ACK of the same batch has made good', () => {
  const bench = ten({ limitedTransmit: false }, 5_000);
  for (let copy = 0; copy < 8; copy++) bench.arrives(dup(1)); // lets 10,001 to 13,000 go
  bench.ignore().arrives(dup(3_001), dup(10_001)).sends(data(13_001));
});

it('still finds losses after 2 GiB without one', () => {
  const sender = new Sender(PROFILES.standard.tcp, { u32: () => 0 });
  sender.start(seq(0));
  sender.mss = MSS;
  sender.congestion.established(MSS, false, 0 as Instant, undefined);
  const recovery = new Recovery(sender, PROFILES.standard.tcp);
  recovery.start(seq(0));
  for (let round = 0; round < 5; round++) {
    sender.nxt = add(sender.nxt, 2 ** 29);
    const times = { srtt: us(1), minRtt: us(1), rtt: us(1), rto: us(1) };
    const now = 0 as Instant;
    const ends = { sourcePort: 1, destinationPort: 2, seq: seq(0) };
    const segment = new ArrivedSegment(
      { ...BARE_HEADER, ...ends, ack: sender.nxt },
      new Uint8Array(0),
      0,
      0,
      1,
    );
    const [acked, flightBefore] = [sender.acknowledge(sender.nxt), 2 ** 29];
    recovery.settle({ segment, ack: sender.una, acked, flightBefore, pipeBefore: flightBefore, now, times });
  }
  sender.nxt = add(sender.nxt, 10 * MSS);
  for (let copy = 0; copy < 3; copy++) recovery.duplicateAck(0 as Instant);
  expect(sender.retransmitNow).toBe('fast-retransmit');
});

it('begins with the initial window again after an idle time longer than the RTO [RFC 5681 4.1]', () => {
  const control: CongestionControl = new NewReno(PROFILES.standard.tcp);
  control.established(MSS, false, 0 as Instant, undefined);
  control.acknowledged(ackSample(8_000));
  expect(control.cwnd).toBe(18_000);
  control.restartAfterIdle(us(1_000_001), us(1_000_000));
  expect(control.cwnd).toBe(10_000);
});

it('knows how long a segment was when it came, whatever was cut off', () => {
  const header = { seq: seq(5), syn: false, fin: true } as ConstructorParameters<typeof ArrivedSegment>[0];
  const segment = new ArrivedSegment(header, new Uint8Array(3), 0, 3, 1);
  segment.trimEnd(2);
  expect([segment.wireLength, segment.sequenceLength]).toEqual([4, 2]);
});

describe('a timeout without SACK', () => {
  const late = (more: number = 10_000): Bench => {
    const bench = new Bench({ tcp: { congestion: 'newreno' } }).connect().at(100);
    bench
      .arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=${MSS}>`)
      .ignore()
      .write(10 * MSS + more);
    return bench.ignore().at(1_101).sends(data(1));
  };

  it('that was spurious is found by F-RTO, and undone: the second ACK moves on too [RFC 5682 2.1, step 3 b; RFC 4015 3.2]', () => {
    const bench = late().at(1_110).arrives(dup(1_001)).sends(data(10_001), data(11_001)); // new data, not 1,001 again
    bench.at(1_120).arrives(dup(2_001));
    expect(bench.connection.info()).toMatchObject({ cwnd: 11_000, ssthresh: 0x3fffffff });
    expect(bench.connection.recovery.state).toBe('Open');
  });

  it('that was not is repaired the conventional way after a duplicate ACK [RFC 5682 2.1, step 3 a]', () => {
    const bench = late().at(1_110).arrives(dup(1_001)).ignore();
    bench.at(1_210).arrives(dup(1_001)).sends(data(1_001));
    expect(bench.info('ssthresh')).toBe(5_000);
  });

  it('with nothing new to send is repaired at once [RFC 5682 2.1, step 2 b]', () => {
    late(0).at(1_200).arrives(dup(1_001)).sends(data(1_001), data(2_001));
  });
});
