import type { Impairments } from '../../../sim/link/impairments.ts';
import type { LinkOptions } from '../../../sim/link/link.ts';
import type { Middlebox } from '../../../sim/middlebox/middlebox.ts';
import type { QueueOptions } from '../../../sim/queue/queue.ts';
import { clearEcnFlags, overwriteEcn, stripOptions } from '../../../sim/sim.ts';
import { type Random, randomBelow } from '../../../stack/random.ts';
import type { SettingsChanges, TcpSettings } from '../../../stack/settings.ts';
import { ms, us } from '../../../stack/time.ts';
import { thinAcks } from './ack-thinning.ts';

/** One of `choices`, the first as often as the others. */
export function one<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[randomBelow(random, choices.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

/** True once in `n`. */
export function oneIn(random: Random, n: number): boolean {
  return randomBelow(random, n) === 0;
}

/** `from` to `to`, both included. */
export function between(random: Random, from: number, to: number): number {
  return from + randomBelow(random, to - from + 1);
}

/** Every setting of TCP that changes what goes over the wire, each drawn by itself. */
export function drawSettings(random: Random): SettingsChanges {
  const flag = (): boolean => oneIn(random, 2);
  const mostly = (): boolean => !oneIn(random, 5);
  const buffer = 1024 * between(random, 1, oneIn(random, 3) ? 256 : 48);
  const tcp: Partial<TcpSettings> = {
    receiveBuffer: { from: buffer, to: flag() ? buffer : buffer * 4 },
    sendBuffer: { from: one(random, [2048, 8192, 65_536]), to: one(random, [65_536, 262_144]) },
    windowScaling: mostly(),
    timestamps: flag(),
    nagle: flag(),
    ackPerBatch: flag(),
    quickAcks: one(random, [0, 0, 16]),
    limitedTransmit: flag(),
    sack: mostly(),
    dsack: mostly(),
    rack: mostly(),
    tailLossProbe: mostly(),
    proportionalRateReduction: mostly(),
    frto: mostly(),
    undo: mostly(),
    congestion: one(random, ['newreno', 'cubic', 'cubic', 'bbr', 'none'] as const),
    hystart: flag(),
    pacing: one(random, ['auto', 'auto', 'on', 'off'] as const),
    cwndValidation: flag(),
    slowStartAfterIdle: flag(),
    ecn: one(random, ['off', 'passive', 'on', 'accurate'] as const),
    accurateEcnOption: flag(),
    fastOpen: one(random, ['off', 'client', 'server', 'both', 'both'] as const),
    fastOpenQueue: one(random, [1, 4, 256]),
    synCookies: one(random, ['off', 'overflow', 'overflow', 'always'] as const),
    timeWaitRecords: one(random, [1, 2, 65_536]),
    mtuProbing: one(random, ['off', 'black-hole'] as const),
    superSegments: flag(),
    initialWindow: one(random, [1, 3, 10, 10]),
    notSentLowat: one(random, [Infinity, Infinity, 1, 4096]),
    minMss: one(random, [48, 48, 536]),
    bytesPerRange: one(random, [256, 4096]),
    rfc1337: flag(),
    ...(oneIn(random, 8) && { maxMemory: between(random, 40, 400) * 1024 }),
  };
  return { profile: one(random, ['linux', 'standard', 'textbook'] as const), tcp };
}

/** A link, at its worst; `path.calm` is set once it is to be kind. */
export function drawLink(random: Random, v6: boolean, path: { calm: boolean }): LinkOptions {
  const { there, back } = drawMiddleboxes(random, path);
  const both = oneIn(random, 2) ? drawImpairments(random, v6) : undefined;
  return {
    mtu: one(random, [1500, 1500, 1500, 9000, 1280, v6 ? 1300 : 600]),
    segmentation: oneIn(random, 2),
    subnet6: 'fd00:1::/64',
    'a→b': { ...(both ?? drawImpairments(random, v6)), middleboxes: there },
    'b→a': { ...(both ?? drawImpairments(random, v6)), middleboxes: back },
  };
}

/** A probability of at most `thousandths`, with the smaller ones more often. */
function upTo(random: Random, thousandths: number): number {
  return randomBelow(random, 1 + randomBelow(random, thousandths + 1)) / 1000;
}

function drawImpairments(random: Random, v6: boolean): Impairments {
  return {
    delay: us(between(random, 0, one(random, [1_000, 30_000, 120_000]))),
    ...(oneIn(random, 3) && {
      jitter: {
        distribution: one(random, ['uniform', 'normal', 'pareto'] as const),
        spread: us(between(random, 0, 20_000)),
        ordered: oneIn(random, 2),
      },
    }),
    ...(!oneIn(random, 3) && {
      loss: oneIn(random, 3)
        ? { model: 'gilbert-elliott', p: upTo(random, 40), r: 0.3 }
        : { model: 'independent', p: upTo(random, 200) },
    }),
    ...(oneIn(random, 3) && {
      duplication: {
        p: upTo(random, 100),
        copies: between(random, 1, 3),
        delay: ms(randomBelow(random, 40)),
      },
    }),
    ...(oneIn(random, 3) && { reordering: { p: upTo(random, 200), delay: ms(between(random, 1, 60)) } }),
    ...(oneIn(random, 5) && {
      corruption: { p: upTo(random, 30), kind: one(random, ['bit', 'byte', 'truncate'] as const) },
    }),
    ...(oneIn(random, 2) && {
      rate: { bitsPerSecond: one(random, [256, 1_000, 10_000, 100_000]) * 1_000 },
      queue: drawQueue(random),
    }),
    ...(oneIn(random, 4) && {
      pathMtu: {
        bytes: between(random, v6 ? 1280 : 576, 1499),
        tooBig: one(random, ['icmp', 'black-hole'] as const),
      },
    }),
  };
}

function drawQueue(random: Random): QueueOptions {
  const ecn = oneIn(random, 2);
  switch (randomBelow(random, 4)) {
    case 0:
      return { discipline: 'codel', ecn };
    case 1:
      return { discipline: 'fq-codel', ecn };
    case 2:
      return { discipline: 'red', min: 2, max: 12, limit: 40, ecn };
    default:
      return { discipline: 'drop-tail', packets: between(random, 3, 60) };
  }
}

function drawMiddleboxes(random: Random, path: { calm: boolean }): { there: Middlebox[]; back: Middlebox[] } {
  const there: Middlebox[] = [];
  const back: Middlebox[] = [];
  const add = (make: () => Middlebox): void => {
    const where = randomBelow(random, 3);
    if (where !== 1) there.push(make());
    if (where !== 0) back.push(make());
  };
  if (oneIn(random, 5)) {
    const kinds = one(random, [[4], [5], [8], [34], [3], [172, 174], [4, 8], [2]]);
    const on = kinds.includes(8) ? 'syn' : one(random, ['syn', 'all'] as const);
    // On one way only, scaling or timestamps would be agreed on by one side alone.
    if (kinds.includes(3) || kinds.includes(8)) {
      there.push(stripOptions(kinds, on));
      back.push(stripOptions(kinds, on));
    } else add(() => stripOptions(kinds, on));
  }
  if (oneIn(random, 8)) add(() => overwriteEcn(one(random, [0, 1, 2])));
  if (oneIn(random, 12)) add(() => clearEcnFlags(one(random, ['syn', 'all'] as const)));
  if (oneIn(random, 6)) add(() => thinAcks(between(random, 2, 6), path));
  return { there, back };
}
