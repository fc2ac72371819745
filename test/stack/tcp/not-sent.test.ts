import { describe, expect, it } from 'vitest';
import { established } from './harness.ts';
import { Pair, Program } from './pair.ts';
import { ms } from '../../../stack/time.ts';
import { stream } from './words.ts';

const bytes = (length: number): Uint8Array => stream(1, length);

describe('a limit for what waits unsent [Linux TCP_NOTSENT_LOWAT]', () => {
  it('lets `send` take what the windows let go, and as much more', () => {
    const bench = established({ tcp: { notSentLowat: 4_000 } });
    expect(bench.connection.send(bytes(50_000))).toBe(14_600 + 4_000);
    bench.settle();
    expect(bench.connection.send(bytes(50_000))).toBe(0);
    expect(bench.sent().length).toBe(10);
  });

  it('lets `send` take no more than itself while nothing may leave', () => {
    const bench = established({ tcp: { notSentLowat: 4_000 } }, '<MSS=1460><WND=0>');
    expect(bench.connection.send(bytes(50_000))).toBe(4_000);
  });

  it('makes `writable` wait until less than that is unsent', () => {
    const bench = established({ tcp: { notSentLowat: 3_000 } });
    bench.does((connection) => connection.send(stream(1, 40_000)));
    expect([bench.told, bench.connection.bytesQueued]).toEqual([[], 17_600]);
    bench.arrives('<SEQ=1><ACK=1461><CTL=ACK>'); // two more segments leave, and 80 bytes are left
    expect(bench.told).toEqual(['writable']);
  });

  it('tells of room that comes from sending, not only of room that comes from ACKs', () => {
    const bench = established({ tcp: { notSentLowat: 3_000 } }, '<MSS=1460><WND=0>');
    bench.does((connection) => connection.send(stream(1, 40_000)));
    expect(bench.told).toEqual([]);
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=3000>');
    expect(bench.told).toEqual(['writable']);
    expect(bench.info('snd.una')).toBe(1); // nothing was acknowledged
  });

  it('can be set for one connection, and taken back', () => {
    const bench = established();
    bench.does((connection) => connection.setNotSentLowat(1_000));
    expect(bench.connection.send(bytes(50_000))).toBe(14_600 + 1_460); // a segment at least
    bench.does((connection) => connection.setNotSentLowat(undefined));
    expect(bench.connection.send(bytes(50_000))).toBe(50_000);
  });

  it('of a byte, without Nagle, makes no segments of a byte: what waits fills one', () => {
    let segments = 0;
    const pair = new Pair({
      delay: ms(10),
      client: { tcp: { notSentLowat: 1, nagle: false } },
      tracer: (event) => {
        if (event.type === 'segment' && event.direction === 'out' && event.length > 0) segments += 1;
      },
    });
    const client = new Program(200_000);
    const server = new Program(0);
    pair.connect(client, server);
    pair.run(ms(2_000));
    expect(server.received).toBe(200_000);
    expect(segments).toBeLessThan(200);
  });

  it('does not hold `enqueue` back', () => {
    const bench = established({ tcp: { notSentLowat: 100 } });
    expect(bench.connection.enqueue(bytes(300_000))).toBe(300_000);
  });

  it('does not slow a transfer down, and keeps little waiting', () => {
    const run = (notSentLowat: number): { end: number; most: number } => {
      const pair = new Pair({ delay: ms(10), client: { tcp: { notSentLowat } } });
      const client = new Program(2_000_000);
      const server = new Program(0);
      pair.connect(client, server);
      let most = 0;
      for (let step = 0; step < 400 && server.received < 2_000_000; step++) {
        pair.run(ms(1));
        const { sender } = client.connection ?? expect.fail();
        most = Math.max(most, sender.unsent);
      }
      expect(server.received).toBe(2_000_000);
      return { end: pair.clock.now(), most };
    };
    const free = run(Infinity);
    const limited = run(16_384);
    expect(limited.end).toBeLessThanOrEqual(free.end);
    expect(limited.most).toBeLessThanOrEqual(16_384 + 1);
    expect(free.most).toBeGreaterThan(100_000);
  });
});
