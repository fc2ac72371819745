/** Where on a picture the rows of a ladder stand: time goes down, but neither to scale nor without it. */
import type { Ladder, LadderRow, LadderSegment, Side } from './ladder.ts';

/** One row with its heights in pixels. */
export interface Placed {
  readonly row: LadderRow;
  /** Of the tail of an arrow, or of a text. */
  readonly y: number;
  /** Of the arrow's head. */
  readonly headY: number;
}

/** A stretch of time that was too long to be drawn. */
export interface Gap {
  readonly y: number;
  readonly duration: number;
}

export interface Tick {
  readonly y: number;
  readonly at: number;
}

/** A ladder's heights. */
export interface LadderLayout {
  readonly placed: readonly Placed[];
  readonly gaps: readonly Gap[];
  readonly ticks: readonly Tick[];
  readonly height: number;
}

interface Point {
  readonly at: number;
  /** Among points of one instant: arrivals come before what they cause. */
  readonly rank: number;
  readonly index: number;
  readonly row: LadderRow;
  readonly isHead: boolean;
}

/** How far a typical delay is drawn, in pixels. */
const TYPICAL_DROP = 34;
const LONGEST_DROP = 58;
const SHORTEST_DROP = 3;
/** Between two arrows at one lifeline, and between two lines of text beside it. */
const ARROW_SPACING = 17;
const TEXT_SPACING = 14;
const TICK_SPACING = 13;

/** Places the rows from `top` on. `textLines` says how many lines of text a row has beside its lifeline. */
export function layoutOf(ladder: Ladder, top: number, textLines: (row: LadderRow) => number): LadderLayout {
  const unit = typicalDelay(ladder);
  const points = pointsOf(ladder, unit);
  const tails = new Map<LadderRow, number>();
  const heads = new Map<LadderRow, number>();
  const gaps: Gap[] = [];
  const ticks: Tick[] = [];
  const inner = { left: top - ARROW_SPACING, right: top - ARROW_SPACING };
  const outer = { left: top, right: top };
  let y = top;
  let lowest = top;
  let previous = points[0]?.at ?? 0;
  for (const { at, row, isHead } of points) {
    if (at > previous) {
      const drop = Math.max(SHORTEST_DROP, ((at - previous) / unit) * TYPICAL_DROP);
      if (drop > LONGEST_DROP * 1.5) gaps.push({ y: y + LONGEST_DROP / 2, duration: at - previous });
      y += Math.min(drop, LONGEST_DROP);
      previous = at;
    }
    const side = sideOf(row, isHead);
    if (row.kind === 'segment') y = Math.max(y, inner[side] + ARROW_SPACING);
    const lines = row.kind === 'segment' && !isHead ? 0 : textLines(row);
    if (lines > 0) y = Math.max(y, outer[side]);
    if (row.kind === 'segment') inner[side] = y;
    if (lines > 0) outer[side] = y + lines * TEXT_SPACING;
    (isHead ? heads : tails).set(row, y);
    lowest = Math.max(lowest, y, outer.left, outer.right);
    const last = ticks.at(-1);
    const isSeen = !isHead || (row.kind === 'segment' && row.arrivedAt !== undefined);
    if (!isSeen) continue;
    if (last === undefined || (last.at !== at && y - last.y >= TICK_SPACING)) ticks.push({ y, at });
  }
  const placed = ladder.rows.map((row) => place(row, tails, heads));
  return { placed, gaps, ticks, height: Math.max(lowest, ...placed.map(({ headY }) => headY)) };
}

function place(
  row: LadderRow,
  tails: ReadonlyMap<LadderRow, number>,
  heads: ReadonlyMap<LadderRow, number>,
): Placed {
  const head = heads.get(row);
  const y = tails.get(row) ?? head ?? 0;
  return { row, y, headY: head ?? y };
}

function pointsOf(ladder: Ladder, typical: number): readonly Point[] {
  const points: Point[] = [];
  ladder.rows.forEach((row, index) => {
    if (row.kind !== 'segment') {
      points.push({ at: row.at, rank: 1, index, row, isHead: false });
      return;
    }
    if (row.sentAt !== undefined) points.push({ at: row.sentAt, rank: 1, index, row, isHead: false });
    // One that never came gets the place where it would have come, so that its arrow is as steep as the others.
    const arrivedAt = row.arrivedAt ?? (ladder.bothTraced ? row.at + typical : undefined);
    if (arrivedAt === undefined) return;
    const isLater = row.sentAt !== undefined && row.sentAt < arrivedAt;
    points.push({ at: arrivedAt, rank: isLater ? 0 : 1, index, row, isHead: true });
  });
  return points.sort((a, b) => a.at - b.at || a.rank - b.rank || a.index - b.index);
}

function sideOf(row: LadderRow, isHead: boolean): Side {
  if (row.kind !== 'segment') return row.side;
  return isHead === (row.from === 'left') ? 'right' : 'left';
}

/** The median delay of the arrows; without any, the median time between rows. */
function typicalDelay(ladder: Ladder): number {
  const delays = ladder.rows
    .filter((row): row is LadderSegment => row.kind === 'segment')
    .flatMap(({ sentAt, arrivedAt }) =>
      sentAt === undefined || arrivedAt === undefined ? [] : [arrivedAt - sentAt],
    );
  const between = ladder.rows.map((row, index) => row.at - (ladder.rows[index - 1]?.at ?? row.at));
  return median(delays) ?? median(between) ?? 1_000;
}

function median(values: readonly number[]): number | undefined {
  const positive = values.filter((value) => value > 0).sort((a, b) => a - b);
  return positive[positive.length >>> 1];
}
