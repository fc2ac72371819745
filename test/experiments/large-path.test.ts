import { expect, it } from 'vitest';
import { LARGE, largePath } from '../../experiments/bdp/bdp.ts';
import { variant } from '../../experiments/variants.ts';
import { seconds } from '../../stack/time.ts';

it('10 Gbit/s over 100 ms are filled to 90 % and more, once slow start is over, with buffers that tune themselves up to 256 MiB', () => {
  const { rampUp, steady } = largePath({
    ...LARGE,
    mtu: 9000,
    lasts: seconds(3.5),
    tcp: variant('CUBIC').tcp,
  });
  expect(rampUp).toBeLessThan(seconds(2.5));
  expect(steady).toBeGreaterThanOrEqual(0.9);
}, 120_000);
