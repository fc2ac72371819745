import type { KeyedDice } from '../random.ts';

/**
 * Draws that resemble the one before: with probability `correlation` the last draw is used again. So the distribution stays what it
 * was (mixing two draws, as netem does it, narrows it), and the correlation of neighbours is just that number.
 */
export class CorrelatedDraws {
  readonly #dice: KeyedDice;
  readonly #correlation: number;
  readonly #slot: number;
  #last: number | undefined;

  /** `correlation`: 0..1. Uses the slots `slot` and `slot + 1` of each index. */
  constructor(dice: KeyedDice, correlation: number, slot: number = 0) {
    this.#dice = dice;
    this.#correlation = correlation;
    this.#slot = slot;
  }

  /** The draw for `index`, 0..2^32-1. To be asked for each index once, in order. */
  next(index: number): number {
    const again = this.#correlation > 0 && this.#dice.chance(this.#correlation, index, this.#slot + 1);
    if (!again || this.#last === undefined) this.#last = this.#dice.u32(index, this.#slot);
    return this.#last;
  }

  /** Whether something of `probability` (0..1) happens to `index`. */
  chance(probability: number, index: number): boolean {
    return this.next(index) < probability * 0x1_0000_0000;
  }
}
