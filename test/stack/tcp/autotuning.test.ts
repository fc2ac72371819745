import { describe, expect, it } from 'vitest';
import { ReceiveAutotuning, sendBufferFor } from '../../../stack/tcp/autotuning.ts';
import { seq } from '../../../stack/tcp/sequence.ts';
import { type Instant, ms, us } from '../../../stack/time.ts';
import { established } from './harness.ts';
import { Pair, Program } from './pair.ts';

const KIB = 1024;
const at = (milliseconds: number): Instant => (milliseconds * 1_000) as Instant;

/** A bulk transfer; the receive buffer after `roundTrips` of them, and the time that all of it took, in round trips. */
function transfer(delay: number, timestamps: boolean, bytes: number, roundTrips: number): [number, number] {
  const tcp = { timestamps, abcLimit: 1_000_000 }; // one ACK acknowledges a whole flight here
  const pair = new Pair({ delay: ms(delay), client: { tcp }, server: { tcp } });
  const server = new Program(0);
  pair.connect(new Program(bytes), server);
  pair.run(ms(2 * delay * roundTrips));
  const buffer = server.connection?.receiver.buffer ?? 0;
  const end = pair.finish();
  expect(server.received).toBe(bytes);
  // Both FINs and TIME-WAIT (240 s) come after the data.
  return [buffer, Math.round((end / 1_000 - 240_000) / (2 * delay))];
}

describe('the receive buffer', () => {
  for (const timestamps of [true, false]) {
    for (const delay of [1, 10, 50, 150]) {
      it(`keeps ahead of slow start: RTT ${2 * delay} ms, timestamps ${timestamps} (issue: receive autotuning)`, () => {
        const [buffer, roundTrips] = transfer(delay, timestamps, 4_000_000, 11);
        expect(buffer).toBeGreaterThan(2_000_000);
        // 10 segments doubled until 4 MB are out take 9 round trips, the handshake one, the FINs up to three.
        expect(roundTrips).toBeLessThanOrEqual(14);
      });
    }
  }

  it('stays small for a program that reads slowly, however long (issue: receive autotuning)', () => {
    const pair = new Pair({ delay: ms(20) });
    const server = { connectionEvent: (): void => undefined };
    const listener = pair.server.tcp.listen({ port: 80 }, { connectionReady: () => undefined });
    const client = new Program(4_000_000);
    client.connection = pair.client.tcp.connect(
      { remote: { address: pair.server.ip.interfaces[0]?.addresses[0]?.address ?? expect.fail(), port: 80 } },
      client,
    );
    pair.run(ms(200));
    const connection = listener.accept(server) ?? expect.fail('no connection');
    for (let step = 0; step < 500; step++) {
      connection.receive(1_000); // 1,000 bytes in 40 ms, which is the round-trip time
      pair.run(ms(40));
    }
    expect(connection.receiver.buffer).toBe(128 * KIB);
    expect(connection.readable).toBeGreaterThan(100 * KIB);
  });

  it('is twice what was read in a round trip, and some segments', () => {
    const tuning = new ReceiveAutotuning({ from: 64 * KIB, to: 1024 * KIB });
    expect(tuning.read(30_000, at(0), ms(100), 64 * KIB, 1024 * KIB, 1_460)).toBe(64 * KIB);
    expect(tuning.read(10_000, at(100), ms(100), 64 * KIB, 1024 * KIB, 1_460)).toBeGreaterThanOrEqual(
      80_000 + 16 * 1_460,
    );
    expect(tuning.read(10_000, at(200), ms(100), 110_000, 1024 * KIB, 1_460)).toBe(110_000); // slower: it stays
  });

  it('grows to its largest size and no further', () => {
    const tuning = new ReceiveAutotuning({ from: 64 * KIB, to: 200_000 });
    expect(tuning.read(150_000, at(0), ms(1), 160_000, 200_000, 1_460)).toBe(160_000);
    expect(tuning.read(100_000, at(1), ms(1), 160_000, 200_000, 1_460)).toBe(200_000);
  });

  it('never grows when the settings fix it', () => {
    const tuning = new ReceiveAutotuning({ from: 64 * KIB, to: 64 * KIB });
    expect(tuning.read(1_000_000, at(50), ms(1), 64 * KIB, 128 * KIB, 1_460)).toBe(64 * KIB);
  });

  it('is measured in round trips that the receiver takes from the filling of windows, the fastest of them', () => {
    const tuning = new ReceiveAutotuning({ from: 64 * KIB, to: 1024 * KIB });
    tuning.arrived(seq(1_000), 10_000, at(0), undefined);
    tuning.arrived(seq(6_000), 10_000, at(30), undefined); // half of it
    expect(tuning.rtt).toBeUndefined();
    tuning.arrived(seq(11_000), 10_000, at(50), undefined);
    expect(tuning.rtt).toBe(ms(50));
    tuning.arrived(seq(21_000), 10_000, at(150), undefined);
    expect(tuning.rtt).toBe(ms(50));
    tuning.arrived(seq(31_000), 10_000, at(190), undefined);
    expect(tuning.rtt).toBe(ms(40));
  });

  it('is measured in round trips by timestamps, averaged', () => {
    const tuning = new ReceiveAutotuning({ from: 64 * KIB, to: 1024 * KIB });
    tuning.arrived(seq(1_000), 10_000, at(0), ms(80));
    expect(tuning.rtt).toBe(ms(80));
    tuning.arrived(seq(1_100), 10_000, at(0), ms(40));
    expect(tuning.rtt).toBe(ms(75));
    tuning.arrived(seq(1_200), 10_000, at(0), us(0)); // a tick is the least
    expect(tuning.rtt).toBe(us(65_750));
  });
});

describe('a program that sets the receive buffer', () => {
  it('smaller draws nothing back that was offered, and offers nothing new until there is room [RFC 9293 SHLD-14]', () => {
    const bench = established();
    const edge = bench.info('rcv.nxt') + bench.info('rcv.wnd');
    bench.does((connection) => connection.setReceiveBuffer(10_000));
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=1460>', '<SEQ=1461><ACK=1><CTL=ACK><DATA=1460>');
    bench.sends(`<SEQ=1><ACK=2921><CTL=ACK><WND=${edge - 2_921}>`);
    for (let from = 2_921; from + 1_460 <= edge; from += 1_460) {
      bench.arrives(`<SEQ=${from}><ACK=1><CTL=ACK><DATA=1460>`);
      const offered = bench.info('rcv.nxt') + bench.info('rcv.wnd');
      expect(offered).toBe(edge); // all of it is taken, none is added
    }
    expect(bench.connection.readable).toBeGreaterThan(60_000);
    bench.ignore().read();
    expect(bench.info('rcv.wnd')).toBe(10_000);
  });

  it('larger is told with the next ACK', () => {
    const bench = established({ tcp: { receiveBuffer: { from: 10_000, to: 60_000 } } });
    bench.does((connection) => connection.setReceiveBuffer(50_000));
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>', '<SEQ=1001><ACK=1><CTL=ACK><DATA=1000>');
    bench.sends('<SEQ=1><ACK=2001><CTL=ACK><WND=48000>');
  });
});

describe('the send buffer', () => {
  it('holds twice the congestion window, between its bounds, and never less than it did (issue: send autotuning)', () => {
    const range = { from: 100_000, to: 1_000_000 };
    expect(sendBufferFor(10_000, 100_000, range)).toBe(100_000);
    expect(sendBufferFor(200_000, 100_000, range)).toBe(400_000);
    expect(sendBufferFor(50_000, 400_000, range)).toBe(400_000);
    expect(sendBufferFor(900_000, 400_000, range)).toBe(1_000_000);
  });

  it('grows with the congestion window of a bulk transfer, and stays where a program has set it', () => {
    for (const fixed of [false, true]) {
      const pair = new Pair({ delay: ms(25) });
      const client = new Program(6_000_000);
      pair.connect(client, new Program(0));
      if (fixed) client.connection?.setSendBuffer(60_000);
      pair.run(ms(600));
      const { queue, congestion } = client.connection?.sender ?? expect.fail();
      if (fixed) expect(queue.limit).toBe(60_000);
      else expect(queue.limit).toBeGreaterThanOrEqual(Math.min(2 * congestion.cwnd, 4 * 1024 * KIB));
    }
  });
});

describe('a peer that shrinks its window again and again [RFC 9293 MUST-34]', () => {
  it('gets all of its data without a timeout, as fast as the window allows (attacks.md C2)', () => {
    const bench = established({ tcp: { nagle: false } });
    bench.does((connection) => connection.setNoDelay(true)).write(60_000);
    let una = 1;
    for (let round = 0; una < 60_001; round++) {
      expect(round).toBeLessThan(60);
      const end = Math.max(
        ...bench.sent().map(({ header, payload }) => ((header.seq - bench.frame.iss) | 0) + payload.length),
        una,
      );
      bench.wait(10);
      una = end;
      // Half of what it had offered is taken back, then given again.
      bench.arrives(`<SEQ=1><ACK=${una}><CTL=ACK><WND=${round % 2 === 0 ? 3_000 : 20_000}>`);
      if (round % 2 === 0) bench.arrives(`<SEQ=1><ACK=${una}><CTL=ACK><WND=1500>`);
    }
    expect(bench.clock.now()).toBeLessThan(600_000);
    expect(bench.told).not.toContain('closed timeout');
    expect(bench.connection.bytesQueued).toBe(0);
  });
});
