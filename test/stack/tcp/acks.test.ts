import { describe, expect, it } from 'vitest';
import { type BenchOptions, established } from './harness.ts';

const data = (at: number, length: number = 1_460): string => `<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}>`;
const ack = (of: number): string => `<SEQ=1><ACK=${of}><CTL=ACK>`;
const sends = (at: number, length: number): string => `<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}>`;

describe('delayed ACKs', () => {
  it.each<[BenchOptions, number]>([
    [{ profile: 'standard' }, 200],
    [{ profile: 'linux', tcp: { quickAcks: 0 } }, 40],
    [{ profile: 'textbook' }, 200],
    [{ tcp: { delayedAck: 499_000 as never } }, 499],
  ])('wait %j for %d ms, and less than 500 [RFC 9293 SHLD-18, MUST-40]', (options, wait) => {
    established(options).arrives(data(1)).sendsAt(wait, ack(1_461));
  });

  it('leave with every second full-sized segment [RFC 9293 SHLD-19]', () => {
    const bench = established().arrives(data(1)).sends().arrives(data(1_461)).sends(ack(2_921));
    bench.arrives(data(2_921)).sends().arrives(data(4_381)).sends(ack(5_841));
  });

  it('count from the first segment that they are for', () => {
    established().arrives(data(1)).at(150).arrives(data(1_461, 10)).sendsAt(200, ack(1_471));
  });

  it('ride on data if there is some', () => {
    established().arrives(data(1, 10)).write(20).sends('<SEQ=1><ACK=11><CTL=ACK><DATA=20>').silentUntil(500);
  });

  it('are one for a whole batch [RFC 9293 MUST-58, MUST-59]', () => {
    established().arrives(data(1), data(1_461), data(2_921), data(4_381), data(5_841)).sends(ack(7_301));
  });

  it('are one for every second segment without batches', () => {
    const bench = established({ tcp: { ackPerBatch: false } });
    bench.arrives(data(1), data(1_461), data(2_921), data(4_381)).sends(ack(2_921), ack(5_841));
  });

  it('do not wait at the start in the profile of Linux (quick ACKs)', () => {
    const bench = established({ profile: 'linux' });
    for (let at = 1; at < 161; at += 10) bench.arrives(data(at, 10)).sends(ack(at + 10));
    bench.arrives(data(161, 10)).sends();
  });
});

describe('data out of order', () => {
  it('is answered at once by a duplicate ACK for each segment [RFC 5681 4.2]', () => {
    const bench = established().arrives(data(1_461), data(2_921), data(4_381)).sends(ack(1), ack(1), ack(1));
    bench.arrives(data(1)).sends(ack(5_841));
    expect(bench.read()).toBe(5_840);
  });

  it('that fills a part of the gap is acknowledged at once [RFC 5681 4.2]', () => {
    const bench = established().arrives(data(101, 100), data(301, 100)).ignore();
    bench.arrives(data(1, 100)).sends(ack(201)).arrives(data(201, 100)).sends(ack(401));
  });

  it('may overlap in any way, and is delivered once', () => {
    const bench = established().arrives(
      data(51, 100),
      data(21, 50),
      data(101, 200),
      data(11, 5),
      data(1, 30),
    );
    expect(bench.read()).toBe(300);
    bench.arrives(data(250, 100));
    expect(bench.read()).toBe(49);
  });

  it('keeps its FIN too, which takes effect when the gap is filled [RFC 9293 SHLD-31]', () => {
    const bench = established().arrives('<SEQ=101><ACK=1><CTL=FIN,ACK><DATA=50>').ignore();
    expect(bench.state).toBe('ESTABLISHED');
    bench.arrives(data(1, 100)).sends(ack(152));
    expect([bench.state, bench.read(), bench.told]).toEqual(['CLOSE-WAIT', 150, ['readable', 'end']]);
  });

  it('beyond the window is cut off [RFC 9293 3.10.7.4]', () => {
    const bench = established({ tcp: { receiveBuffer: { from: 100, to: 100 } } });
    bench.arrives('<SEQ=1><ACK=1><CTL=FIN,ACK><DATA=150>').wait(500);
    expect([bench.read(), bench.info('rcv.nxt'), bench.state]).toEqual([100, 101, 'ESTABLISHED']);
  });
});

describe("Nagle's algorithm", () => {
  it('lets one small segment out at a time [RFC 9293 SHLD-7]', () => {
    const bench = established().write(10).sends(sends(1, 10)).write(10).write(10).sends();
    bench.arrives('<SEQ=1><ACK=11><CTL=ACK>').sends(sends(11, 20));
  });

  it('does not hold full segments back', () => {
    established().write(10).ignore().write(3_000).sends(sends(11, 1_460), sends(1_471, 1_460));
  });

  it('can be switched off, which lets go what it holds [RFC 9293 MUST-17]', () => {
    const bench = established().write(10).ignore().write(10).sends();
    bench
      .does((connection) => connection.setNoDelay(true))
      .sends(sends(11, 10))
      .write(10)
      .sends(sends(21, 10));
    bench
      .does((connection) => connection.setNoDelay(false))
      .write(10)
      .sends();
  });

  it('holds nothing back when the program has closed', () => {
    const bench = established()
      .write(10)
      .ignore()
      .write(10)
      .does((connection) => connection.shutdown());
    bench.sends('<SEQ=11><ACK=1><CTL=FIN,ACK><DATA=10>');
  });

  it('and silly windows give way to a flush, once', () => {
    const bench = established().write(10).ignore().write(10);
    bench
      .does((connection) => connection.flush())
      .sends(sends(11, 10))
      .write(5)
      .sends();
  });
});

it('sets PSH on the last segment of the queue and on no other [RFC 9293 MUST-61]', () => {
  established()
    .write(2_000)
    .does((c) => c.flush())
    .sends(
      '<SEQ=1><ACK=1><CTL=ACK,PSH><DATA=1460>'.replace(',PSH', ''),
      '<SEQ=1461><ACK=1><CTL=PSH,ACK><DATA=540>',
    );
});

describe('keep-alive', () => {
  const keepAlive = { idle: 7_200_000_000, interval: 75_000_000, count: 9 } as never;
  const probe = '<SEQ=0><ACK=1><CTL=ACK>';

  it('is off by default [RFC 9293 MUST-25]', () => {
    established().silentUntil(30 * 24 * 3_600_000);
  });

  it('probes after two idle hours with an old number, and an answer is enough [RFC 9293 MUST-26, MUST-28, SHLD-12]', () => {
    const bench = established().does((connection) => connection.setKeepAlive(keepAlive));
    bench.sendsAt(7_200_000, probe).arrives('<SEQ=1><ACK=1><CTL=ACK>').sendsAt(14_400_000, probe);
  });

  it('takes one unanswered probe for nothing, all of them for a dead peer [RFC 9293 MUST-29]', () => {
    const bench = established().does((connection) => connection.setKeepAlive(keepAlive));
    for (let count = 0; count < 9; count++) bench.sendsAt(7_200_000 + count * 75_000, probe);
    bench.sendsAt(7_200_000 + 9 * 75_000, '<SEQ=1><ACK=1><CTL=RST,ACK>');
    expect(bench.told).toEqual(['closed keepalive']);
    bench.expectNothingLeft();
  });

  it('waits anew after every segment of the peer', () => {
    const bench = established()
      .does((connection) => connection.setKeepAlive(keepAlive))
      .at(7_000_000);
    bench.arrives(data(1, 5)).wait(500).ignore().sendsAt(14_200_000, '<SEQ=0><ACK=6><CTL=ACK>');
  });

  it('can be switched off again [RFC 9293 MUST-24]', () => {
    const bench = established().does((connection) => connection.setKeepAlive(keepAlive));
    bench.does((connection) => connection.setKeepAlive(undefined)).silentUntil(20_000_000);
  });

  it('answers the probes of a peer [RFC 9293 3.8.4]', () => {
    established().arrives('<SEQ=0><ACK=1><CTL=ACK>').sends(ack(1));
    established().arrives('<SEQ=0><ACK=1><CTL=ACK><DATA=1>').sends(ack(1));
  });
});

describe('urgent data', () => {
  it('stays in line; the program is told when it is pending and when the pointer moves on, and how much is left [RFC 9293 MUST-31, MUST-32, MUST-33, MUST-62]', () => {
    const bench = established().arrives('<SEQ=1><ACK=1><CTL=ACK><URG=4><DATA=10>');
    expect([bench.told, bench.connection.receiver.urgentBytes]).toEqual([['urgent', 'readable'], 4]);
    bench.arrives('<SEQ=11><ACK=1><CTL=ACK><URG=20><DATA=10>');
    expect(bench.read(2)).toBe(2);
    expect(bench.connection.receiver.urgentBytes).toBe(28);
    expect([bench.read(), bench.connection.receiver.urgentBytes]).toEqual([18, 10]);
    bench.arrives('<SEQ=21><ACK=1><CTL=ACK><DATA=10>');
    expect([bench.read(), bench.connection.receiver.urgentBytes]).toEqual([10, 0]);
    expect(bench.told.filter((each) => each === 'urgent')).toHaveLength(2);
    bench.arrives('<SEQ=31><ACK=1><CTL=ACK><URG=1><DATA=1>');
    expect(bench.told.filter((each) => each === 'urgent')).toHaveLength(3);
  });

  it('A10 may point anywhere: nowhere, beyond the segment, into the past', () => {
    const bench = established().arrives(
      '<SEQ=1><ACK=1><CTL=ACK><URG=0><DATA=1>',
      '<SEQ=2><ACK=1><CTL=ACK><URG=65535>',
    );
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><URG=1><DATA=5>', '<SEQ=6><ACK=1><CTL=FIN,ACK><URG=9>');
    expect([bench.read(), bench.state]).toEqual([5, 'CLOSE-WAIT']);
  });

  it('that was read long ago does not come back after 2 GiB', () => {
    const { receiver } = established().connection;
    receiver.urgent((receiver.nxt + 5) as never);
    receiver.nxt = ((receiver.nxt + 100) >>> 0) as never;
    receiver.queue.append(new Uint8Array(1), 0, 1);
    receiver.read(1, 0 as never, undefined);
    receiver.nxt = ((receiver.nxt + 2 ** 31) >>> 0) as never;
    expect(receiver.urgentBytes).toBe(0);
  });
});
