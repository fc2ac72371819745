/** The run as a ladder: the script's lines left, what happened right, differences marked. */

import { formatSeconds } from '../language/format.ts';
import type { ScriptResult, TranscriptRow } from '../run/result.ts';

const WIDEST = 78;

/** The ladder as text; without `around` all of it, else so many rows in front of the first difference and behind it. */
export function scriptLadder(result: ScriptResult, around?: number): string {
  const all = [...result.transcript].sort((a, b) => a.at - b.at);
  const rows = around === undefined ? all : nearFirstDifference(all, around);
  if (rows.length === 0) return '';
  const width = Math.min(WIDEST, Math.max(...rows.map(({ script }) => script.length), 'script'.length));
  const head = `      time  line    ${'script'.padEnd(width)}  ${result.target}`;
  const first = rows.findIndex(({ ok }) => !ok);
  return [head, ...rows.map((row, index) => ladderRow(row, width, index === first))].join('\n');
}

function nearFirstDifference(rows: readonly TranscriptRow[], around: number): readonly TranscriptRow[] {
  const first = rows.findIndex(({ ok }) => !ok);
  const at = first < 0 ? rows.length : first;
  return rows.slice(Math.max(0, at - around), at + around + 1);
}

function ladderRow(row: TranscriptRow, width: number, first: boolean): string {
  const { at, line, direction, script, live, ok } = row;
  const time = formatSeconds(at).padStart(10);
  const number = (line === undefined ? '-' : String(line)).padStart(5);
  const mark = ok ? ' ' : first ? '✗' : '×';
  const arrow = { in: '→', out: '←', call: ' ', note: ' ' }[direction];
  const text = script.length > width ? `${script.slice(0, width - 1)}…` : script.padEnd(width);
  return `${time} ${number} ${mark}  ${text} ${arrow} ${ok && direction !== 'out' ? '' : live}`.trimEnd();
}
