import type { Random } from '../stack/random.ts';

/** Four independent 32-bit hashes of `text`'s UTF-16 code units: the seed of a generator. */
function seedWords(text: string): [number, number, number, number] {
  let a = 0x6a09e667;
  let b = 0xbb67ae85;
  let c = 0x3c6ef372;
  let d = 0xa54ff53a;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = b ^ Math.imul(a ^ unit, 0x9e3779b1);
    b = c ^ Math.imul(b ^ unit, 0x85ebca77);
    c = d ^ Math.imul(c ^ unit, 0xc2b2ae3d);
    d = a ^ Math.imul(d ^ unit, 0x27d4eb2f);
  }
  return [mix(a ^ text.length), mix(b), mix(c), mix(d)];
}

/** Spreads every bit over the whole word (the finalizer of MurmurHash3). */
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/**
 * A stream of random numbers that depends on `seed` and `names` alone (sfc32). Streams with different names are independent, so
 * that one more draw in one of them moves no other: `seededRandom(seed, 'wire 1', 'a→b', 'loss')`. The seeds 7 and '7' are
 * the same.
 */
export function seededRandom(seed: number | string, ...names: string[]): Random {
  let [a, b, c, counter] = seedWords(joined(seed, names));
  const u32 = (): number => {
    const drawn = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  };
  for (let round = 0; round < 15; round++) u32();
  return { u32 };
}

/**
 * Draws that depend on `seed`, `names`, and the number of what they are for: a packet's index, say. Leaving one out, or
 * making one more, moves no other.
 */
export class KeyedDice {
  readonly #a: number;
  readonly #b: number;
  readonly #c: number;

  constructor(seed: number | string, ...names: string[]) {
    const [a, b, c] = seedWords(joined(seed, names));
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }

  /** A whole number in 0..2^32-1 for `index` (0..2^53-1); `slot` tells apart several draws for one index. */
  u32(index: number, slot: number = 0): number {
    const high = Math.floor(index / 0x1_0000_0000);
    const first = mix(this.#a ^ Math.imul(index | 0, 0x9e3779b1) ^ Math.imul(high, 0x27d4eb2f));
    return mix((first + this.#b + Math.imul(slot, 0x85ebca77)) ^ this.#c) >>> 0;
  }

  /** True with `probability` (0..1). */
  chance(probability: number, index: number, slot: number = 0): boolean {
    return this.u32(index, slot) < probability * 0x1_0000_0000;
  }
}

/** The length of each part goes in as well, so that ('ab', 'c') and ('a', 'bc') differ. */
function joined(seed: number | string, names: readonly string[]): string {
  return [String(seed), ...names].map((part) => `${part.length}:${part}`).join('');
}
