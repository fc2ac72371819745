import { describe, expect, it } from 'vitest';
import { icmpErrorArrives } from '../../../stack/tcp/icmp-error.ts';
import type { Bench } from './harness.ts';
import { established } from './harness.ts';

/** An ICMP error that quotes what is out. */
function error(bench: Bench, kind: Parameters<typeof icmpErrorArrives>[1]): Bench {
  return bench.does((connection) => {
    icmpErrorArrives(connection, kind, connection.sender.una, 0);
    connection.flush(); // as the host does, which was not asked: there is something to tell
  });
}

describe('reports of soft errors', () => {
  it('can be switched off by the program, and on again [RFC 9293 SHLD-20]', () => {
    const bench = established().write(10);
    error(bench, 'host-unreachable');
    bench.does((connection) => connection.setSoftErrorReports(false));
    error(bench, 'net-unreachable').wait(30_000); // R1 is reached too
    expect(bench.told).toEqual(['soft-error host-unreachable']);
    bench.does((connection) => connection.setSoftErrorReports(true));
    expect(error(bench, 'time-exceeded').told.at(-1)).toBe('soft-error time-exceeded');
  });
});

describe('hard errors once synchronized', () => {
  it.each(['protocol-unreachable', 'port-unreachable'] as const)(
    'end the connection where the settings have it by the letter: %s [RFC 9293 SHLD-26]',
    (kind) => {
      for (const options of [{ profile: 'textbook' }, { tcp: { hardErrorsAbort: true } }] as const) {
        const bench = error(established(options).write(10), kind);
        expect([bench.state, bench.told]).toEqual(['CLOSED', ['closed unreachable']]);
      }
    },
  );

  it('are soft in the other profiles, and "fragmentation needed" is no hard error in any [RFC 5927 5.2]', () => {
    for (const profile of ['standard', 'linux', 'textbook'] as const) {
      const bench = established({ profile }).write(10);
      if (profile !== 'textbook') error(bench, 'port-unreachable');
      expect(error(bench, 'fragmentation-needed').state).toBe('ESTABLISHED');
    }
  });

  it('that quote what is not out are forged, and end nothing [RFC 5927 4.1]', () => {
    const bench = established({ profile: 'textbook' }).write(10);
    const { connection } = bench;
    expect(icmpErrorArrives(connection, 'port-unreachable', (connection.sender.nxt + 5) as never, 0)).toBe(
      'TCP_INVALID_SEQUENCE',
    );
    expect(bench.state).toBe('ESTABLISHED');
  });
});

describe('the type of service of what arrives', () => {
  it('is kept, of what is taken [RFC 9293 MAY-9]', () => {
    const bench = established();
    bench.arrives('<TOS=184><SEQ=1><ACK=1><CTL=ACK><DATA=5>');
    expect(bench.connection.receivedTypeOfService).toBe(184);
    bench.arrives('<TOS=8><SEQ=70000><ACK=1><CTL=ACK><DATA=5>'); // outside of the window
    expect(bench.connection.receivedTypeOfService).toBe(184);
    bench.arrives('<SEQ=6><ACK=1><CTL=ACK><DATA=5>');
    expect(bench.connection.receivedTypeOfService).toBe(0);
  });
});
