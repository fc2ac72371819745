import { describe, expect, it } from 'vitest';
import { Bench } from './harness.ts';

const MSS = 1_000;

/** A bench with SACK, established at 100 ms, which is the round-trip time. */
function open(tcp: object = {}): Bench {
  const bench = new Bench({ tcp: { congestion: 'newreno', ...tcp } }).connect().at(100);
  return bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=${MSS}><SACKOK>`).ignore();
}

describe('the tail [RFC 8985 7]', () => {
  it('is probed in place of a timeout that would come no later [7.2]', () => {
    const bench = open({ minRto: 200_000, granularity: 200_000 }).write(100).ignore();
    expect([bench.timer('loss-probe'), bench.timer('retransmission')]).toEqual([300, 300]);
    bench.at(400);
    expect([bench.sent().length, bench.connection.recovery.state, bench.timer('retransmission')]).toEqual([
      1,
      'Open',
      300,
    ]);
  });

  it('is not probed again until a round-trip time was measured; the timeout starts anew instead [7.3]', () => {
    const bench = open()
      .write(10 * MSS)
      .ignore()
      .at(302)
      .ignore()
      .at(402)
      .arrives('<SEQ=1><ACK=10001><CTL=ACK><SACK=9001-10001>');
    bench
      .write(2 * MSS)
      .ignore()
      .at(700)
      .sends();
    expect(bench.timer('retransmission')).toBe(1_000 - (700 - 604));
  });
});
