import { expect, it } from 'vitest';
import { lossyTransfer } from '../../experiments/netsim/lossy-transfer.ts';
import { BUFFERS, LOSSES, isGood } from '../../experiments/netsim/smoltcp.ts';
import { median } from '../../experiments/statistics.ts';
import { variant } from '../../experiments/variants.ts';

/** Enough for 40 windows, and for two hundred segments. */
function bytesFor(buffer: number): number {
  return Math.max(40 * buffer, 256 * 1024 * Math.min(1, buffer / 4096));
}

it.each([variant('BBR'), variant('CUBIC')])(
  'throughput under loss, as docs/netsim.md has it, one seed and less data: $name',
  async ({ name, tcp }) => {
    const rows = BUFFERS.map((buffer) =>
      LOSSES.map((loss) =>
        lossyTransfer({ buffer, loss, seed: 1, bytes: bytesFor(buffer), tcp })
          .toFixed(2)
          .padStart(10),
      ).join(''),
    );
    const table = [
      `buffer${LOSSES.map((loss) => String(loss).padStart(10)).join('')}`,
      ...rows.map((row, index) => `${String(BUFFERS[index]).padStart(6)}${row}`),
    ];
    await expect(`${table.join('\n')}\n`).toMatchFileSnapshot(`netsim-${name.toLowerCase()}.txt`);
  },
  120_000,
);

it.each([
  [128, 0.1],
  [2048, 0.01],
  [16_384, 0.05],
  [32_768, 0.01],
  [32_768, 0.1],
])(
  'with buffers of %d bytes and a loss of %d we are faster than smoltcp, with BBR',
  (buffer, loss) => {
    const { tcp } = variant('BBR');
    const bytes = Math.min(4 * 1024 * 1024, 1_024 * buffer);
    const rates = [1, 2, 3].map((seed) => lossyTransfer({ buffer, loss, seed, bytes, tcp }));
    expect(isGood(buffer, loss, median(rates)), String(rates)).toBe(true);
  },
  120_000,
);
