import type { Scanner } from './scanner.ts';
import type { TimeSpec } from './syntax.ts';

const SECONDS = /(\d*)\.(\d+)|(\d+)(?:\.(?!\.))?/y;

/** The time in front of an event, and when a blocking call returns. */
export interface EventTime {
  readonly time: TimeSpec;
  readonly returnsAt: number | undefined;
}

/** `0.5`, `+0.5`, `.1~.2`, `+.1~+.2`, `*`, `+0...0.2`. */
export function parseTime(scanner: Scanner): EventTime {
  if (scanner.accept('*')) return { time: { kind: 'any' }, returnsAt: undefined };
  if (scanner.sees('-'))
    scanner.fail('time cannot be negative: give seconds since the start, or + and seconds');
  const kind = scanner.accept('+') ? 'relative' : 'absolute';
  const from = microseconds(scanner);
  if (scanner.accept('~')) {
    if (scanner.accept('+') !== (kind === 'relative'))
      scanner.fail('both ends of a window are counted alike: +a~+b, or a~b');
    const until = microseconds(scanner);
    if (until < from) scanner.fail('this window ends before it begins');
    return { time: { kind, from, until }, returnsAt: undefined };
  }
  const time: TimeSpec = { kind, from, until: undefined };
  if (!scanner.accept('...')) return { time, returnsAt: undefined };
  scanner.accept('+');
  const returnsAt = microseconds(scanner);
  if (returnsAt < from) scanner.fail('this call returns before it begins');
  return { time, returnsAt };
}

/** Seconds as whole microseconds, by their digits. */
function microseconds(scanner: Scanner): number {
  scanner.skip();
  const start = scanner.at;
  const match = scanner.take(SECONDS, 'a time in seconds');
  const whole = match[3] ?? match[1] ?? '';
  const fraction = match[2] ?? '';
  if (fraction.length > 6 && !/^0*$/.test(fraction.slice(6)))
    scanner.fail('a time has at most six decimals: microseconds', start);
  return Number(whole === '' ? '0' : whole) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}
