/** The user's calls in each state [RFC 9293 3.10.1 to 3.10.6]. */
import { describe, expect, it } from 'vitest';
import { ms } from '../../../stack/time.ts';
import type { TcpState } from '../../../stack/tcp/states.ts';
import { established } from './harness.ts';
import { inState } from './states.ts';

type Outcome = [from: TcpState, to: TcpState, answer?: string];

const CLOSE: Outcome[] = [
  ['SYN-SENT', 'CLOSED'],
  ['ESTABLISHED', 'FIN-WAIT-1', '<SEQ=1><ACK=1><CTL=FIN,ACK>'],
  ['FIN-WAIT-1', 'FIN-WAIT-1'],
  ['FIN-WAIT-2', 'FIN-WAIT-2'],
  ['CLOSE-WAIT', 'LAST-ACK', '<SEQ=1><ACK=2><CTL=FIN,ACK>'],
  ['CLOSING', 'CLOSING'],
  ['LAST-ACK', 'LAST-ACK'],
  ['TIME-WAIT', 'TIME-WAIT'],
];

describe.each(CLOSE)('CLOSE in %s [RFC 9293 3.10.4]', (from, to, answer) => {
  it(`leads to ${to}`, () => {
    const bench = inState(from).does((connection) => connection.shutdown());
    expect(bench.connection.state).toBe(to);
    bench.sends(...(answer === undefined ? [] : [answer]));
  });
});

const ABORT: Outcome[] = [
  ['SYN-SENT', 'CLOSED'],
  ['SYN-RECEIVED', 'CLOSED', '<SEQ=1><ACK=1><CTL=RST,ACK>'],
  ['ESTABLISHED', 'CLOSED', '<SEQ=1><ACK=1><CTL=RST,ACK>'],
  ['FIN-WAIT-1', 'CLOSED', '<SEQ=2><ACK=1><CTL=RST,ACK>'],
  ['FIN-WAIT-2', 'CLOSED', '<SEQ=2><ACK=1><CTL=RST,ACK>'],
  ['CLOSE-WAIT', 'CLOSED', '<SEQ=1><ACK=2><CTL=RST,ACK>'],
  ['CLOSING', 'CLOSED'],
  ['LAST-ACK', 'CLOSED'],
  ['TIME-WAIT', 'CLOSED'],
];

describe.each(ABORT)('ABORT in %s [RFC 9293 3.10.5]', (from, to, answer) => {
  it(answer === undefined ? 'deletes the TCB' : 'sends a RST and deletes the TCB', () => {
    const bench = inState(from).does((connection) => connection.abort());
    expect(bench.connection.state).toBe(to);
    bench.sends(...(answer === undefined ? [] : [answer])).expectNothingLeft();
  });
});

it('ABORT in LAST-ACK sends a RST if data still waits: the peer would take silence for an end', () => {
  const bench = inState('CLOSE-WAIT').arrives('<SEQ=R><ACK=1><CTL=ACK><WND=0>').write(10).ignore();
  bench.does((connection) => connection.shutdown()).does((connection) => connection.abort());
  bench.sends('<SEQ=1><ACK=2><CTL=RST,ACK>');
});

it.each<[TcpState, number]>([
  ['SYN-SENT', 10],
  ['SYN-RECEIVED', 10],
  ['ESTABLISHED', 10],
  ['FIN-WAIT-1', 0],
  ['FIN-WAIT-2', 0],
  ['CLOSE-WAIT', 10],
  ['CLOSING', 0],
  ['LAST-ACK', 0],
  ['TIME-WAIT', 0],
])('SEND in %s takes %i of 10 bytes [RFC 9293 3.10.2]', (state, took) => {
  expect(inState(state).connection.send(new Uint8Array(10))).toBe(took);
});

it('SEND before the connection is established waits for that [RFC 9293 3.10.2]', () => {
  const bench = inState('SYN-SENT').write(10).sends();
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>').sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
});

it('CLOSE in SYN-RECEIVED waits until ESTABLISHED [RFC 9293 3.10.4]', () => {
  const bench = inState('SYN-SENT').arrives('<SEQ=0><CTL=SYN>').ignore();
  bench.does((connection) => connection.shutdown()).sends();
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>').sends('<SEQ=1><ACK=1><CTL=FIN,ACK>');
  expect(bench.state).toBe('FIN-WAIT-1');
});

it('CLOSE sends what was queued before it, then the FIN [RFC 9293 3.10.4]', () => {
  const bench = established().arrives('<SEQ=1><ACK=1><CTL=ACK><WND=0>').write(10).ignore();
  bench.does((connection) => connection.shutdown()).sends();
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=100>').sends('<SEQ=1><ACK=1><CTL=FIN,ACK><DATA=10>');
});

it('RECEIVE after the peer has closed gives what is left, then nothing [RFC 9293 3.10.3]', () => {
  const bench = inState('ESTABLISHED').arrives('<SEQ=1><ACK=1><CTL=FIN,ACK><DATA=9>');
  expect(bench.told).toEqual(['readable', 'end']);
  expect([bench.read(4), bench.connection.atEnd, bench.read(), bench.connection.atEnd]).toEqual([
    4,
    false,
    5,
    true,
  ]);
  expect(bench.connection.receive()).toBeUndefined();
});

it('data still comes after CLOSE: half-close [RFC 9293 3.6]', () => {
  const bench = inState('FIN-WAIT-2').arrives('<SEQ=1><ACK=2><CTL=ACK><DATA=9>');
  expect([bench.told, bench.read()]).toEqual([['readable'], 9]);
});

it('giving up with unread data resets [RFC 9293 3.6.1, SHLD-3]', () => {
  const bench = inState('ESTABLISHED').arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=9>');
  bench.does((connection) => connection.close()).sends('<SEQ=1><ACK=10><CTL=RST,ACK>');
  expect(bench.told).toEqual(['readable', 'closed aborted']);
});

it('data after giving up is answered by a RST [RFC 9293 3.6.1, MAY-1, SHLD-3]', () => {
  const bench = inState('ESTABLISHED')
    .does((connection) => connection.close())
    .ignore();
  bench.arrives('<SEQ=1><ACK=2><CTL=ACK><DATA=9>').sends('<SEQ=2><ACK=1><CTL=RST,ACK>').expectNothingLeft();
});

it('unread data in TIME-WAIT is no reason for a RST: both sides have closed', () => {
  const bench = inState('FIN-WAIT-2').arrives('<SEQ=1><ACK=2><CTL=FIN,ACK><DATA=9>').ignore();
  bench.does((connection) => connection.close()).sends();
  expect(bench.state).toBe('TIME-WAIT');
});

it('FIN-WAIT-2 ends after 60 s if nobody waits for the peer, and never if somebody does', () => {
  const waiting = inState('FIN-WAIT-2').wait(3_600_000);
  expect(waiting.state).toBe('FIN-WAIT-2');
  const orphan = inState('FIN-WAIT-2')
    .does((connection) => connection.close())
    .wait(59_999);
  expect(orphan.state).toBe('FIN-WAIT-2');
  orphan.wait(1).expectNothingLeft();
});

it('closes simultaneously [RFC 9293 3.6, Figure 13]', () => {
  const bench = inState('ESTABLISHED').does((connection) => connection.shutdown());
  bench.sends('<SEQ=1><ACK=1><CTL=FIN,ACK>').arrives('<SEQ=1><ACK=1><CTL=FIN,ACK>');
  bench.sends('<SEQ=2><ACK=2><CTL=ACK>');
  expect(bench.state).toBe('CLOSING');
  bench.arrives('<SEQ=2><ACK=2><CTL=ACK>').sends();
  expect([bench.state, bench.told]).toEqual(['TIME-WAIT', ['end', 'closed']]);
});

it('STATUS gives the variables of the moment [RFC 9293 3.10.6]', () => {
  const bench = established().write(10);
  expect(bench.connection.info()).toMatchObject({
    state: 'ESTABLISHED',
    sendQueue: 10,
    inFlight: 10,
    mss: 1460,
  });
});

it('the Differentiated Services field can change during a connection, and goes to IP as it is [RFC 9293 MUST-48, SHLD-21, SHLD-22]', () => {
  const bench = established();
  const fields: number[] = [];
  bench.host.tracer = (event) => {
    bench.watch.see(event);
    if (event.type === 'frame' && event.direction === 'out') fields.push(event.bytes[event.head + 1] ?? -1);
  };
  bench
    .write(5)
    .does((connection) => connection.setTypeOfService(0xb8))
    .does((c) => c.setNoDelay(true))
    .write(5);
  expect(fields).toEqual([0, 0xb8]);
});

it('the user timeout may also be longer than the R2 of the host [RFC 9293 MUST-21]', () => {
  const bench = established()
    .does((connection) => connection.setUserTimeout(ms(1_000_000)))
    .write(10);
  bench.wait(999_999);
  expect(bench.state).toBe('ESTABLISHED');
  bench.wait(1);
  expect(bench.told).toEqual(['soft-error r1', 'closed timeout']);
});

it('the user timeout ends a connection that makes no progress [RFC 9293 MUST-21]', () => {
  const bench = established()
    .does((connection) => connection.setUserTimeout(ms(5_000)))
    .write(10);
  bench.wait(4_999);
  expect(bench.state).toBe('ESTABLISHED');
  bench.wait(1);
  expect(bench.told).toEqual(['closed timeout']);
  bench.expectNothingLeft();
});

it('the user timeout ends an attempt to connect as well [RFC 9293 3.10.8]', () => {
  const bench = inState('SYN-SENT').does((connection) => connection.setUserTimeout(ms(2_500)));
  bench.wait(2_499);
  expect(bench.state).toBe('SYN-SENT');
  bench.wait(1);
  expect(bench.told).toEqual(['closed timeout']);
  bench.ignore();
});

it('the user timeout of an attempt is over with it [RFC 9293 3.10.8]', () => {
  const bench = inState('SYN-SENT').does((connection) => connection.setUserTimeout(ms(2_500)));
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>').ignore();
  bench.wait(5_000);
  expect(bench.state).toBe('ESTABLISHED');
});

it('the user timeout ends a connection whose keep-alive probes are not answered [RFC 5482 4.2]', () => {
  const bench = established()
    .does((connection) => connection.setKeepAlive({ idle: ms(1_000), interval: ms(1_000), count: 9 }))
    .does((connection) => connection.setUserTimeout(ms(2_500)));
  bench.wait(2_900).ignore();
  expect(bench.state).toBe('ESTABLISHED');
  bench.wait(200).ignore();
  expect(bench.told).toEqual(['closed keepalive']);
});
