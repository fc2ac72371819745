import { expect, it } from 'vitest';
import { BOTTLENECK, sharing } from '../../experiments/fairness/sharing.ts';
import { jain, median, quantile } from '../../experiments/statistics.ts';
import { VARIANTS } from '../../experiments/variants.ts';
import { seconds } from '../../stack/time.ts';

/** BBR is measured, not promised. */
const FAIR = VARIANTS.filter(({ name }) => name === 'NewReno' || name === 'CUBIC');
/** Many tests at a time on a busy machine. */
const PATIENCE = 120_000;

it.each(FAIR)(
  'two flows of $name with the same round-trip time share a bottleneck: Jain ≥ 0.95',
  ({ tcp }) => {
    const seeds = [1, 2];
    const bottleneck = { ...BOTTLENECK, rate: 10_000_000, until: seconds(30) };
    const results = seeds.map((seed) => sharing({ ...bottleneck, seed, first: tcp, second: tcp }));
    expect(results.map((result) => result.use).filter((use) => use < 0.85)).toEqual([]);
    expect(median(results.map((result) => result.jain))).toBeGreaterThanOrEqual(0.95);
  },
  PATIENCE,
);

it('Jain tells how equal shares are', () => {
  expect(jain([5, 5, 5, 5])).toBe(1);
  expect(jain([1, 0, 0, 0])).toBe(0.25);
});

it('a quantile lies between its neighbours', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  expect(median([7])).toBe(7);
});
