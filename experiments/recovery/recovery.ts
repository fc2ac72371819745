import { pair } from '../../sim/sim.ts';
import type { SettingsChanges, TcpSettings } from '../../stack/settings.ts';
import { type Instant, ms, us } from '../../stack/time.ts';
import { type Sink, Source, sinks } from '../bulk.ts';
import { quietWorld, silence } from '../quiet-world.ts';
import { type LossPattern, Loser, ONE_WAY, SEGMENTS, SIZE } from './pattern.ts';

/** One burst of 100 segments with losses. */
export interface RecoveryCase {
  readonly pattern: LossPattern;
  readonly tcp?: Partial<TcpSettings>;
}

/** How it went. */
export interface RecoveryResult {
  /** From the first segment's departure until the receiver had everything, in µs. */
  readonly took: number;
  /** Expiries of the retransmission timer. */
  readonly timeouts: number;
  /** Of these, those before which the last segment that left was not lost: the peer could still have told us. */
  readonly needless: number;
  /** Data segments sent beyond the 100, and those of them that were not lost before. */
  readonly retransmissions: number;
  readonly spurious: number;
}

/** An initial window of 100 segments, and a receive window that takes them. */
export const SETTINGS: SettingsChanges = {
  profile: 'linux',
  tcp: {
    initialWindow: SEGMENTS,
    sendBuffer: { from: 1 << 20, to: 1 << 20 },
    receiveBuffer: { from: 1 << 20, to: 1 << 20 },
  },
};

/** First one byte goes and is acknowledged, so that the window is more than a SYN-ACK can offer; then the 100 segments at once. */
export function recovery({ pattern, tcp }: RecoveryCase): RecoveryResult {
  const world = quietWorld(1);
  const settings = { ...SETTINGS, tcp: { ...SETTINGS.tcp, ...tcp } };
  const { a, b, link } = pair(world, { delay: us(ONE_WAY) }, { a: { settings }, b: { settings } });
  silence(a, b);
  const made: { sink?: Sink } = {};
  sinks(b.host, 80, (sink) => (made.sink = sink));
  const source = new Source(a.host, b.address, 80, 1);
  world.run(ms(500) as number as Instant);
  const { sender } = source.connection;
  const first = sender.nxt;
  const loser = new Loser(pattern);
  link.rule({
    name: 'the pattern',
    direction: 'a→b',
    optional: true,
    verdict: ({ tcp: header, payload }) => {
      if (header === undefined || payload.length === 0) return 'pass';
      return loser.takes((header.seq - first) | 0) ? 'drop' : 'pass';
    },
  });
  let timeouts = 0;
  let needless = 0;
  a.host.tracer = (event) => {
    if (event.type !== 'timer' || event.timer !== 'retransmission' || event.action !== 'fired') return;
    timeouts += 1;
    if (!loser.lastLost) needless += 1;
  };
  const begun = world.now;
  source.left = SEGMENTS * SIZE;
  source.pump();
  const all = 1 + SEGMENTS * SIZE;
  if (!world.runUntil(() => made.sink?.received === all))
    throw new Error(`${JSON.stringify(pattern)}: ${made.sink?.received} of ${all} bytes arrived`);
  const { seen, lost } = loser;
  const retransmissions = seen - SEGMENTS;
  return { took: world.now - begun, timeouts, needless, retransmissions, spurious: retransmissions - lost };
}
