import type { Random } from '../../../../stack/random.ts';
import type { AckSample } from '../../../../stack/tcp/congestion/congestion-control.ts';
import { add, seq } from '../../../../stack/tcp/sequence.ts';
import { type Instant, ms } from '../../../../stack/time.ts';

/** An ACK for `acked` bytes on a path of 100 ms with a full window, and what differs from that. */
export function ackSample(acked: number, changes: Partial<AckSample> = {}): AckSample {
  const una = changes.seqAcked ?? seq(acked);
  return {
    now: 0 as Instant,
    acked,
    delivered: acked,
    lost: 0,
    inFlight: 0,
    priorInFlight: acked,
    srtt: ms(100),
    minRtt: ms(100),
    rtt: ms(100),
    rto: ms(1_000),
    limited: true,
    afterTimeout: false,
    seqAcked: una,
    seqSent: add(una, acked),
    rate: undefined,
    ...changes,
  };
}

/** Numbers that look random and are the same each time: xorshift with 32 bits. */
export function seeded(seed: number): Random {
  let state = seed * 2_654_435_761 || 1;
  return {
    u32(): number {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    },
  };
}
