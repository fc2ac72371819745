import type { Settings } from '../../stack/settings.ts';
import { type Duration, us } from '../../stack/time.ts';

/** What a transfer has before it when the faults stop. */
export interface LivenessCase {
  /** Of both hosts; the slower values count. */
  readonly settings: readonly Settings[];
  /** Bytes that are still to be acknowledged. */
  readonly bytes: number;
  /** Longest round trip without queueing, in µs. */
  readonly roundTrip: Duration;
  /** Bits per second of the slowest link. */
  readonly bitsPerSecond?: number;
  /** How long until the timers that run now go off, in µs; without it the longest that they can be set to. */
  readonly pending?: Duration;
  /** Payload bytes per segment; 536 at first, the smallest that is usual. */
  readonly mss?: number;
}

/**
 * How long a transfer may take once the faults have stopped (invariant 11). The timers that back off may just have been set: the longest
 * RTO and the longest persist interval. Then, at worst, one segment per round trip and delayed ACK: a loss recovery without SACK
 * repairs one hole per round trip, and a window may be one segment wide.
 */
export function livenessBound(of: LivenessCase): Duration {
  const most = (value: (settings: Settings) => number): number => Math.max(...of.settings.map(value));
  const waiting = of.pending ?? most(({ tcp }) => tcp.maxRto + tcp.maxPersist);
  const mss = of.mss ?? 536;
  const segments = Math.ceil(of.bytes / mss) + 8; // handshake and FINs
  const sending = of.bitsPerSecond === undefined ? 0 : (segments * (mss + 60) * 8_000_000) / of.bitsPerSecond;
  const turn = of.roundTrip + most(({ tcp }) => tcp.delayedAck + tcp.override);
  return us(waiting + segments * turn + 2 * sending);
}
