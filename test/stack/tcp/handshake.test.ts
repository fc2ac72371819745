import { expect, it } from 'vitest';
import { Bench, established } from './harness.ts';

it('opens actively in three segments [RFC 9293 3.5, Figure 6]', () => {
  const bench = new Bench().connect().sends('<SEQ=0><CTL=SYN><MSS=1460><WND=65535>');
  expect(bench.state).toBe('SYN-SENT');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1460>').sends('<SEQ=1><ACK=1><CTL=ACK>');
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.told).toEqual(['established']);
});
it('x', () => {
  const b = established();
  b.write(10).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
  b.arrives('<SEQ=1><ACK=11><CTL=ACK><DATA=5>');
  expect(b.read()).toBe(5);
  b.sendsAt(200, '<SEQ=11><ACK=6><CTL=ACK>');
});
