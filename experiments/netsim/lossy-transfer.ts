import { pair } from '../../sim/sim.ts';
import type { SettingsChanges, TcpSettings } from '../../stack/settings.ts';
import { ms, seconds } from '../../stack/time.ts';
import { type Sink, Source, sinks } from '../bulk.ts';
import { quietWorld, silence } from '../quiet-world.ts';

/** One run of a cell of the table. */
export interface LossyTransfer {
  /** Bytes of the send and of the receive buffer, at both ends. */
  readonly buffer: number;
  /** Loss, independent, in both directions, 0..1. */
  readonly loss: number;
  readonly seed: number;
  /** Bytes in one direction. */
  readonly bytes: number;
  /** Settings that differ from `SETTINGS`. */
  readonly tcp?: Partial<TcpSettings>;
}

/**
 * What both hosts run with, beside the buffers. `linux`: RTO floor 200 ms, quick and 40 ms delayed ACKs. Nagle off: the program has more
 * than a buffer to send, so a small segment is small only because the buffer is. R2 of a day: a connection has to survive a loss of 30 %.
 */
export const SETTINGS: SettingsChanges = {
  profile: 'linux',
  tcp: { nagle: false, r2: seconds(86_400), synRetries: 20 },
};

/** Bytes per virtual second from the first SYN (and ARP request) to the last byte read. */
export function lossyTransfer({ buffer, loss, seed, bytes, tcp }: LossyTransfer): number {
  const world = quietWorld(seed);
  const range = { from: buffer, to: buffer };
  const settings: SettingsChanges = {
    ...SETTINGS,
    tcp: { ...SETTINGS.tcp, sendBuffer: range, receiveBuffer: range, ...tcp },
  };
  const { a, b } = pair(
    world,
    { medium: 'ethernet', mtu: 1500, delay: ms(50), ...(loss > 0 && { loss }) },
    { a: { settings }, b: { settings } },
  );
  silence(a, b);
  const made: { sink?: Sink } = {};
  sinks(b.host, 80, (sink) => (made.sink = sink));
  const source = new Source(a.host, b.address, 80, bytes);
  while ((made.sink?.received ?? 0) < bytes) {
    if (!world.step() || source.reason !== undefined)
      throw new Error(
        `buffer ${buffer}, loss ${loss}, seed ${seed}: ended (${source.reason}) with ${made.sink?.received} of ${bytes} bytes`,
      );
    source.poll();
  }
  return (bytes * 1e6) / world.now;
}
