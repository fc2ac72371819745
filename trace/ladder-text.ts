/** Draws ladders as text: UTF-8, fixed width, one line an arrow or event. */
import type { TraceEvent, Tracer } from '../stack/trace.ts';
import { endpointText, timeText } from './describe.ts';
import { LadderBuilder } from './ladder-builder.ts';
import { arrowFate, arrowLabel, arrowMark } from './ladder-label.ts';
import type { Ladder, LadderRemark, LadderRow, LadderSegment, LadderState, Side } from './ladder.ts';

/** Settings of the text. */
export interface LadderTextOptions {
  /** Columns of a line, times included (96 by default). */
  readonly width?: number;
  /** Colours by ANSI escapes, for a terminal (`false` by default). */
  readonly colour?: boolean;
}

/** Settings of `followLadder`. */
export interface FollowOptions extends LadderTextOptions {
  /** What stands over the right lifeline; the host's name by default. */
  readonly title?: string;
  /** What stands over the left one; `peer` by default. */
  readonly peer?: string;
}

type Colour = 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const ANSI: { readonly [colour in Colour]: number } = { dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const TIME_WIDTH = 12;
const SMALLEST = 60;

/** The whole ladder as text, lines ended by `\n`. */
export function ladderText(ladder: Ladder, options: LadderTextOptions = {}): string {
  const drawing = new TextDrawing(options);
  const lines = [drawing.heads(ladder.left, ladder.right)];
  for (const row of ladder.rows) lines.push(...drawing.row(row));
  return `${lines.join('\n')}\n`;
}

/**
 * Draws one host's ladder while it happens: each row at once, the peers at the left, the host at the right. Connections are
 * told apart by their numbers in front.
 */
export function followLadder(write: (line: string) => void, options: FollowOptions = {}): Tracer {
  const drawing = new TextDrawing(options, true);
  let builder: LadderBuilder | undefined;
  return (event: TraceEvent) => {
    if (builder === undefined) {
      builder = new LadderBuilder(undefined, event.host, {});
      write(drawing.heads(options.peer ?? 'peer', options.title ?? event.host));
    }
    if (event.type === 'connection') {
      const local = endpointText(event.localAddress, event.localPort);
      const remote = endpointText(event.remoteAddress, event.remotePort);
      write(drawing.between(event.at, `${remote} ${event.passive ? '→' : '←'} ${local}`, event.connection));
    }
    builder.event(event);
    const rows = builder.take();
    for (const row of rows) for (const line of drawing.row(row)) write(line);
    // The drop of an arrow that is already drawn.
    if (event.type === 'drop' && rows.length === 0) {
      for (const line of drawing.dropped(event.reason)) write(line);
    }
  };
}

class TextDrawing {
  readonly #inner: number;
  readonly #colour: boolean;
  readonly #numbered: boolean;

  constructor(options: LadderTextOptions, numbered: boolean = false) {
    const width = Math.max(SMALLEST, options.width ?? 96);
    this.#numbered = numbered;
    this.#inner = width - TIME_WIDTH - (numbered ? 5 : 0) - 2;
    this.#colour = options.colour ?? false;
  }

  heads(left: string, right: string): string {
    const gap = Math.max(1, this.#inner + 2 - left.length - right.length);
    return `${' '.repeat(TIME_WIDTH + (this.#numbered ? 5 : 0))}${left}${' '.repeat(gap)}${right}`;
  }

  row(row: LadderRow): readonly string[] {
    if (row.kind === 'segment') return this.#arrow(row);
    return row.kind === 'state' ? [this.#state(row)] : this.#remark(row);
  }

  /** A line that belongs to neither side. */
  between(at: number, text: string, connection: number): string {
    return this.#line(at, connection, this.#paint(` ${text}`.padEnd(this.#inner), 'cyan'));
  }

  dropped(reason: string): readonly string[] {
    return this.#texts(undefined, undefined, 'right', `✗ dropped: ${reason}`, 'red');
  }

  #arrow(row: LadderSegment): readonly string[] {
    const mark = arrowMark(row);
    const fate = arrowFate(row);
    const label = ` ${arrowLabel(row)}${mark === undefined ? '' : ` · ${mark}`} `;
    // A lost one breaks off before it is there; one that is on its way has no head yet.
    const whole = row.fate !== 'lost' && row.fate !== 'on-its-way';
    const length = whole
      ? this.#inner
      : Math.max(Math.floor(this.#inner * 0.72), Math.min(label.length + 8, this.#inner));
    const head = { lost: '✗', dropped: '✗', 'on-its-way': '…', arrived: '', unknown: '' }[row.fate];
    const tip = head === '' ? (row.from === 'left' ? '▶' : '◀') : head;
    const shown = clip(label, length - 6);
    const rest = length - shown.length - 4 - 1;
    const shaft =
      row.from === 'left'
        ? `────${shown}${'─'.repeat(Math.max(0, rest))}${tip}`.padEnd(this.#inner)
        : `${tip}${'─'.repeat(Math.max(0, rest))}${shown}────`.padStart(this.#inner);
    const colour = fate !== undefined ? 'red' : row.retransmission || row.duplicate ? 'yellow' : undefined;
    const line = this.#line(row.at, row.connection, this.#paint(shaft, colour));
    if (fate === undefined) return [line];
    const side = row.from === 'left' ? 'right' : 'left';
    return [line, ...this.#texts(undefined, row.connection, side, `✗ ${fate}`, 'red')];
  }

  #state(row: LadderState): string {
    const text = row.side === 'left' ? `● ${row.to}  (${row.cause})` : `(${row.cause})  ${row.to} ●`;
    return this.#line(row.at, row.connection, this.#paint(this.#at(row.side, text), 'green'));
  }

  #remark(row: LadderRemark): readonly string[] {
    const sign = { timer: '◷', drop: '✗', note: '·' }[row.kind];
    const colour = row.kind === 'drop' ? 'red' : row.kind === 'timer' ? 'yellow' : 'dim';
    const text = row.side === 'left' ? `${sign} ${row.text}` : `${row.text} ${sign}`;
    return this.#texts(row.at, row.connection, row.side, text, colour);
  }

  /** A text at one side, on as many lines as it takes. */
  #texts(
    at: number | undefined,
    connection: number | undefined,
    side: Side,
    text: string,
    colour: Colour,
  ): readonly string[] {
    return wrap(text, this.#inner - 4).map((part, index) =>
      this.#line(index === 0 ? at : undefined, connection, this.#paint(this.#at(side, part), colour)),
    );
  }

  #at(side: Side, text: string): string {
    const clipped = clip(text, this.#inner - 2);
    return side === 'left' ? ` ${clipped}`.padEnd(this.#inner) : `${clipped} `.padStart(this.#inner);
  }

  #line(at: number | undefined, connection: number | undefined, inner: string): string {
    const time = at === undefined ? ' '.repeat(TIME_WIDTH) : `${timeText(at).padStart(TIME_WIDTH - 2)}  `;
    const number = connection === undefined || connection === 0 ? '' : `#${connection}`;
    const prefix = this.#numbered ? number.padEnd(5) : '';
    return `${this.#paint(time, 'dim')}${prefix}│${inner}│`;
  }

  #paint(text: string, colour: Colour | undefined): string {
    return this.#colour && colour !== undefined ? `\x1b[${ANSI[colour]}m${text}\x1b[0m` : text;
  }
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

function wrap(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > length) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
