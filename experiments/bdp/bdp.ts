import { pair } from '../../sim/sim.ts';
import type { SettingsChanges, TcpSettings } from '../../stack/settings.ts';
import { type Duration, type Instant, ms, seconds, us } from '../../stack/time.ts';
import { type Sink, Source, sinks } from '../bulk.ts';
import { quietWorld, silence } from '../quiet-world.ts';

/** A transfer over a path with a large bandwidth-delay product. */
export interface LargePath {
  /** Bits per second, and bytes of an IP packet. */
  readonly rate: number;
  readonly mtu: number;
  readonly roundTrip: Duration;
  /** How long, in µs of virtual time. */
  readonly lasts: Duration;
  readonly seed: number;
  readonly tcp?: Partial<TcpSettings>;
}

/** What came of it. */
export interface LargePathResult {
  /** Payload received in each round-trip time ÷ what the link can carry of it. */
  readonly use: readonly number[];
  /** When 90 % were reached first, in µs; undefined: never. */
  readonly rampUp: number | undefined;
  /** Of all after that, the mean. */
  readonly steady: number;
  readonly drops: number;
  /** At the end. */
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

const MIB = 1024 * 1024;

/** Buffers up to 256 MiB, from the defaults up. */
export const SETTINGS: SettingsChanges = {
  profile: 'linux',
  tcp: {
    sendBuffer: { from: MIB / 4, to: 256 * MIB },
    receiveBuffer: { from: MIB / 8, to: 256 * MIB },
  },
};

/** 10 Gbit/s over 100 ms, with a queue of one bandwidth-delay product. */
export const LARGE: LargePath = { rate: 1e10, mtu: 1500, roundTrip: ms(100), lasts: seconds(5), seed: 1 };

export function largePath(of: LargePath): LargePathResult {
  const world = quietWorld(of.seed);
  const settings = { ...SETTINGS, tcp: { ...SETTINGS.tcp, ...of.tcp } };
  const delay = us(of.roundTrip / 2);
  const product = Math.round((of.rate / 8e6) * of.roundTrip);
  const { a, b } = pair(
    world,
    {
      mtu: of.mtu,
      delay,
      'a→b': {
        delay,
        rate: { bitsPerSecond: of.rate },
        queue: { discipline: 'drop-tail', bytes: product },
      },
    },
    { a: { settings }, b: { settings } },
  );
  silence(a, b);
  let drops = 0;
  world.read((event) => {
    if (event.type === 'link-loss') drops += 1;
  });
  const made: { sink?: Sink } = {};
  sinks(b.host, 80, (sink) => (made.sink = sink));
  const source = new Source(a.host, b.address, 80, Number.MAX_SAFE_INTEGER);
  const use: number[] = [];
  const most = (product * (of.mtu - 52)) / of.mtu;
  for (let at = of.roundTrip as number; at <= of.lasts; at += of.roundTrip) {
    const before = made.sink?.received ?? 0;
    world.run(at as Instant);
    use.push(((made.sink?.received ?? 0) - before) / most);
  }
  const ramped = use.findIndex((share) => share >= 0.9);
  const after = ramped < 0 ? [] : use.slice(ramped);
  const { sender } = source.connection;
  return {
    use,
    rampUp: ramped < 0 ? undefined : (ramped + 1) * of.roundTrip,
    steady: after.reduce((total, share) => total + share, 0) / after.length,
    drops,
    cwnd: sender.congestion.cwnd,
    ssthresh: sender.congestion.ssthresh,
    receiveBuffer: made.sink?.connection?.receiver.buffer ?? 0,
    sendBuffer: sender.queue.limit,
  };
}
