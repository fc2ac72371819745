import type { SeenSegment } from './segments.ts';

/** What a segment has to be: the fields that are named, each as a whole. */
export interface SegmentPattern {
  readonly host?: string;
  /** `out` at first. */
  readonly direction?: 'in' | 'out';
  readonly connection?: number;
  /** tcpdump's letters, all of them: `S`, `S.`, `.`, `P.`, `F.`. */
  readonly flags?: string;
  /** Counted from the SYN. */
  readonly seq?: number;
  readonly ack?: number;
  readonly length?: number;
  readonly window?: number;
  readonly cause?: SeenSegment['cause'];
  readonly reset?: SeenSegment['reset'];
  /** Options that it has with these values. */
  readonly options?: Partial<SeenSegment['options']>;
  /** Virtual µs: exactly, or with a tolerance, or from and to. */
  readonly at?: number | { readonly at: number; readonly tolerance: number } | readonly [number, number];
  /** µs after the segment before it in the list: at most, or from and to. */
  readonly within?: number | readonly [number, number];
  /** Anything else. */
  readonly where?: (segment: SeenSegment) => boolean;
}

/** What of the pattern the segment is not; undefined if it is all of it. */
export function mismatch(
  segment: SeenSegment,
  pattern: SegmentPattern,
  before?: SeenSegment,
): string | undefined {
  const { options, at, within, where, direction = 'out', ...plain } = pattern;
  for (const [name, wanted] of Object.entries({ direction, ...plain })) {
    const found = segment[name as keyof SeenSegment];
    if (found !== wanted) return `${name} is ${show(found)}, not ${show(wanted)}`;
  }
  for (const [name, wanted] of Object.entries(options ?? {})) {
    const found = segment.options[name as keyof SeenSegment['options']];
    if (show(found) !== show(wanted)) return `option ${name} is ${show(found)}, not ${show(wanted)}`;
  }
  const time = at === undefined ? undefined : outside(segment.at, rangeOf(at));
  if (time !== undefined) return `it is at ${segment.at} µs, not ${time}`;
  const gap = within === undefined ? undefined : segment.at - (before?.at ?? 0);
  const late = gap === undefined || within === undefined ? undefined : outside(gap, gapOf(within));
  if (late !== undefined) return `it comes ${gap} µs after the one before, not ${late}`;
  return where === undefined || where(segment) ? undefined : 'where(segment) says no';
}

/** Where the patterns are found in the list, in their order: indices, or which pattern is missing and what came nearest. */
export function findInOrder(
  segments: readonly SeenSegment[],
  patterns: readonly SegmentPattern[],
  exactly: boolean,
): { readonly found: readonly number[]; readonly missing: number | undefined; readonly why: string } {
  const found: number[] = [];
  let from = 0;
  for (const [number, pattern] of patterns.entries()) {
    const before = segments[found.at(-1) ?? -1];
    let index = from;
    let why = 'there are no more segments';
    for (; index < segments.length; index++) {
      const segment = segments[index];
      if (segment === undefined) break;
      const problem = mismatch(segment, pattern, before);
      if (problem === undefined) break;
      why = `the next segment (event ${segment.event}): ${problem}`;
      if (exactly) return { found, missing: number, why };
    }
    if (index >= segments.length) return { found, missing: number, why };
    found.push(index);
    from = index + 1;
  }
  return { found, missing: undefined, why: '' };
}

/** For messages. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

type Interval = readonly [number, number];

function rangeOf(at: NonNullable<SegmentPattern['at']>): Interval {
  if (typeof at === 'number') return [at, at];
  return 'tolerance' in at ? [at.at - at.tolerance, at.at + at.tolerance] : at;
}

function gapOf(within: number | Interval): Interval {
  return typeof within === 'number' ? [0, within] : within;
}

function outside(value: number, [from, to]: Interval): string | undefined {
  if (value >= from && value <= to) return undefined;
  return from === to ? `${from} µs` : `${from} to ${to} µs`;
}
