import { describe, expect, it } from 'vitest';
import type { ConnectionEvent, ConnectionOwner } from '../../../stack/tcp/events.ts';
import { StackError } from '../../../stack/errors.ts';
import { ipv4 } from '../../../stack/wire/address.ts';
import { icmpErrorArrives } from '../../../stack/tcp/icmp-error.ts';
import { add } from '../../../stack/tcp/sequence.ts';
import { Bench, established } from './harness.ts';
import { HOST, PEER } from './words.ts';

const NOBODY: ConnectionOwner = { connectionEvent: () => {} };

/** A bench with a listener whose program accepts only when a test says so. */
function patient(backlog: number): Bench {
  const bench = new Bench({ tcp: { synCookies: 'off' } });
  bench.listener = bench.host.tcp.listen({ port: 80, backlog }, { connectionReady: () => {} });
  return bench;
}

/** A handshake from a port; without `ack` only its SYN. Returns the flags of the answer to the SYN. */
function opens(bench: Bench, port: number, ack: boolean = true): string {
  const [answer] = bench.settle().ignore().arrives(`<SPORT=${port}><SEQ=0><CTL=SYN><MSS=1460>`).sent();
  if (answer === undefined) return 'nothing';
  if (ack)
    bench.arrives(`<SPORT=${port}><SEQ=1><ACK=${(answer.header.seq + 1 - bench.frame.iss) | 0}><CTL=ACK>`);
  return answer.header.syn ? 'SYN-ACK' : 'RST';
}

const states = (bench: Bench): string[] => [...bench.host.tcp.connections()].map(({ state }) => state).sort();

function code(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    return error instanceof StackError ? error.code : String(error);
  }
}

describe('a backlog', () => {
  it('bounds half-open connections: further SYNs are dropped and may be sent again [RFC 4987]', () => {
    const bench = patient(2);
    expect([1, 2, 3].map((port) => opens(bench, port, false))).toEqual(['SYN-ACK', 'SYN-ACK', 'nothing']);
    expect([bench.drops, bench.listener?.halfOpen]).toEqual([['TCP_LISTEN_OVERFLOW'], 2]);
    bench.wait(64_000); // SYN-ACKs are given up
    expect([bench.listener?.halfOpen, opens(bench, 3)]).toEqual([0, 'SYN-ACK']);
  });

  it('bounds connections that wait to be accepted: a SYN for which there is no place is dropped', () => {
    const bench = patient(2);
    expect([1, 2, 3].map((port) => opens(bench, port))).toEqual(['SYN-ACK', 'SYN-ACK', 'nothing']);
    bench.listener?.accept(NOBODY);
    expect([opens(bench, 3), opens(bench, 4)]).toEqual(['SYN-ACK', 'nothing']);
  });

  it('lets a handshake wait whose last segment finds the queue full; the SYN-ACK leaves again', () => {
    const bench = patient(1);
    opens(bench, 1, false);
    const [first] = bench.host.tcp.connections();
    const ack = `<SPORT=1><SEQ=1><ACK=${((first?.sender.nxt ?? 0) - bench.frame.iss) | 0}><CTL=ACK>`;
    bench.listener?.established(first ?? bench.connection); // one that waits takes the only place
    bench.ignore().arrives(ack);
    expect([states(bench), bench.drops]).toEqual([['SYN-RECEIVED'], ['TCP_LISTEN_OVERFLOW']]);
    bench.wait(1_000);
    expect(bench.sent().map(({ header }) => header.syn)).toEqual([true]);
    bench.listener?.accept(NOBODY);
    bench.arrives(ack);
    expect(states(bench)).toEqual(['ESTABLISHED']);
  });
});

it('tells a program that accepts late what has happened meanwhile', () => {
  const bench = patient(4);
  opens(bench, 1);
  const [waiting] = bench.host.tcp.connections();
  const ack = ((waiting?.sender.nxt ?? 0) - bench.frame.iss) | 0;
  bench.arrives(`<SPORT=1><SEQ=1><ACK=${ack}><CTL=FIN,ACK><DATA=5>`).wait(1_000);
  const told: string[] = [];
  bench.listener?.accept({ connectionEvent: ({ type }: ConnectionEvent) => told.push(type) });
  bench.settle();
  expect(told).toEqual(['established', 'readable', 'end']);
});

it('resets connections that nobody accepted when it closes, and the port is free', () => {
  const bench = patient(4);
  opens(bench, 1);
  opens(bench, 2, false);
  bench.ignore().listener?.close();
  bench.settle();
  expect(bench.sent().map(({ header }) => header.rst)).toEqual([true, true]);
  bench.expectNothingLeft();
  expect(opens(bench, 3)).toBe('RST');
  expect(code(() => bench.host.tcp.listen({ port: 80 }, { connectionReady: () => {} }))).toBe('none');
});

it('forgets a half-open connection that is reset or times out', () => {
  const bench = patient(1);
  for (let port = 1; port <= 20; port++) {
    expect(opens(bench, port, false)).toBe('SYN-ACK');
    if (port % 2 === 0) bench.arrives(`<SPORT=${port}><SEQ=1><CTL=RST>`);
    else bench.wait(64_000);
    expect(bench.listener?.halfOpen).toBe(0);
  }
});

describe('listening', () => {
  it('is possible on a port that a connection uses in SYN-SENT [RFC 9293 MUST-41, MUST-42]', () => {
    const bench = new Bench().connect();
    const { port } = bench.connection.local;
    expect(code(() => bench.host.tcp.listen({ port }, { connectionReady: () => {} }))).toBe('none');
    expect(bench.connection.state).toBe('SYN-SENT');
    bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>');
    expect(bench.connection.state).toBe('ESTABLISHED');
  });

  it.each([
    ['the same port twice', { port: 80 }, 'EADDRINUSE'],
    ['one address of a port that is taken for all', { port: 80, address: HOST }, 'EADDRINUSE'],
    ['an address that is not ours', { port: 81, address: PEER }, 'EADDRNOTAVAIL'],
    ['a port that is none', { port: 65_536 }, 'EINVAL'],
    ['a part of a port', { port: 80.5 }, 'EINVAL'],
    ['any port', { port: 0 }, 'none'],
  ])('on %s: %o gives %s', (_, options, expected) => {
    const bench = patient(4);
    expect(code(() => bench.host.tcp.listen(options, { connectionReady: () => {} }))).toBe(expected);
  });

  it('on one address wins over listening on all', () => {
    const bench = new Bench();
    const ready: string[] = [];
    const all = bench.host.tcp.listen(
      { port: 80, reusePort: true },
      { connectionReady: () => ready.push('all') },
    );
    const own = { port: 80, address: HOST, reusePort: true };
    bench.listener = bench.host.tcp.listen(own, { connectionReady: () => ready.push('own') });
    opens(bench, 1);
    bench.listener.close();
    opens(bench, 2);
    all.close();
    expect(ready).toEqual(['own', 'all']);
  });

  it('several may share a port, each peer with one of them', () => {
    const bench = new Bench();
    const ready = [0, 0];
    for (const index of [0, 1]) {
      const owner = { connectionReady: () => void (ready[index] = (ready[index] ?? 0) + 1) };
      bench.listener = bench.host.tcp.listen({ port: 80, reusePort: true }, owner);
    }
    for (let port = 1; port <= 40; port++) opens(bench, port);
    expect(ready[0]).toBeGreaterThan(8);
    expect(ready[1]).toBe(40 - (ready[0] ?? 0));
  });
});

describe('connecting', () => {
  it.each([
    ['to all', ipv4(255, 255, 255, 255), 'EINVAL'],
    ['to all of a subnet', ipv4(10, 0, 0, 255), 'EINVAL'],
    ['to a group', ipv4(224, 0, 0, 1), 'EINVAL'],
    ['to nobody', ipv4(0, 0, 0, 0), 'EINVAL'],
    ['to another network', ipv4(192, 168, 7, 7), 'ENETUNREACH'],
  ])('%s is refused with an error [RFC 9293 MUST-46]', (_, address, expected) => {
    const { tcp } = new Bench().host;
    expect(code(() => tcp.connect({ remote: { address, port: 80 } }, NOBODY))).toBe(expected);
    expect(tcp.size).toBe(0);
  });

  it.each([
    ['an address that is not ours', { address: PEER }, 'EADDRNOTAVAIL'],
    ['a port that is none', { port: -1 }, 'EINVAL'],
    ['our address, and a port of our choice [RFC 9293 MUST-43]', { address: HOST, port: 7_000 }, 'none'],
  ])('from %s gives what it should', (_, local, expected) => {
    const { tcp } = new Bench().host;
    expect(code(() => tcp.connect({ remote: { address: PEER, port: 80 }, local }, NOBODY))).toBe(expected);
  });

  it('twice between the same endpoints is refused', () => {
    const { tcp } = new Bench().host;
    const again = (): unknown =>
      tcp.connect({ remote: { address: PEER, port: 80 }, local: { port: 7_000 } }, NOBODY);
    expect([code(again), code(again)]).toEqual(['none', 'EADDRINUSE']);
  });

  it('is ended at once by a hard ICMP error, which the program learns [RFC 9293 MUST-54, SHLD-26]', () => {
    const bench = new Bench();
    const told: ConnectionEvent[] = [];
    const owner = { connectionEvent: (event: ConnectionEvent) => void told.push(event) };
    const connection = bench.host.tcp.connect({ remote: { address: PEER, port: 80 } }, owner);
    bench.settle();
    icmpErrorArrives(connection, 'net-unreachable', connection.sender.iss, 0);
    icmpErrorArrives(connection, 'protocol-unreachable', add(connection.sender.iss, 9), 0); // not ours [RFC 5927 4.1]
    expect(connection.state).toBe('SYN-SENT');
    icmpErrorArrives(connection, 'protocol-unreachable', connection.sender.iss, 0);
    bench.host.run(() => connection.flush());
    bench.settle();
    expect(told).toEqual([
      { type: 'soft-error', what: 'net-unreachable' },
      { type: 'closed', reason: 'unreachable', detail: 'protocol-unreachable' },
    ]);
  });

  it('is over for ICMP once the connection is established: hard errors are soft then [RFC 5927 5.2, MUST-56]', () => {
    const bench = established();
    icmpErrorArrives(bench.connection, 'port-unreachable', bench.connection.sender.una, 0);
    bench.does((connection) => connection.flush());
    expect([bench.state, bench.told]).toEqual(['ESTABLISHED', ['soft-error port-unreachable']]);
  });
});
