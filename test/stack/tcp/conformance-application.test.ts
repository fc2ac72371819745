/** What RFC 9293 asks of the interface to the program and no other test shows. */
import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../stack/settings.ts';
import type { IcmpErrorKind } from '../../../stack/tcp/events.ts';
import { icmpErrorArrives } from '../../../stack/tcp/icmp-error.ts';
import { seconds } from '../../../stack/time.ts';
import { Bench, established } from './harness.ts';
import { inState } from './states.ts';

const SOFT: readonly IcmpErrorKind[] = [
  'net-unreachable',
  'host-unreachable',
  'source-route-failed',
  'time-exceeded',
  'parameter-problem',
];

it.each(SOFT)(
  'a soft ICMP error (%s) is told and ends nothing [RFC 9293 MUST-47, MUST-56, SHLD-25]',
  (kind) => {
    for (const bench of [new Bench().connect(), established().write(10)]) {
      const { state } = bench;
      expect(icmpErrorArrives(bench.connection, kind, bench.connection.sender.una, 0)).toBeUndefined();
      bench.does((connection) => connection.flush());
      expect([bench.state, bench.told]).toEqual([state, [`soft-error ${kind}`]]);
    }
  },
);

it('tells a peer that closed from one that aborted [RFC 9293 MUST-12]', () => {
  const closed = established().arrives('<SEQ=1><ACK=1><CTL=FIN,ACK>');
  closed.does((connection) => connection.shutdown()).arrives('<SEQ=2><ACK=2><CTL=ACK>');
  expect(closed.told).toEqual(['end', 'closed']);
  const aborted = established().arrives('<SEQ=1><CTL=RST>');
  expect(aborted.told).toEqual(['closed reset']);
});

it('LISTEN on a port with a connection in SYN-RECEIVED is possible [RFC 9293 MUST-42]', () => {
  const bench = inState('SYN-SENT').arrives('<SEQ=0><CTL=SYN>');
  expect(bench.state).toBe('SYN-RECEIVED');
  const { port } = bench.connection.local;
  bench.host.tcp.listen({ port }, { connectionReady: () => {} });
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  expect(bench.state).toBe('ESTABLISHED');
});

it('our window may stay closed for a day: each probe is answered [RFC 9293 MAY-8]', () => {
  const bench = established({ tcp: { receiveBuffer: { from: 10, to: 10 } } });
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10>').wait(500).ignore();
  for (let minute = 0; minute < 24 * 60; minute++) {
    bench.wait(60_000).arrives('<SEQ=11><ACK=1><CTL=ACK><DATA=1>').sends('<SEQ=1><ACK=11><CTL=ACK><WND=0>');
  }
  expect([bench.state, bench.read()]).toEqual(['ESTABLISHED', 10]);
});

describe('keep-alive', () => {
  const idle = seconds(5);
  const keepAlive = { idle, interval: seconds(2), count: 9 };

  it('goes by the interval that the program names [RFC 9293 MAY-5, MUST-27]', () => {
    const bench = established().does((connection) => connection.setKeepAlive(keepAlive));
    bench.sendsAt(5_000, '<SEQ=0><ACK=1><CTL=ACK>').sendsAt(7_000, '<SEQ=0><ACK=1><CTL=ACK>');
  });

  it('probes nobody while data is out [RFC 9293 MUST-26]', () => {
    const bench = established().does((connection) => connection.setKeepAlive(keepAlive));
    const data = '<SEQ=1><ACK=1><CTL=ACK><DATA=10>';
    bench.write(10).sends(data);
    for (const at of [1_000, 3_000, 7_000, 15_000]) bench.sendsAt(at, data); // retransmissions alone
  });

  it.each(Object.values(PROFILES))(
    'waits two hours at least in profile $profile [RFC 9293 MUST-28]',
    ({ tcp }) => {
      expect(tcp.keepAliveIdle).toBeGreaterThanOrEqual(seconds(7_200));
    },
  );
});
