import type { Impairments } from '../../../sim/link/impairments.ts';
import type { LossModel } from '../../../sim/link/loss.ts';
import type { Middlebox } from '../../../sim/middlebox/middlebox.ts';
import type { QueueOptions } from '../../../sim/queue/queue.ts';
import { clampMss, Firewall, type Flow, Nat, rewriteWindow, stripOptions } from '../../../sim/sim.ts';
import type { ScenarioContext } from '../../../sim/scenario/scenario.ts';
import { type Random, randomBelow } from '../../../stack/random.ts';
import { type Instant, ms, seconds, us } from '../../../stack/time.ts';

export const name = '1 MiB under a random mix of all impairments';

/** Bytes of the transfer; each 4 of them tell their place. */
const BYTES = 1 << 20;

/** 1 MiB from `a` to `b` over a link whose impairments are drawn: exact bytes, or the user timeout. */
export function scenario({ world }: ScenarioContext): void {
  const random = world.random('mix');
  const a = world.host('a');
  const b = world.host('b');
  const boxes = drawMiddleboxes(random);
  const link = world.link(a, b, {
    'a→b': { ...drawImpairments(random), middleboxes: boxes },
    'b→a': { ...drawImpairments(random), middleboxes: boxes.toReversed() },
  });
  drawSchedule(random, link);
  if (oneIn(random, 8)) {
    const from = between(random, 100, 1_500);
    const when = {
      from: instant(from),
      to: instant(from + between(random, 10, 2_000)),
      oneWay: oneIn(random, 2),
    };
    world.partition([a], [b], when);
  }
  const total = world.size('bytes', BYTES);
  const data = new Uint8Array(total);
  for (let at = 0; at < total; at++) data[at] = (at * 7 + (at >>> 8) * 13 + (at >>> 16)) & 0xff;
  let received = 0;
  let ended = false;
  let server: Flow | undefined;
  b.listen(80, (flow) => (server = flow), {
    heard: (event, flow) => {
      received = flow.received;
      if (event.type === 'end') ended = true;
    },
  });
  const client = a.connect(b, 80);
  client.connection.setUserTimeout(seconds(300));
  client.send(data).end();
  world.run();
  // Its peer has not heard that the client gave up, and without keep-alive it never would.
  if (client.reason === 'timeout' && server?.closed === false) server.abort();
  world.run();
  if (client.reason === undefined && !(ended && received === total))
    throw new Error(`the transfer ended well, but ${received} of ${total} bytes came`);
  if (client.reason !== undefined && client.reason !== 'timeout')
    throw new Error(`the transfer ended by ${client.reason}, which is neither the end nor the user timeout`);
}

function one<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[randomBelow(random, choices.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

/** True once in `n`. */
function oneIn(random: Random, n: number): boolean {
  return randomBelow(random, n) === 0;
}

function between(random: Random, from: number, to: number): number {
  return from + randomBelow(random, to - from + 1);
}

/** `tenThousandths` at most, as a probability. */
function upTo(random: Random, tenThousandths: number): number {
  return randomBelow(random, tenThousandths + 1) / 10_000;
}

function drawImpairments(random: Random): Impairments {
  const delay = ms(between(random, 0, 60));
  return {
    delay,
    ...(oneIn(random, 3) && {
      jitter: {
        distribution: one(random, ['uniform', 'normal', 'pareto', 'pareto-normal', 'laplace'] as const),
        spread: us(between(random, 0, delay >> 2)),
        correlation: upTo(random, 5_000),
        ordered: oneIn(random, 2),
      },
    }),
    ...(oneIn(random, 2) && { loss: drawLoss(random) }),
    ...(oneIn(random, 4) && {
      corruption: { p: upTo(random, 50), kind: one(random, ['bit', 'byte', 'truncate'] as const) },
    }),
    ...(oneIn(random, 4) && {
      duplication: {
        p: upTo(random, 300),
        copies: between(random, 1, 3),
        delay: us(between(random, 0, 20_000)),
      },
    }),
    ...(oneIn(random, 4) && {
      reordering: { p: upTo(random, 300), delay: us(between(random, 1, 40_000)), gap: between(random, 1, 4) },
    }),
    ...(oneIn(random, 2) && {
      rate: { bitsPerSecond: between(random, 1, 100) * 1_000_000, burst: one(random, [0, 0, 15_000]) },
      queue: drawQueue(random),
    }),
    ...(oneIn(random, 12) && {
      slots: {
        minDelay: us(500),
        maxDelay: us(between(random, 500, 5_000)),
        packets: between(random, 4, 32),
      },
    }),
    ...(oneIn(random, 12) && {
      pathMtu: {
        bytes: one(random, [1500, 1500, 1500, between(random, 1200, 1499)]),
        tooBig: one(random, ['icmp', 'black-hole'] as const),
      },
    }),
  };
}

function drawLoss(random: Random): LossModel {
  switch (randomBelow(random, 4)) {
    case 0:
      return { model: 'independent', p: upTo(random, 300), correlation: upTo(random, 3_000) };
    case 1:
      return { model: 'gilbert-elliott', p: upTo(random, 50), r: 0.2 + upTo(random, 5_000) };
    case 2:
      return {
        model: 'four-state',
        p13: upTo(random, 50),
        p31: 0.5,
        p32: 0.2,
        p23: 0.3,
        p14: upTo(random, 50),
      };
    default:
      return { model: 'every', n: between(random, 40, 400) };
  }
}

function drawQueue(random: Random): QueueOptions {
  const packets = between(random, 20, 200);
  switch (randomBelow(random, 4)) {
    case 0:
      return { discipline: 'drop-tail', packets };
    case 1:
      return { discipline: 'red', min: packets >> 2, max: packets, ecn: oneIn(random, 2) };
    case 2:
      return { discipline: 'codel', ecn: oneIn(random, 2) };
    default:
      return { discipline: 'fq-codel' };
  }
}

function drawMiddleboxes(random: Random): readonly Middlebox[] {
  const boxes: Middlebox[] = [];
  if (oneIn(random, 6)) boxes.push(stripOptions([one(random, [3, 4, 8])], 'syn'));
  if (oneIn(random, 6)) boxes.push(clampMss(between(random, 500, 1400)));
  if (oneIn(random, 12)) boxes.push(rewriteWindow((window) => Math.min(window, 20_000)));
  if (oneIn(random, 8)) boxes.push(new Firewall({ unknown: one(random, ['drop', 'reset'] as const) }));
  if (oneIn(random, 8)) boxes.push(new Nat({ address: '10.0.1.200' })); // last on the way out
  return boxes;
}

function instant(milliseconds: number): Instant {
  return ms(milliseconds) as number as Instant;
}

function drawSchedule(random: Random, link: ReturnType<ScenarioContext['world']['link']>): void {
  const directions = one(random, ['both', 'a→b', 'b→a'] as const);
  const from = between(random, 100, 2_000);
  if (oneIn(random, 4)) link.down(instant(from), instant(from + between(random, 10, 3_000)), directions);
  if (oneIn(random, 8)) link.clog(instant(from), instant(from + between(random, 10, 500)), directions);
  if (oneIn(random, 8)) link.change(instant(from), { delay: ms(between(random, 0, 100)) }, directions);
}
