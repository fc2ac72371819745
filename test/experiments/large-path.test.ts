import { expect, it } from 'vitest';
import { LARGE, largePath } from '../../experiments/bdp/bdp.ts';
import { variant } from '../../experiments/variants.ts';
import { seconds } from '../../stack/time.ts';

it('BBR fills 10 Gbit/s over 100 ms to 90 % and more, once slow start is over, with buffers that tune themselves up to 256 MiB', () => {
  const { rampUp, steady } = largePath({
    ...LARGE,
    mtu: 9000,
    lasts: seconds(2.4),
    tcp: variant('BBR').tcp,
  });
  expect(rampUp).toBeLessThanOrEqual(seconds(1.7));
  expect(steady).toBeGreaterThanOrEqual(0.9);
}, 240_000);
