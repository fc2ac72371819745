import type { WorldEvent } from '../world-event.ts';
// oxlint-disable-next-line no-restricted-imports -- a failure shows its ladder; trace/ imports nothing of sim/, so there is no cycle
import { captureTrace, ladderOf, ladderText } from '../../trace/trace.ts';
import { isHostEvent } from '../world-event.ts';

/** Lines of a ladder in a report. */
const LINES = 24;

/**
 * The ladder of the events up to number `until` (all, without it), between the hosts `hosts` (the first two of the trace, if there are
 * none): its heads and last `lines` lines.
 */
export function ladderUpTo(
  events: readonly WorldEvent[],
  options: { readonly until?: number; readonly hosts?: readonly string[]; readonly lines?: number } = {},
): string {
  const { until = events.length, hosts = [], lines = LINES } = options;
  const told = events.slice(0, until).filter((event) => event.type !== 'link');
  const [left, right] = hosts;
  const ends = left !== undefined && right !== undefined && left !== right ? { left, right } : {};
  const [heads, ...rows] = ladderText(ladderOf(told, ends), { width: 110 }).trimEnd().split('\n');
  const leftOut = rows.length - lines;
  const shown = leftOut > 0 ? [`  … ${leftOut} lines before`, ...rows.slice(-lines)] : rows;
  return [heads ?? '', ...shown].join('\n');
}

/** The trace as a pcapng file with comments, in pieces. */
export function captureOf(events: readonly WorldEvent[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const capture = captureTrace((bytes) => pieces.push(bytes));
  for (const event of events) if (isHostEvent(event)) capture(event);
  capture.flush();
  return pieces;
}
