import { type Duration, ms, seconds, us } from '../../stack/time.ts';
import type { SettingsChanges, TcpSettings } from '../../stack/settings.ts';
import { type Sink, Source, sinks } from '../bulk.ts';
import { quietWorld, silence } from '../quiet-world.ts';
import { jain } from '../statistics.ts';

/** The bottleneck that two flows of equal round-trip time share. */
export interface Bottleneck {
  /** Bits per second. */
  readonly rate: number;
  /** Without the queue, in µs. */
  readonly roundTrip: Duration;
  /** Drop-tail, in bandwidth-delay products. */
  readonly queue: number;
  /** From when on, and until when, what arrives is counted, in µs. */
  readonly from: Duration;
  readonly until: Duration;
}

/** Two flows on it. */
export interface Sharing extends Bottleneck {
  readonly seed: number;
  /** Settings of the first sender and of the second, beside the profile `linux`. */
  readonly first: Partial<TcpSettings>;
  readonly second: Partial<TcpSettings>;
}

/** What came of it. */
export interface SharingResult {
  readonly jain: number;
  /** The first flow's share of both, 0..1. */
  readonly share: number;
  /** Payload of both ÷ the bottleneck's rate. */
  readonly use: number;
  /** Share of the packets that the queue dropped, from the beginning. */
  readonly drops: number;
}

/** What is measured unless another is wanted. */
export const BOTTLENECK: Bottleneck = {
  rate: 20_000_000,
  roundTrip: ms(40),
  queue: 1,
  from: seconds(10),
  until: seconds(40),
};

/** The size in bytes of the bottleneck's queue. */
export function queueBytes({ rate, roundTrip, queue }: Bottleneck): number {
  return Math.round((rate / 8e6) * roundTrip * queue);
}

/**
 * Two senders, a router, the bottleneck, one receiver. Each flow begins within the first two seconds, when the seed says; the way to the
 * router varies by up to 1 ms without reordering, so that the two do not move in step.
 */
export function sharing(of: Sharing): SharingResult {
  const world = quietWorld(of.seed);
  const settings = (tcp: Partial<TcpSettings>): { settings: SettingsChanges } => ({
    settings: { profile: 'linux', tcp },
  });
  const senders = [
    world.host('first', settings(of.first)),
    world.host('second', settings(of.second)),
  ] as const;
  const receiver = world.host('receiver', settings({}));
  const router = world.router('router');
  const half = us(of.roundTrip / 4);
  const jitter = { distribution: 'uniform', spread: us(500), ordered: true } as const;
  for (const sender of senders) world.link(sender, router, { delay: half, 'a→b': { delay: half, jitter } });
  const bottleneck = world.link(router, receiver, {
    delay: half,
    'a→b': {
      delay: half,
      rate: { bitsPerSecond: of.rate },
      queue: { discipline: 'drop-tail', bytes: queueBytes(of) },
    },
  });
  silence(...senders, receiver);
  let dropped = 0;
  world.read((event) => {
    if (event.type === 'link-loss') dropped += 1;
  });
  const random = world.random('starts');
  const ends: { sink?: Sink }[] = senders.map((sender, index) => {
    const end: { sink?: Sink } = {};
    sinks(receiver.host, 80 + index, (sink) => (end.sink = sink));
    const wait = us(random.u32() % 2_000_000);
    world.at(
      world.in(wait),
      () => void new Source(sender.host, receiver.address, 80 + index, Number.MAX_SAFE_INTEGER),
    );
    return end;
  });
  const received = (): number[] => ends.map(({ sink }) => sink?.received ?? 0);
  world.run(world.in(of.from));
  const before = received();
  world.run(world.in(us(of.until - of.from)));
  const shares = received().map((bytes, index) => bytes - (before[index] ?? 0));
  const [first = 0, second = 0] = shares;
  return {
    jain: jain(shares),
    share: first / (first + second),
    use: ((first + second) * 8e6) / (of.until - of.from) / of.rate,
    drops: dropped / bottleneck['a→b'].entered,
  };
}
