import type { Goal, Subject } from './bench.ts';
import { type Row, figure, ratio } from './run.ts';

const HEADS: Readonly<Record<Subject, string>> = {
  glasstack: 'glasstack',
  kernel: 'kernel over veth',
  node: 'Node `net`',
  bun: 'Bun',
};

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** The table in Markdown: a peer's cell has its figure and, in brackets, ours as a multiple of it. */
export function markdown(rows: readonly Row[]): string {
  const cells = cellsOf(rows);
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** The same for the terminal. */
export function plain(rows: readonly Row[]): string {
  const cells = cellsOf(rows).map((row) => row.map((cell) => cell.replaceAll(/[`*]/g, '')));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf(rows: readonly Row[]): string[][] {
  const peers = (['kernel', 'node', 'bun'] as const).filter((peer) =>
    rows.some((row) => (row.rounds[peer]?.length ?? 0) > 0),
  );
  const head = ['', 'unit', HEADS.glasstack, ...peers.map((peer) => HEADS[peer]), 'first goal', 'then'];
  return [head, ...rows.map((row) => cellsOfRow(row, peers))];
}

function cellsOfRow(row: Row, peers: readonly Subject[]): string[] {
  const { title, unit, goals } = row.metric;
  const ours = figure(row, 'glasstack');
  const others = peers.map((peer) => {
    const value = figure(row, peer);
    const share = ratio(row, peer);
    if (value === undefined) return '';
    return share === undefined ? short(value) : `${short(value)} (${short(share)} ×)`;
  });
  const own = ours === undefined ? (row.trouble ?? 'not measured') : `**${short(ours)}**`;
  const [first, then] = [goals[0], goals[1]].map((goal) => (goal === undefined ? '' : goalCell(row, goal)));
  return [title, unit, own, ...others, first ?? '', then ?? ''];
}

function goalCell(row: Row, goal: Goal): string {
  const sign = row.metric.lowerIsBetter === true ? '≤' : '≥';
  const wanted =
    goal.times === undefined ? `${sign} ${short(goal.at)}` : `${sign} ${short(goal.at)} × ${goal.times}`;
  const reached = reaches(row, goal);
  return reached === undefined ? wanted : `${wanted} ${reached ? '✓' : '✗'}`;
}

/** Whether the row reaches the goal; undefined if there is nothing to tell it by. */
export function reaches(row: Row, goal: Goal): boolean | undefined {
  const value = goal.times === undefined ? figure(row, 'glasstack') : ratio(row, goal.times);
  if (value === undefined) return undefined;
  return row.metric.lowerIsBetter === true ? value <= goal.at : value >= goal.at;
}

/** Three digits that matter, thousands apart. */
export function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  if (value >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}

/** `document` with what stands between its markers replaced; undefined if it has none. */
export function replaceTable(document: string, table: string): string | undefined {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) return undefined;
  return `${document.slice(0, from + BEGIN.length)}\n${table}\n${document.slice(to)}`;
}
