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
  // The length of each part goes in as well, so that ('ab', 'c') and ('a', 'bc') differ.
  const parts = [String(seed), ...names];
  let [a, b, c, counter] = seedWords(parts.map((part) => `${part.length}:${part}`).join(''));
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
