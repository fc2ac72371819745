import { KeyedDice } from '../random.ts';
import { CorrelatedDraws } from './correlation.ts';
import type { PacketView } from './packet-view.ts';

/** Each packet with probability `p`. */
export interface IndependentLoss {
  readonly model: 'independent';
  /** 0..1 */
  readonly p: number;
  /** With the packet before, 0..1; 0 at first. */
  readonly correlation?: number;
}

/** Two states, good and bad, each with a loss rate of its own (Gilbert-Elliott). */
export interface GilbertElliottLoss {
  readonly model: 'gilbert-elliott';
  /** From good to bad, per packet, 0..1. */
  readonly p: number;
  /** From bad to good, per packet, 0..1. */
  readonly r: number;
  /** Loss in the bad state (1-h), 0..1; 1 at first. */
  readonly lossInBad?: number;
  /** Loss in the good state (1-k), 0..1; 0 at first. */
  readonly lossInGood?: number;
}

/**
 * The four-state Markov model of netem: 1 good, 2 good within a burst, 3 lost in a burst, 4 a single loss. `pXY` leads from
 * state X to state Y, per packet, 0..1.
 */
export interface FourStateLoss {
  readonly model: 'four-state';
  readonly p13: number;
  readonly p31: number;
  readonly p32?: number;
  readonly p23?: number;
  readonly p14?: number;
}

/** The packets with these indices (from 0, per direction). */
export interface ListedLoss {
  readonly model: 'list';
  readonly indices: readonly number[];
}

/** Every `n`-th packet: the indices n-1, 2n-1 … */
export interface EveryNthLoss {
  readonly model: 'every';
  /** 1 and up. */
  readonly n: number;
}

/** The packets for which `when` holds. */
export interface PredicateLoss {
  readonly model: 'predicate';
  readonly when: (packet: PacketView) => boolean;
}

/** Which packets a link loses. */
export type LossModel =
  | IndependentLoss
  | GilbertElliottLoss
  | FourStateLoss
  | ListedLoss
  | EveryNthLoss
  | PredicateLoss;

/** Tells of each packet whether it is lost. To be asked for each index once, in order. */
export type LossDice = (index: number, view: () => PacketView) => boolean;

/** The dice of a model. Each uses the same number of draws for every packet, so that losses depend on the index alone. */
export function lossDice(model: LossModel, dice: KeyedDice): LossDice {
  switch (model.model) {
    case 'independent': {
      const draws = new CorrelatedDraws(dice, model.correlation ?? 0);
      return (index) => draws.chance(model.p, index);
    }
    case 'gilbert-elliott':
      return gilbertElliott(model, dice);
    case 'four-state':
      return fourState(model, dice);
    case 'list': {
      const lost = new Set(model.indices);
      return (index) => lost.has(index);
    }
    case 'every':
      if (!(model.n >= 1)) throw new RangeError(`loss of every ${model.n}th packet: n has to be 1 or more`);
      return (index) => index % model.n === model.n - 1;
    case 'predicate':
      return (_, view) => model.when(view());
  }
}

function gilbertElliott(model: GilbertElliottLoss, dice: KeyedDice): LossDice {
  const { p, r, lossInBad = 1, lossInGood = 0 } = model;
  let bad = false;
  return (index) => {
    if (dice.chance(bad ? r : p, index, 0)) bad = !bad;
    return dice.chance(bad ? lossInBad : lossInGood, index, 1);
  };
}

function fourState(model: FourStateLoss, dice: KeyedDice): LossDice {
  const { p13, p31, p32 = 0, p23 = 1, p14 = 0 } = model;
  let state: 1 | 2 | 3 | 4 = 1;
  return (index) => {
    const below = (limit: number): boolean => dice.chance(limit, index);
    if (state === 1) state = below(p14) ? 4 : below(p14 + p13) ? 3 : 1;
    else if (state === 2) state = below(p23) ? 3 : 2;
    else if (state === 3) state = below(p32) ? 2 : below(p32 + p31) ? 1 : 3;
    else state = 1;
    return state === 3 || state === 4;
  };
}
