import { KeyedDice } from '../../sim/random.ts';

/** Which transmissions of which of the 100 segments are lost. */
export type LossPattern =
  /** The first transmission of these segments. */
  | { readonly kind: 'listed'; readonly segments: readonly number[] }
  /** Each with probability `p`; `again`: also what is sent again, every time. */
  | { readonly kind: 'random'; readonly p: number; readonly seed: number; readonly again: boolean };

/** Segments in flight. */
export const SEGMENTS = 100;
/** Payload of each: MTU 1500 less 40 bytes of headers and 12 of timestamps. */
export const SIZE = 1448;
/** Half of the round-trip time, in µs. */
export const ONE_WAY = 50_000;

/** Whether the `transmission`-th time (0: the first) that segment `segment` leaves is lost. */
export type Losing = (segment: number, transmission: number) => boolean;

export function losing(pattern: LossPattern): Losing {
  if (pattern.kind === 'listed') {
    const lost = new Set(pattern.segments);
    return (segment, transmission) => transmission === 0 && lost.has(segment);
  }
  const dice = new KeyedDice(pattern.seed, 'recovery', 'loss');
  return (segment, transmission) =>
    (transmission === 0 || pattern.again) && dice.chance(pattern.p, segment, transmission);
}

/** Loses what a pattern says: asked about every data segment on its way, by the offset of its first byte in the burst. */
export class Loser {
  readonly #losing: Losing;
  readonly #transmissions: Map<number, number> = new Map();
  /** Data segments seen, and lost. */
  seen: number = 0;
  lost: number = 0;
  /** Whether the last one seen was lost. */
  lastLost: boolean = false;

  constructor(pattern: LossPattern) {
    this.#losing = losing(pattern);
  }

  /** Whether the segment at `offset` bytes is lost this time. */
  takes(offset: number): boolean {
    const segment = Math.floor(offset / SIZE);
    const transmission = this.#transmissions.get(segment) ?? 0;
    this.#transmissions.set(segment, transmission + 1);
    this.seen += 1;
    this.lastLost = this.#losing(segment, transmission);
    if (this.lastLost) this.lost += 1;
    return this.lastLost;
  }
}

/** Each single segment. */
export function singles(): LossPattern[] {
  return Array.from({ length: SEGMENTS }, (_, segment) => ({ kind: 'listed', segments: [segment] }));
}

/** Each pair of segments: 4,950. */
export function pairs(): LossPattern[] {
  return singles().flatMap((_, first) =>
    Array.from({ length: SEGMENTS - 1 - first }, (_, index): LossPattern => {
      return { kind: 'listed', segments: [first, first + 1 + index] };
    }),
  );
}

/** 10 % of them, seeds 1 to `count`. */
export function randoms(count: number, again: boolean): LossPattern[] {
  return Array.from({ length: count }, (_, index) => ({ kind: 'random', p: 0.1, seed: index + 1, again }));
}
