import { expect, it } from 'vitest';
import { Bench, established } from './harness.ts';
import { inState } from './states.ts';

it('opens actively in three segments [RFC 9293 3.5, Figure 6]', () => {
  const bench = new Bench().connect().sends('<SEQ=0><CTL=SYN><WND=65535><MSS=1460>');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').sends('<SEQ=1><ACK=1><CTL=ACK>');
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.told).toEqual(['established']);
});

it('opens passively, and keeps listening [RFC 9293 3.10.7.2]', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN><MSS=1460>');
  bench.sends('<SEQ=0><ACK=1><CTL=SYN,ACK><WND=65535><MSS=1460>');
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK>').sends();
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.told).toEqual(['established']);
  bench.arrives('<SPORT=40001><SEQ=0><CTL=SYN>');
  expect(bench.host.tcp.size).toBe(2);
});

it('opens simultaneously in four segments [RFC 9293 3.5, Figure 7, MUST-10]', () => {
  const bench = new Bench().connect().sends('<SEQ=0><CTL=SYN>');
  bench.arrives('<SEQ=0><CTL=SYN><MSS=1460>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  expect(bench.state).toBe('SYN-RECEIVED');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').sends();
  expect(bench.state).toBe('ESTABLISHED');
  bench.write(5).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=5>');
});

it('takes the window of a SYN-ACK unscaled, also in a simultaneous open [RFC 7323 2.3]', () => {
  const bench = new Bench({ tcp: { windowScaling: true } }).connect();
  bench.arrives('<SEQ=0><CTL=SYN><MSS=1460><WS=7><WND=2000>');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460><WS=7><WND=2000>');
  expect(bench.info('snd.wnd')).toBe(2_000);
  expect(bench.info('max.snd.wnd')).toBe(2_000);
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=10>');
  expect(bench.info('snd.wnd')).toBe(1_280);
});

it('recovers from an old duplicate SYN [RFC 9293 3.5, Figure 8]', () => {
  const bench = inState('SYN-RECEIVED'); // the SYN that came was old
  bench.arrives('<SEQ=1><CTL=RST>');
  expect(bench.host.tcp.size).toBe(0); // back to LISTEN: the connection is no more
  bench.arrives('<SEQ=500><CTL=SYN>').sends('<SEQ=0><ACK=501><CTL=SYN,ACK>');
});

it('finds that its peer has crashed, and is reset [RFC 9293 3.5.1, Figure 9]', () => {
  const bench = inState('ESTABLISHED');
  // The peer opens anew, knowing nothing: an ACK tells it of the half-open connection, and it resets that.
  bench.arrives('<SEQ=70000><CTL=SYN>').sends('<SEQ=1><ACK=1><CTL=ACK>');
  bench.arrives('<SEQ=1><CTL=RST>').sends();
  expect(bench.connection.state).toBe('CLOSED');
  expect(bench.told).toEqual(['closed reset']);
});

it('resets a peer that sends into a connection it does not have [RFC 9293 3.5.1, Figure 10]', () => {
  const bench = new Bench().arrives('<SEQ=300><ACK=100><CTL=ACK><DATA=10>');
  bench.sends('<SEQ=100><CTL=RST>').expectNothingLeft();
});

it('resets the answer to an old duplicate SYN when nobody opens [RFC 9293 3.5.1, Figure 11]', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  bench.arrives('<SEQ=1><CTL=RST>').sends().expectNothingLeft();
});

it('answers a SYN again when its SYN-ACK was lost, and does not time that handshake (Karn) [RFC 6298 3]', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN><MSS=1460>').ignore();
  bench.at(900).arrives('<SEQ=0><CTL=SYN><MSS=1460>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  bench.at(950).arrives('<SEQ=1><ACK=1><CTL=ACK>');
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.connection.rtt.srtt).toBeUndefined();
});

it('acknowledges a SYN-ACK again when its ACK was lost', () => {
  const bench = established();
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').sends('<SEQ=1><ACK=1><CTL=ACK>');
});

it('takes data that came with a SYN once the connection is established [RFC 9293 3.10.7.2]', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN><MSS=1460><DATA=5>');
  bench.sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  expect(bench.connection.readable).toBe(0);
  bench.arrives('<SEQ=6><ACK=1><CTL=ACK>').sends('<SEQ=1><ACK=6><CTL=ACK>');
  expect(bench.told).toEqual(['established', 'readable']);
  expect(bench.read()).toBe(5);
});

it('reads data and FIN of a SYN-ACK on with the sixth step [RFC 9293 3.10.7.3]', () => {
  const bench = new Bench().connect().arrives('<SEQ=0><ACK=1><CTL=SYN,FIN,ACK><MSS=1460><DATA=5>');
  expect(bench.told).toEqual(['established', 'readable', 'end']);
  expect(bench.state).toBe('CLOSE-WAIT');
  expect(bench.read()).toBe(5);
});

it('measures the round trip of a handshake once, with timestamps too [RFC 6298 2.2]', () => {
  const bench = new Bench({ tcp: { timestamps: true } }).listen().arrives('<SEQ=0><CTL=SYN><TS=9/->');
  bench.at(100).arrives('<SEQ=1><ACK=1><CTL=ACK><TS=10/0>');
  expect(bench.connection.rtt).toMatchObject({ srtt: 100_000, rttvar: 50_000 });
});

it('does not open cwnd for the ACK of its SYN [RFC 5681 3.1]', () => {
  const bench = new Bench({ tcp: { initialWindow: 1 } }).listen().arrives('<SEQ=0><CTL=SYN><MSS=1000>');
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK>');
  expect(bench.info('cwnd')).toBe(1_000);
});

it('is refused by a RST [RFC 9293 3.10.7.3], and says so', () => {
  const bench = new Bench().connect().arrives('<SEQ=0><ACK=1><CTL=RST,ACK>');
  expect(bench.told).toEqual(['closed refused']);
  bench.expectNothingLeft();
});

it('is refused by a RST in SYN-RECEIVED after an active open [RFC 9293 3.10.7.4, MUST-11]', () => {
  const bench = new Bench().connect().arrives('<SEQ=0><CTL=SYN>').arrives('<SEQ=1><ACK=1><CTL=RST,ACK>');
  expect(bench.told).toEqual(['closed refused']);
  bench.expectNothingLeft();
});

it('goes back to LISTEN when another SYN comes into the window of SYN-RECEIVED [RFC 9293 3.10.7.4]', () => {
  const bench = inState('SYN-RECEIVED').arrives('<SEQ=100><CTL=SYN>').sends();
  expect(bench.host.tcp.size).toBe(0);
  bench.arrives('<SEQ=100><CTL=SYN>').sends('<SEQ=0><ACK=101><CTL=SYN,ACK>');
});
