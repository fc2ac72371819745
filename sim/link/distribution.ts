import { LAPLACE, NORMAL, PARETO, PARETO_NORMAL } from './distribution-tables.ts';

/**
 * How a delay varies. `uniform`: within ± the spread; the others have the spread as their standard deviation. A table holds
 * quantiles in units of 1/8192 of the spread, evenly spaced, lowest first, two or more.
 */
export type Distribution = 'uniform' | 'normal' | 'pareto' | 'pareto-normal' | 'laplace' | readonly number[];

/** What the entries of a table are counted in. */
const UNIT = 8192;
const UNIFORM: readonly number[] = [-UNIT, UNIT];

/** The table of `distribution`. */
function tableOf(distribution: Distribution): readonly number[] {
  switch (distribution) {
    case 'uniform':
      return UNIFORM;
    case 'normal':
      return NORMAL;
    case 'pareto':
      return PARETO;
    case 'pareto-normal':
      return PARETO_NORMAL;
    case 'laplace':
      return LAPLACE;
    default:
      return distribution;
  }
}

/** The value that belongs to a draw of 0..2^32-1, in whole units of `spread` (so µs for a spread in µs). Integers only. */
export function drawFrom(distribution: Distribution, spread: number, draw: number): number {
  const table = tableOf(distribution);
  if (table.length < 2) throw new RangeError('a distribution table needs at least two quantiles');
  const place = draw * (table.length - 1); // below 2^53 for tables of up to 2^20 entries
  const index = Math.floor(place / 0x1_0000_0000);
  const rest = place - index * 0x1_0000_0000;
  const low = table[index] ?? 0;
  const high = table[index + 1] ?? low;
  const value = low + Math.floor(((high - low) * Math.floor(rest / 0x1_0000)) / 0x1_0000);
  return Math.round((value * spread) / UNIT);
}
