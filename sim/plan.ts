import type { Instant } from '../stack/time.ts';

/** What the dice decided for one packet, or one change of a link that the scenario asked for: plain data. */
export interface PlanEntry {
  /** Names it: link, direction, number and kind. */
  readonly key: string;
  readonly kind: PlanKind;
  /** Virtual time. */
  readonly at: Instant;
  /** What was decided: a reason, a delay in µs, where bits are flipped. Survives JSON. */
  readonly value: PlanValue;
  /** For people. */
  readonly text: string;
}

/** What an entry is about. */
export type PlanKind =
  | 'drop'
  | 'corrupt'
  | 'duplicate'
  | 'delay'
  | 'reorder'
  | 'red'
  | 'schedule'
  | 'action'
  | 'size';

/** Plain data. */
export type PlanValue =
  | string
  | number
  | boolean
  | readonly PlanValue[]
  | { readonly [name: string]: PlanValue };

/**
 * The plan of a run: either written down as the dice decide, or given and followed instead of dice. A run that follows the plan it
 * was recorded with is the same run.
 */
export class FaultPlan {
  readonly #recorded: PlanEntry[] = [];
  readonly #given: Map<string, PlanEntry> | undefined;

  /** `given`: follow these entries; undefined: ask the dice. */
  constructor(given?: readonly PlanEntry[]) {
    this.#given = given === undefined ? undefined : new Map(given.map((entry) => [entry.key, entry]));
  }

  /** The dice are not asked. */
  get isReplay(): boolean {
    return this.#given !== undefined;
  }

  /** What has happened in this run so far, in order. */
  get entries(): readonly PlanEntry[] {
    return this.#recorded;
  }

  /**
   * What is to happen for `key`: what the plan says, or without a plan what `roll` draws (undefined: nothing). `roll` is to draw
   * the same number of times whatever it returns.
   */
  decide<Value extends PlanValue>(
    key: string,
    kind: PlanKind,
    at: Instant,
    roll: () => Value | undefined,
    text: (value: Value) => string,
  ): Value | undefined {
    if (this.#given !== undefined) {
      const entry = this.#given.get(key);
      if (entry === undefined) return undefined;
      this.#recorded.push({ ...entry, at });
      return entry.value as Value; // written by `decide` for the same key, so of the same kind
    }
    const value = roll();
    if (value !== undefined) this.#recorded.push({ key, kind, at, value, text: text(value) });
    return value;
  }
}
