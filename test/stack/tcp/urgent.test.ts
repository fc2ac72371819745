import { describe, expect, it } from 'vitest';
import { Bench, established } from './harness.ts';
import { Pair, Program } from './pair.ts';
import { stream } from './words.ts';

/** The program sends `length` urgent bytes of the stream. */
function urgent(bench: Bench, length: number): Bench {
  return bench.does((connection) => {
    bench.written += connection.sendUrgent(stream(bench.written, length));
  });
}

const data = (at: number, length: number, pointer: number | 'none'): string =>
  `<SEQ=${at}><ACK=1><CTL=ACK><DATA=${length}><URG=${pointer}>`;

describe('urgent data that a program sends [RFC 9293 MUST-30]', () => {
  it('has URG and a pointer to the number behind it; what follows has none [MUST-62]', () => {
    const bench = urgent(established(), 10).sends(data(1, 10, 10));
    bench
      .arrives('<SEQ=1><ACK=11><CTL=ACK>')
      .write(5)
      .sends(data(11, 5, 'none'));
  });

  it('of any length has URG on every segment before its end [MUST-31]', () => {
    const bench = urgent(established(), 4_000);
    bench.sends(data(1, 1_460, 4_000), data(1_461, 1_460, 2_540), data(2_921, 1_080, 1_080));
  });

  it('beyond 65,535 bytes is told as far as 16 bits reach [MUST-31]', () => {
    const bench = urgent(established({ tcp: { sendBuffer: { from: 100_000, to: 100_000 } } }), 67_000);
    expect(bench.sent().map(({ header }) => header.urgentPointer)).toEqual([
      65_535,
      65_535,
      ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => 67_000 - n * 1_460),
    ]);
  });

  it('makes URG of data before it as well, and moves on with more of it [3.8.5]', () => {
    const bench = established({}, '<MSS=1460><WND=1000>').write(3_000).ignore();
    urgent(bench, 100).sends('<SEQ=1001><ACK=1><CTL=ACK><URG=2100>'); // the window is used up
    bench.arrives('<SEQ=1><ACK=1001><CTL=ACK><WND=1460>').sends(data(1_001, 1_460, 2_100));
    urgent(bench, 50).sends('<SEQ=2461><ACK=1><CTL=ACK><URG=690>');
    bench.arrives('<SEQ=1><ACK=2461><CTL=ACK><WND=1460>').sends(data(2_461, 690, 690));
  });

  it('does not wait for small data to be acknowledged', () => {
    const bench = established()
      .write(5)
      .sends(data(1, 5, 'none'))
      .write(5)
      .sends();
    urgent(bench, 1).sends(data(6, 6, 6));
  });

  it('is told while the window is closed, once, and by each probe [MUST-66, 3.8.6.1]', () => {
    const bench = urgent(established({}, '<MSS=1460><WND=0>'), 100);
    bench.sends('<SEQ=1><ACK=1><CTL=ACK><URG=100>');
    bench.wait(500).sends();
    bench
      .sendsAt(1_000, data(1, 1, 100))
      .arrives('<SEQ=1><ACK=1><CTL=ACK><WND=0>')
      .sends();
    urgent(bench, 20).sends('<SEQ=1><ACK=1><CTL=ACK><URG=120>');
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=9000>').sends(data(1, 120, 120));
  });

  it('keeps URG and the right pointer when it is sent again', () => {
    const bench = urgent(established(), 3_000).ignore();
    bench.sendsAt(1_000, data(1, 1_460, 3_000));
    bench.arrives('<SEQ=1><ACK=1461><CTL=ACK>').sends(data(1_461, 1_460, 1_540), data(2_921, 80, 80));
  });

  it('before the handshake is over leaves with the first segment', () => {
    const bench = urgent(new Bench().connect().ignore(), 10);
    bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').sends(data(1, 10, 10));
  });

  it('of which only part fits marks the end of that part', () => {
    const bench = established({ tcp: { sendBuffer: { from: 1_000, to: 1_000 } } });
    urgent(bench, 1_500).sends(data(1, 1_000, 1_000));
    expect(bench.written).toBe(1_001);
  });

  it('is not taken once the write side is closed', () => {
    const bench = established().does((connection) => connection.shutdown());
    expect(bench.connection.sendUrgent(stream(1, 4))).toBe(0);
    expect(bench.connection.sender.up).toBeUndefined();
  });

  it('is never part of a super-segment, whose parts would all have the same pointer', () => {
    const bench = established().does(({ sender }) => {
      sender.largest = 14_600; // as over a device that cuts
    });
    urgent(bench, 3_000);
    bench.arrives('<SEQ=1><ACK=3001><CTL=ACK>').write(2_920);
    const left = bench.watch.events.filter((event) => event.type === 'segment' && event.direction === 'out');
    const lengths = left.flatMap((event) => (event.type === 'segment' ? [event.length] : []));
    expect(lengths.slice(-4)).toEqual([1_460, 1_460, 80, 2_920]);
  });

  it('reaches the program on the other side, in line [MUST-30, MUST-32]', () => {
    const pair = new Pair();
    const server = new Program(0);
    const client = new Program(0);
    pair.connect(client, server);
    client.connection?.sendUrgent(stream(0, 300));
    pair.finish();
    expect(server.received).toBe(300);
    expect(server.told).toContain('urgent');
  });
});
