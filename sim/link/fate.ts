import type { Duration, Instant } from '../../stack/time.ts';
import type { FaultPlan, PlanKind, PlanValue } from '../plan.ts';
import { KeyedDice } from '../random.ts';
import { CorrelatedDraws } from './correlation.ts';
import { type Corruption, type CorruptionDraw, drawCorruption } from './corruption.ts';
import { drawFrom } from './distribution.ts';
import type { Duplication, Impairments, Jitter, Reordering } from './impairments.ts';
import { type LossDice, type LossModel, lossDice } from './loss.ts';
import type { PacketView } from './packet-view.ts';

/** What the dice (or the plan) say about one packet. */
export interface PacketFate {
  readonly lost: boolean;
  readonly corruption: CorruptionDraw | undefined;
  /** When each copy arrives after the original, in µs. */
  readonly copies: readonly number[];
  /** Beside the link's delay, in µs; may be negative. */
  readonly jitter: number;
  /** How long it is held up so that others pass it; undefined: it is not. */
  readonly heldUp: number | undefined;
}

/**
 * The dice of one direction of a link: one stream per dimension, each keyed by the packet's index, so that no dimension, no link and
 * no packet moves the draws of another.
 */
export class FateDice {
  readonly #place: string;
  readonly #plan: FaultPlan;
  readonly #seed: number | string;
  #loss: LossDice | undefined;
  #corruption: ((index: number) => CorruptionDraw | undefined) | undefined;
  #duplication: ((index: number) => readonly number[] | undefined) | undefined;
  #jitter: ((index: number) => number | undefined) | undefined;
  #reordering: ((index: number) => number | undefined) | undefined;

  /** `place`: link and direction. */
  constructor(seed: number | string, place: string, plan: FaultPlan) {
    this.#seed = seed;
    this.#place = place;
    this.#plan = plan;
  }

  /** Takes up the dimensions that `changes` names; `undefined` switches one off. */
  configure(changes: { readonly [name in keyof Impairments]?: Impairments[name] | undefined }): void {
    if ('loss' in changes) this.#loss = changes.loss === undefined ? undefined : this.#lossDice(changes.loss);
    if ('corruption' in changes)
      this.#corruption = changes.corruption && this.#corruptionDice(changes.corruption);
    if ('duplication' in changes)
      this.#duplication = changes.duplication && this.#duplicationDice(changes.duplication);
    if ('jitter' in changes) this.#jitter = changes.jitter && this.#jitterDice(changes.jitter);
    if ('reordering' in changes)
      this.#reordering = changes.reordering && this.#reorderingDice(changes.reordering);
  }

  /** The dice of a dimension. */
  dice(dimension: string): KeyedDice {
    return new KeyedDice(this.#seed, this.#place, dimension);
  }

  /** To be asked for each packet once, in the order of their indices. */
  of(index: number, at: Instant, view: () => PacketView): PacketFate {
    const lost = this.#decide(
      'drop',
      index,
      at,
      view,
      this.#loss && (() => this.#loss?.(index, view) || undefined),
    );
    const corruption = this.#decide(
      'corrupt',
      index,
      at,
      view,
      this.#corruption && (() => this.#corruption?.(index)),
    );
    const copies = this.#decide(
      'duplicate',
      index,
      at,
      view,
      this.#duplication && (() => this.#duplication?.(index)),
    );
    const jitter = this.#decide('delay', index, at, view, this.#jitter && (() => this.#jitter?.(index)));
    const held = this.#decide(
      'reorder',
      index,
      at,
      view,
      this.#reordering && (() => this.#reordering?.(index)),
    );
    return { lost: lost ?? false, corruption, copies: copies ?? [], jitter: jitter ?? 0, heldUp: held };
  }

  #decide<Value extends PlanValue>(
    kind: PlanKind,
    index: number,
    at: Instant,
    view: () => PacketView,
    roll: (() => Value | undefined) | undefined,
  ): Value | undefined {
    if (roll === undefined && !this.#plan.isReplay) return undefined;
    const text = (value: Value): string =>
      `${this.#place} #${index} ${wordsFor(kind, value)}${view().describe()}`;
    return this.#plan.decide(`${this.#place} #${index} ${kind}`, kind, at, roll ?? (() => undefined), text);
  }

  #lossDice(loss: LossModel | number): LossDice {
    const model: LossModel = typeof loss === 'number' ? { model: 'independent', p: loss } : loss;
    return lossDice(model, this.dice('loss'));
  }

  #corruptionDice(model: Corruption): (index: number) => CorruptionDraw | undefined {
    const dice = this.dice('corruption');
    return (index) => drawCorruption(model, dice, index);
  }

  #duplicationDice(model: Duplication): (index: number) => readonly number[] | undefined {
    const dice = this.dice('duplication');
    const { p, copies = 1, delay = 0 as Duration } = model;
    const delays = Array.from({ length: copies }, (_, number) => delay * (number + 1));
    return (index) => (dice.chance(p, index) ? delays : undefined);
  }

  #jitterDice(model: Jitter): (index: number) => number | undefined {
    const draws = new CorrelatedDraws(this.dice('jitter'), model.correlation ?? 0);
    return (index) => drawFrom(model.distribution, model.spread, draws.next(index)) || undefined;
  }

  #reorderingDice(model: Reordering): (index: number) => number | undefined {
    const { p, delay, gap = 1 } = model;
    const draws = new CorrelatedDraws(this.dice('reordering'), model.correlation ?? 0);
    return (index) => {
      const chosen = draws.chance(p, index);
      return chosen && index % gap === gap - 1 ? delay : undefined;
    };
  }
}

function wordsFor(kind: PlanKind, value: PlanValue): string {
  if (kind === 'delay' && typeof value === 'number') return `${value < 0 ? '' : '+'}${value} µs `;
  if (kind === 'reorder' && typeof value === 'number') return `held up ${value} µs `;
  return '';
}
