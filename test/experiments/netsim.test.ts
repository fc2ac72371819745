import { expect, it } from 'vitest';
import { lossyTransfer } from '../../experiments/netsim/lossy-transfer.ts';
import { BUFFERS, LOSSES } from '../../experiments/netsim/smoltcp.ts';
import { variant } from '../../experiments/variants.ts';

/** Enough for 40 windows, and for two hundred segments. */
function bytesFor(buffer: number): number {
  return Math.max(40 * buffer, 256 * 1024 * Math.min(1, buffer / 4096));
}

it.each([variant('CUBIC'), variant('none')])(
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
