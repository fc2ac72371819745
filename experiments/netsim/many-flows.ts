import { pair } from '../../sim/sim.ts';
import { type Duration, ms, seconds } from '../../stack/time.ts';
import type { TcpSettings } from '../../stack/settings.ts';
import { type Sink, Source, sinks } from '../bulk.ts';
import { quietWorld, silence } from '../quiet-world.ts';
import { jain } from '../statistics.ts';

/** Many flows over one bottleneck. */
export interface ManyFlows {
  readonly flows: number;
  readonly seed: number;
  readonly roundTrip: Duration;
  /** How long, in µs of virtual time; the flows begin within the first 100 ms. */
  readonly lasts: Duration;
  readonly tcp?: Partial<TcpSettings>;
}

/** What came of it. */
export interface ManyFlowsResult {
  /** Jain's index over the bytes that each flow brought. */
  readonly fairness: number;
  /** Share of the packets of the data direction that the queue dropped. */
  readonly tailDrops: number;
  /** Bytes received per second by all, in bits, ÷ the rate of the link. */
  readonly use: number;
}

const RATE = 200_000_000;
const BUFFER = { from: 256 * 1024, to: 256 * 1024 };

/** 200 Mb/s with a drop-tail queue of 64 KiB before it, buffers of 256 KiB, back without a limit. */
export function manyFlows({ flows, seed, roundTrip, lasts, tcp }: ManyFlows): ManyFlowsResult {
  const world = quietWorld(seed);
  const settings = {
    profile: 'linux' as const,
    tcp: { nagle: false, sendBuffer: BUFFER, receiveBuffer: BUFFER, ...tcp },
  };
  const { a, b, link } = pair(
    world,
    {
      medium: 'ethernet',
      mtu: 1500,
      delay: ms(roundTrip / 2000),
      'a→b': { rate: { bitsPerSecond: RATE }, queue: { discipline: 'drop-tail', bytes: 64 * 1024 } },
    },
    { a: { settings }, b: { settings } },
  );
  silence(a, b);
  let dropped = 0;
  world.read((event) => {
    if (event.type === 'link-loss') dropped += 1;
  });
  const ends: Sink[] = [];
  sinks(b.host, 80, (sink) => ends.push(sink));
  const random = world.random('starts');
  for (let flow = 0; flow < flows; flow++) {
    const wait = random.u32() % 100_000;
    world.at(
      world.in(wait as Duration),
      () => void new Source(a.host, b.address, 80, Number.MAX_SAFE_INTEGER),
    );
  }
  world.run(world.in(lasts));
  const shares = ends.map(({ received }) => received);
  while (shares.length < flows) shares.push(0);
  const bits = shares.reduce((total, share) => total + share, 0) * 8;
  return {
    fairness: jain(shares),
    tailDrops: dropped / link['a→b'].entered,
    use: bits / (lasts / 1e6) / RATE,
  };
}

/** The cases of the second table. */
export const FLOWS: readonly number[] = [1, 2, 4, 16, 32, 64];
export const LASTS: Duration = seconds(10);
