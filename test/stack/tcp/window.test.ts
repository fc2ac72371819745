import { describe, expect, it } from 'vitest';
import { windowShift } from '../../../stack/tcp/options.ts';
import { established } from './harness.ts';

const data = (at: number, length: number): string => `<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}>`;

describe('a closed window', () => {
  it('is probed after one RTO, then at doubling intervals up to 60 s [RFC 9293 MUST-36, SHLD-29, SHLD-30]', () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(100).sends();
    for (const second of [1, 3, 7, 15, 31, 63, 123]) {
      bench.sendsAt(second * 1_000, data(1, 1)).arrives('<SEQ=1><ACK=1><CTL=ACK><WND=0>');
    }
  });

  it('is probed for a day if the probes are answered, and opens at last [RFC 9293 MUST-37]', () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(100);
    for (let minute = 0; minute < 24 * 60; minute++)
      bench.wait(60_000).arrives('<SEQ=1><ACK=1><CTL=ACK><WND=0>');
    expect([bench.state, bench.told]).toEqual(['ESTABLISHED', []]);
    bench.ignore().arrives('<SEQ=1><ACK=1><CTL=ACK><WND=5000>').sends(data(1, 100));
    expect(bench.timer('persist')).toBeUndefined();
  });

  it('ends the connection if nobody answers the probes for R2', () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(100).at(300_000);
    expect(bench.told).toEqual(['closed timeout']);
  });

  it("takes the ACK of an old probe when both sides took the other's octet: all other ACKs lie outside of the window", () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(100).sendsAt(1_000, data(1, 1));
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=1><WND=0>').ignore(); // our ACK of it is lost, and so was the peer's of ours
    bench.arrives('<SEQ=1><ACK=2><CTL=ACK><WND=500>').ignore(); // below RCV.NXT: not looked at
    expect(bench.info('snd.una')).toBe(1);
    bench.arrives('<SEQ=1><ACK=2><CTL=ACK><DATA=1><WND=0>').sends('<SEQ=2><ACK=2><CTL=ACK>');
    expect(bench.info('snd.una')).toBe(2);
  });

  it('goes on from what a probe has delivered', () => {
    const bench = established({}, '<MSS=1460><WND=0>').write(100).sendsAt(1_000, data(1, 1));
    bench.arrives('<SEQ=1><ACK=2><CTL=ACK><WND=0>').sendsAt(3_000, data(2, 1));
    bench.arrives('<SEQ=1><ACK=3><CTL=ACK><WND=9000>').sends(data(3, 98));
  });

  it('is probed by the FIN when nothing else is left', () => {
    const bench = established({}, '<MSS=1460><WND=0>')
      .does((connection) => connection.shutdown())
      .sends();
    bench.sendsAt(1_000, '<SEQ=1><ACK=1><CTL=FIN,ACK>').arrives('<SEQ=1><ACK=2><CTL=ACK><WND=0>');
    expect(bench.state).toBe('FIN-WAIT-2');
  });

  it('of ours still takes ACK, URG and RST [RFC 9293 MUST-66]', () => {
    const bench = established({ tcp: { receiveBuffer: { from: 10, to: 10 } } })
      .write(5)
      .ignore();
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10>').wait(500).sends('<SEQ=6><ACK=11><CTL=ACK><WND=0>');
    bench.arrives('<SEQ=11><ACK=6><CTL=ACK><URG=5><DATA=4>').sends('<SEQ=6><ACK=11><CTL=ACK><WND=0>');
    expect([bench.info('snd.una'), bench.drops, bench.told]).toEqual([
      6,
      ['TCP_ZEROWINDOW'],
      ['readable', 'urgent'],
    ]);
    bench.arrives('<SEQ=11><CTL=RST>');
    expect(bench.told.at(-1)).toBe('closed reset');
  });
});

describe('a peer that shrinks its window [RFC 9293 MUST-34]', () => {
  it('gets nothing new, but what is out again [SHLD-15, SHLD-16, MAY-7]', () => {
    const bench = established()
      .write(5_000)
      .does((connection) => connection.flush())
      .ignore();
    bench.arrives('<SEQ=1><ACK=1461><CTL=ACK><WND=100>').write(5_000).sends();
    bench.wait(1_000).sends(data(1_461, 1_460));
    expect(bench.state).toBe('ESTABLISHED');
  });

  it('to nothing is probed, and goes on when it opens [MUST-35]', () => {
    const bench = established().write(2_920).ignore().arrives('<SEQ=1><ACK=1461><CTL=ACK><WND=0>').sends();
    bench.sendsAt(1_000, data(1_461, 1_460)).arrives('<SEQ=1><ACK=1461><CTL=ACK><WND=0>');
    for (let minute = 0; minute < 10; minute++)
      bench.wait(60_000).arrives('<SEQ=1><ACK=1461><CTL=ACK><WND=0>');
    bench.arrives('<SEQ=1><ACK=1461><CTL=ACK><WND=9000>').ignore().wait(60_000);
    expect(bench.sent().length).toBeGreaterThan(0);
    expect(bench.state).toBe('ESTABLISHED');
  });
});

describe('silly windows', () => {
  it('are not sent into: full segments, half of the largest window, or all there is [RFC 9293 MUST-38]', () => {
    const bench = established({}, '<MSS=1000><WND=4000>').write(10_000).ignore();
    bench.arrives('<SEQ=1><ACK=4001><CTL=ACK><WND=999>').sends();
    bench.sendsAt(200, data(4_001, 999)); // the override timer
    bench.arrives('<SEQ=1><ACK=5000><CTL=ACK><WND=1999>').sends(data(5_000, 1_000));
  });

  it('are sent into if that is half of all the peer ever had', () => {
    const bench = established({}, '<MSS=1000><WND=600>').write(10_000).sends(data(1, 600));
    bench.arrives('<SEQ=1><ACK=601><CTL=ACK><WND=299>').sends();
    bench.arrives('<SEQ=1><ACK=601><CTL=ACK><WND=300>').sends(data(601, 300));
  });

  it('are not offered in answer to a probe either: at least a segment, or half of the buffer [RFC 9293 MUST-39]', () => {
    const bench = established({ tcp: { receiveBuffer: { from: 4_000, to: 4_000 } } });
    for (let at = 1; at < 4_000; at += 1_000) bench.arrives(`<SEQ=${at}><ACK=1><CTL=ACK><DATA=1000>`);
    bench.wait(500).ignore();
    const probe = '<SEQ=4001><ACK=1><CTL=ACK><DATA=1>';
    bench.read(999);
    bench.arrives(probe).sends('<SEQ=1><ACK=4001><CTL=ACK><WND=0>');
    bench.read(1);
    bench.arrives('<SEQ=4000><ACK=1><CTL=ACK><DATA=1>').sends('<SEQ=1><ACK=4001><CTL=ACK><WND=1000>');
  });

  it('are not offered while the program reads byte by byte [RFC 9293 MUST-39]', () => {
    const bench = established({ tcp: { receiveBuffer: { from: 4_000, to: 4_000 } } });
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>', '<SEQ=1001><ACK=1><CTL=ACK><DATA=1000>');
    bench.arrives('<SEQ=2001><ACK=1><CTL=ACK><DATA=1000>', '<SEQ=3001><ACK=1><CTL=ACK><DATA=1000>').ignore();
    const offers = new Set<number>();
    for (let count = 0; count < 4_000; count++) {
      bench.read(1);
      for (const { header } of bench.sent()) offers.add(header.window);
    }
    expect([...offers]).toEqual([2_000, 4_000].slice(0, offers.size));
    expect(offers.size).toBeGreaterThan(0);
  });
});

it('a lost window update is made good by the probe', () => {
  const bench = established({ tcp: { receiveBuffer: { from: 1_000, to: 1_000 } } }).arrives(
    '<SEQ=1><ACK=1><CTL=ACK><DATA=1000>',
  );
  bench.wait(500).ignore();
  expect(bench.read()).toBe(1_000);
  bench.sends('<SEQ=1><ACK=1001><CTL=ACK><WND=1000>'); // lost
  bench.arrives('<SEQ=1001><ACK=1><CTL=ACK><DATA=1>').wait(200).sends('<SEQ=1><ACK=1002><CTL=ACK><WND=999>');
});

it('never draws the right edge back [RFC 9293 SHLD-14; RFC 7323 2.4]', () => {
  const bench = established(
    { tcp: { windowScaling: true, receiveBuffer: { from: 300_000, to: 300_000 } } },
    '<WS=0>',
  );
  let edge = 0;
  let at = 1;
  for (let count = 0; count < 400; count++) {
    const length = 1 + ((count * 37) % 1_400);
    bench.arrives(`<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}>`);
    at += length;
    if (count % 7 === 0) bench.read(count * 11);
    for (const { header } of bench.sent()) {
      const told = (header.ack ?? 0) - (bench.connection.receiver.irs as number);
      const right = ((told + 2 ** 32) % 2 ** 32) + header.window * 2 ** bench.info('rcv.wind.shift');
      // Rounding may lose less than a unit of the scale [RFC 7323 2.4].
      expect(right).toBeGreaterThan(edge - 2 ** bench.info('rcv.wind.shift'));
      edge = Math.max(edge, right);
    }
  }
});

describe('window scaling', () => {
  it('takes a shift above 14 for 14 [RFC 7323 2.3]', () => {
    const bench = established({ tcp: { windowScaling: true } }, '<MSS=1460><WS=15>');
    expect(bench.info('snd.wind.shift')).toBe(14);
  });

  it('is used only if both sides offered it [RFC 7323 2.2]', () => {
    expect(established({ tcp: { windowScaling: true } }).info('rcv.wind.shift')).toBe(0);
    expect(established({}, '<WS=7>').info('snd.wind.shift')).toBe(0);
  });

  it('scales all windows but those of SYNs [RFC 7323 2.3]', () => {
    const bench = established({ tcp: { windowScaling: true } }, '<MSS=1460><WS=2><WND=1000>');
    expect(bench.info('snd.wnd')).toBe(1_000);
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=1000>');
    expect(bench.info('snd.wnd')).toBe(4_000);
  });

  it.each([
    [65_535, 0],
    [65_536, 1],
    [6 * 1024 * 1024, 7],
    [2 ** 30, 14],
    [2 ** 40, 14],
  ])('of %d bytes takes a shift of %d', (bytes, shift) => {
    expect(windowShift(bytes)).toBe(shift);
  });
});
