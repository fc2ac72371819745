/** A connection in each state, reached by the segments of RFC 9293 Figure 5. */
import { expect } from 'vitest';
import type { TcpState } from '../../../stack/tcp/states.ts';
import { Bench, type BenchOptions, established } from './harness.ts';

/** Window of 1,000 bytes, and no options, so that numbers in tests stay small. */
export const SMALL: BenchOptions = { tcp: { receiveBuffer: { from: 1_000, to: 1_000 } } };

/** The states in which RFC 9293 3.10.7.4 looks at segments. */
export const OTHER_STATES: readonly TcpState[] = [
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
];

/** A bench whose connection is in `state`, with nothing unread. */
export function inState(state: TcpState, options: BenchOptions = SMALL): Bench {
  const bench = reach(state, options);
  expect(bench.state).toBe(state);
  bench.ignore();
  bench.told.length = 0;
  bench.drops.length = 0;
  return bench;
}

function reach(state: TcpState, options: BenchOptions): Bench {
  if (state === 'SYN-SENT') return new Bench(options).connect();
  if (state === 'SYN-RECEIVED') return new Bench(options).listen().arrives('<SEQ=0><CTL=SYN><MSS=1460>');
  const bench = established(options);
  const close = (): Bench => bench.does((connection) => connection.shutdown());
  const fin = (ack: number): Bench => bench.arrives(`<SEQ=1><ACK=${ack}><CTL=FIN,ACK>`);
  switch (state) {
    case 'FIN-WAIT-1':
      return close();
    case 'FIN-WAIT-2':
      return close().arrives('<SEQ=1><ACK=2><CTL=ACK>');
    case 'CLOSE-WAIT':
      return fin(1);
    case 'CLOSING':
      close();
      return fin(1);
    case 'LAST-ACK':
      fin(1);
      return close();
    case 'TIME-WAIT':
      close();
      return fin(2);
    default:
      return bench;
  }
}
