import { type Spread, markdownTable } from '../statistics.ts';
import { BUFFERS, LOSSES, isGood, smoltcpRate } from './smoltcp.ts';

/** What one cell came to. */
export interface Cell {
  readonly buffer: number;
  readonly loss: number;
  readonly rate: Spread;
}

/** Three digits that matter, without an exponent. */
export function short(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Two rows per buffer: theirs, and ours as `median (least–most)`, bold if it is what we want of the cell. */
export function lossTable(cells: readonly Cell[]): string {
  const rows = BUFFERS.flatMap((buffer) => {
    const own = LOSSES.map((loss) => {
      const cell = cells.find((each) => each.buffer === buffer && each.loss === loss);
      if (cell === undefined) return '';
      const { median, least, most } = cell.rate;
      const good = isGood(buffer, loss, median);
      const range = least === most ? '' : ` (${short(least)}–${short(most)})`;
      return `${good ? `**${short(median)}**` : short(median)}${range}`;
    });
    return [
      [String(buffer), 'smoltcp', ...LOSSES.map((loss) => short(smoltcpRate(buffer, loss)))],
      ['', 'ours', ...own],
    ];
  });
  return markdownTable(['buffer', '', ...LOSSES.map((loss) => `${Math.round(loss * 1000) / 10} %`)], rows);
}

/** How many cells are what we want, and which are not. */
export function verdict(cells: readonly Cell[]): string {
  const bad = cells.filter(({ buffer, loss, rate }) => !isGood(buffer, loss, rate.median));
  const list = bad.map(
    ({ buffer, loss, rate }) =>
      `${buffer} B at ${loss * 100} % (${(rate.median / smoltcpRate(buffer, loss)).toFixed(2)} ×)`,
  );
  return `${cells.length - bad.length} of ${cells.length} cells${bad.length === 0 ? '.' : `; not: ${list.join(', ')}.`}`;
}
