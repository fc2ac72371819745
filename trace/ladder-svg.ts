/** Draws a ladder as a standalone SVG, readable on light and on dark grounds. */
import type { TcpState } from '../stack/tcp/states.ts';
import { durationText } from './describe.ts';
import { arrowFate, arrowLabel, arrowMark } from './ladder-label.ts';
import { layoutOf, type LadderLayout, type Placed } from './ladder-layout.ts';
import { svgStyle, stateClass } from './ladder-style.ts';
import type { Ladder, LadderRow, LadderSegment, Side } from './ladder.ts';

/** Settings of the picture. */
export interface LadderSvgOptions {
  /** Stands above; by default nothing does. */
  readonly title?: string;
}

const WIDTH = 976;
const LINE_X: { readonly [side in Side]: number } = { left: 268, right: 760 };
const BAR = 8;
const TEXT_GAP = 14;
const TEXT_COLUMNS = 26;
const LINE_HEIGHT = 14;
/** Where along its way a lost arrow breaks off. */
const BREAK = 0.66;

/** The ladder as an SVG document. */
export function ladderSvg(ladder: Ladder, options: LadderSvgOptions = {}): string {
  const headline = options.title === undefined ? 0 : 34;
  const top = headline + 86;
  const layout = layoutOf(ladder, top, (row) => besideLines(row).length);
  const bottom = layout.height + 26;
  const height = Math.ceil(bottom + 18);
  const title = options.title ?? `${ladder.left} and ${ladder.right}`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    svgStyle(),
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="10"/>`,
  ];
  if (options.title !== undefined) {
    parts.push(
      `<text class="title" x="${WIDTH / 2}" y="32" text-anchor="middle">${escape(options.title)}</text>`,
    );
  }
  parts.push(...timeAxis(layout));
  for (const side of ['left', 'right'] as const)
    parts.push(...lifeline(ladder, layout, side, headline + 24, bottom));
  // Lines first, then their labels: no line may cross a label that stands before it.
  const arrows = layout.placed.flatMap((placed) =>
    placed.row.kind === 'segment' ? [arrowOf(placed, placed.row)] : [],
  );
  parts.push(...arrows.map(({ line }) => line), ...arrows.map(({ label }) => label));
  for (const { row, y, headY } of layout.placed)
    parts.push(...beside(row, row.kind === 'segment' ? headY : y));
  parts.push('</svg>', '');
  return parts.join('\n');
}

function timeAxis(layout: LadderLayout): readonly string[] {
  const ticks = layout.ticks.map(
    ({ y, at }) =>
      `<text class="time" x="70" y="${n(y + 4)}" text-anchor="end">${at === 0 ? '0 s' : durationText(at)}</text>`,
  );
  const gaps = layout.gaps.map(
    ({ y, duration }) =>
      `<text class="gap" x="70" y="${n(y + 4)}" text-anchor="end">⋮ ${durationText(duration)}</text>`,
  );
  return [...ticks, ...gaps];
}

/** A host's name, its line, and its states as bars along it. */
function lifeline(
  ladder: Ladder,
  layout: LadderLayout,
  side: Side,
  top: number,
  bottom: number,
): readonly string[] {
  const x = LINE_X[side];
  const name = ladder[side];
  const half = Math.max(46, name.length * 4.4 + 16);
  const parts = [
    `<line class="life" x1="${x}" y1="${top + 28}" x2="${x}" y2="${n(bottom)}"/>`,
    `<rect class="host" x="${n(x - half)}" y="${top}" width="${n(2 * half)}" height="28" rx="7"/>`,
    `<text class="name" x="${x}" y="${top + 19}" text-anchor="middle">${escape(name)}</text>`,
  ];
  let from = top + 28;
  let state: TcpState | undefined;
  const bar = (to: number): void => {
    if (state === undefined || to <= from) return;
    const height = n(to - from);
    parts.push(
      `<rect class="bar ${stateClass(state)}" x="${x - BAR / 2}" y="${n(from)}" width="${BAR}" height="${height}" rx="2"><title>${state}</title></rect>`,
    );
  };
  for (const { row, y } of layout.placed) {
    if (row.kind !== 'state' || row.side !== side) continue;
    if (state === undefined) {
      parts.push(text(side, top + 44, 'state', row.from, stateClass(row.from)));
      state = row.from;
    }
    bar(y);
    from = y;
    state = row.to;
  }
  bar(bottom);
  return parts;
}

function arrowOf(
  { y, headY }: Placed,
  row: LadderSegment,
): { readonly line: string; readonly label: string } {
  const to: Side = row.from === 'left' ? 'right' : 'left';
  const sign = row.from === 'left' ? 1 : -1;
  const x1 = LINE_X[row.from] + sign * (BAR / 2);
  const x2 = LINE_X[to] - sign * (BAR / 2);
  const angle = Math.atan2(sign * (headY - y), LINE_X.right - LINE_X.left - BAR);
  const degrees = n((angle * 180) / Math.PI);
  const kind = classOf(row);
  const fate = arrowFate(row);
  const hint = [arrowLabel(row), arrowMark(row), fate].filter((part) => part !== undefined).join(' · ');
  const broken = row.fate === 'lost' || row.fate === 'on-its-way';
  const endX = broken ? x1 + (x2 - x1) * BREAK : x2;
  const endY = broken ? y + (headY - y) * BREAK : headY;
  const width = row.pieces > 1 ? ' wide' : '';
  const line = [
    `<g class="arrow ${kind}${width}"><title>${escape(hint)}</title>`,
    `<line x1="${n(x1)}" y1="${n(y)}" x2="${n(endX)}" y2="${n(endY)}"/>`,
    broken || row.fate === 'dropped' ? '' : tip(x2, headY, row.pieces > 1 ? sign * 1.5 : sign, degrees),
    row.fate === 'lost' ? cross(endX, endY) : '',
    row.fate === 'dropped' ? cross(x2 - sign * 7, headY - ((headY - y) * 7) / Math.abs(x2 - x1)) : '',
    '</g>',
  ].join('');
  return {
    line,
    label: arrowText(row, x1 + sign * 12, y, degrees, kind) + lossText(row, endX, endY, degrees),
  };
}

function arrowText(row: LadderSegment, x: number, y: number, degrees: string, kind: string): string {
  const mark = arrowMark(row);
  const marked = mark === undefined ? '' : `<tspan class="mark" dx="8">${escape(mark)}</tspan>`;
  const anchor = row.from === 'left' ? 'start' : 'end';
  const label = `${escape(arrowLabel(row))}${marked}`;
  return `<text class="label ${kind}" transform="translate(${n(x)} ${n(y)}) rotate(${degrees})" y="-4" text-anchor="${anchor}">${label}</text>`;
}

/** Behind the cross of a lost arrow: who lost it, or that it is lost. */
function lossText(row: LadderSegment, x: number, y: number, degrees: string): string {
  const isPartly = row.fate === 'arrived' && row.lostPieces > 0;
  if (row.fate !== 'lost' && !isPartly) return '';
  const word = isPartly ? `${row.lostPieces} of ${row.pieces} lost` : (row.reason ?? 'lost');
  const sign = row.from === 'left' ? 1 : -1;
  const shown = row.by === undefined ? word : `${word} (${row.by})`;
  const dx = isPartly ? sign * -16 : sign * 10;
  const anchor = (row.from === 'left') === isPartly ? 'end' : 'start';
  return `<text class="label bad" transform="translate(${n(x)} ${n(y)}) rotate(${degrees})" x="${dx}" y="${isPartly ? -4 : 4}" text-anchor="${anchor}">${escape(shown)}</text>`;
}

function classOf(row: LadderSegment): string {
  if (row.fate === 'lost' || row.fate === 'dropped' || row.unsent) return 'bad';
  if (row.fate === 'on-its-way') return 'open';
  if (row.header.rst) return 'bad';
  if (row.retransmission || row.duplicate || row.reordered) return 'again';
  return row.length > 0 ? 'data' : 'plain';
}

function tip(x: number, y: number, size: number, degrees: string): string {
  return `<path transform="translate(${n(x)} ${n(y)}) rotate(${degrees}) scale(${size} ${Math.abs(size)})" d="M0 0L-10 -4.5L-8 0L-10 4.5Z"/>`;
}

function cross(x: number, y: number): string {
  return `<path class="cross" transform="translate(${n(x)} ${n(y)})" d="M-5 -5L5 5M-5 5L5 -5"/>`;
}

/** What stands beside the lifeline at a row. */
function besideLines(row: LadderRow): readonly { readonly kind: string; readonly text: string }[] {
  switch (row.kind) {
    case 'state':
      return [
        { kind: `state ${stateClass(row.to)}`, text: row.to },
        { kind: 'cause', text: row.cause },
      ];
    case 'timer':
      return wrap(`◷ ${row.text}`).map((line) => ({ kind: 'timer', text: line }));
    case 'note':
      return wrap(row.text).map((line) => ({ kind: 'cause', text: line }));
    case 'drop':
      return wrap(row.text).map((line) => ({ kind: 'drop', text: line }));
    case 'segment': {
      if (row.fate !== 'dropped') return [];
      // The citation stays in the arrow's hint.
      const sentence = (row.sentence ?? '').replace(/ \[.*\]$/, '');
      const first = { kind: 'drop', text: `✗ ${row.reason ?? 'dropped'}` };
      return [first, ...wrap(sentence).map((line) => ({ kind: 'cause', text: line }))];
    }
  }
}

function beside(row: LadderRow, y: number): readonly string[] {
  const side = row.kind === 'segment' ? (row.from === 'left' ? 'right' : 'left') : row.side;
  return besideLines(row).map(({ kind, text: words }, index) =>
    text(side, y + 4 + index * LINE_HEIGHT, kind, words),
  );
}

function text(side: Side, y: number, kind: string, words: string, more: string = ''): string {
  const x = side === 'left' ? LINE_X.left - TEXT_GAP : LINE_X.right + TEXT_GAP;
  const anchor = side === 'left' ? 'end' : 'start';
  return `<text class="${kind}${more === '' ? '' : ` ${more}`}" x="${x}" y="${n(y)}" text-anchor="${anchor}">${escape(words)}</text>`;
}

function wrap(words: string): readonly string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > TEXT_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
