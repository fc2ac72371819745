import { randomFillSync } from 'node:crypto';
import type { Random } from '../../stack/random.ts';

const BLOCK_WORDS = 1024;

/** The system's cryptographic generator, asked for a block at a time. */
export function systemRandom(): Random {
  const block = new Uint32Array(BLOCK_WORDS);
  let next = BLOCK_WORDS;
  return {
    u32: () => {
      if (next === BLOCK_WORDS) {
        randomFillSync(block);
        next = 0;
      }
      const drawn = block[next] ?? 0;
      // What was drawn may be part of a key: it stays nowhere but with whoever drew it.
      block[next] = 0;
      next += 1;
      return drawn;
    },
  };
}
