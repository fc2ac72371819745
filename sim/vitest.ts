/**
 * Matchers for vitest: `expect.extend(matchers)`, then `expect(world).toContainSegments([…])`. They read a world with its trace, or
 * a list of its events. Nothing of vitest is imported, so that this file belongs to no test runner's version.
 */
import type { DropReason, ResetReason } from '../stack/drop-reasons.ts';
import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { TcpState } from '../stack/tcp/states.ts';
import { RETRANSMISSIONS, type SendCause, type TcbVariables, type TimerName } from '../stack/trace.ts';
import { type SegmentPattern, findInOrder, mismatch, show } from './expect/pattern.ts';
import { type SeenSegment, segmentLine, segmentsOf } from './expect/segments.ts';
import type { LinkReason } from './link/link-event.ts';
import type { WorldEvent } from './world-event.ts';
import type { World } from './world.ts';

export { type SegmentPattern } from './expect/pattern.ts';
export { segmentLine, segmentsOf, type SeenSegment } from './expect/segments.ts';
export { wireText, type WireTextOptions } from './expect/wire-text.ts';

/** What matchers read. */
export type Traced = World | readonly WorldEvent[];

/** What a matcher says. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Which host and connection, and until when. */
export interface Of {
  readonly host?: string;
  readonly connection?: number;
  /** Virtual µs. */
  readonly before?: number;
  readonly after?: number;
}

/** Segments that a message lists. */
const LISTED = 30;

function eventsOf(traced: Traced): readonly WorldEvent[] {
  if (!('seed' in traced)) return traced;
  if (traced.events.length === 0 && traced.eventCount > 0)
    throw new Error('this world keeps no trace: createWorld({ record: true })');
  return traced.events;
}

function isOf(event: WorldEvent, of: Of): boolean {
  if (of.host !== undefined && !('host' in event && event.host === of.host)) return false;
  if (of.connection !== undefined && !('connection' in event && event.connection === of.connection))
    return false;
  return event.at <= (of.before ?? Number.POSITIVE_INFINITY) && event.at >= (of.after ?? 0);
}

function listed(segments: readonly SeenSegment[], marked: ReadonlySet<number> = new Set()): string {
  const lines = segments
    .slice(0, LISTED)
    .map((segment, index) => `  ${marked.has(index) ? '✓' : ' '} ${segment.event} ${segmentLine(segment)}`);
  if (segments.length > LISTED) lines.push(`    … ${segments.length - LISTED} more`);
  return lines.join('\n');
}

/** `count` has to be what is wanted, or above 0 if nothing is. */
function counted(what: string, places: readonly number[], wanted: number | undefined): MatcherResult {
  const pass = wanted === undefined ? places.length > 0 : places.length === wanted;
  const where = places.length === 0 ? '' : `, at events ${places.slice(0, 10).join(', ')}`;
  const expected = wanted === undefined ? 'some' : String(wanted);
  return {
    pass,
    message: () => `${what}: ${places.length}${where}; expected ${pass ? 'not ' : ''}${expected}`,
  };
}

function numbered(traced: Traced, of: Of, wanted: (event: WorldEvent) => boolean): readonly number[] {
  return eventsOf(traced).flatMap((event, number) => (isOf(event, of) && wanted(event) ? [number] : []));
}

function liveConnection(world: World, host: string, connection: number): TcpConnection | undefined {
  const found = world.hosts.find(({ name }) => name === host);
  return [...(found?.tcp.connections() ?? [])].find(({ id }) => id === connection);
}

/** For `expect.extend`. */
export const matchers = {
  /** These segments, in this order; others may come between, unless `exactly`. */
  toContainSegments(
    traced: Traced,
    patterns: readonly SegmentPattern[],
    options: { readonly exactly?: boolean } = {},
  ): MatcherResult {
    const wanted = (segment: SeenSegment): boolean =>
      patterns.some(
        ({ host, direction = 'out' }) =>
          segment.direction === direction && (host ?? segment.host) === segment.host,
      );
    const segments = segmentsOf(eventsOf(traced)).filter(wanted);
    const { found, missing, why } = findInOrder(segments, patterns, options.exactly ?? false);
    const surplus = options.exactly === true && missing === undefined && found.length < segments.length;
    const problem =
      missing === undefined
        ? surplus
          ? `${segments.length - found.length} segments are more than expected`
          : undefined
        : `segment ${missing + 1} of ${patterns.length} is missing: ${show(patterns[missing])}\n${why}`;
    return {
      pass: problem === undefined,
      message: () =>
        `${problem ?? 'all these segments are there, in this order'}\n${listed(segments, new Set(found))}`,
    };
  },

  /** No segment like this. */
  toSendNo(traced: Traced, pattern: SegmentPattern): MatcherResult {
    const segments = segmentsOf(eventsOf(traced)).filter(
      (segment) => mismatch(segment, pattern) === undefined,
    );
    return {
      pass: segments.length === 0,
      message: () => `${segments.length} segments are like ${show(pattern)}\n${listed(segments)}`,
    };
  },

  /** A connection comes into this state. */
  toReachState(traced: Traced, state: TcpState, of: Of = {}): MatcherResult {
    const events = eventsOf(traced);
    const states = events.flatMap((event, number) =>
      event.type === 'state' && isOf(event, of) ? [{ number, event }] : [],
    );
    const reached = states.find(({ event }) => event.to === state);
    const way = states.map(
      ({ number, event }) => `  ${number} ${event.host} #${event.connection} ${event.from} → ${event.to}`,
    );
    return {
      pass: reached !== undefined,
      message: () =>
        `${state} was ${reached === undefined ? 'never' : `at event ${reached.number}`} reached\n${way.join('\n')}`,
    };
  },

  /** Segments are sent again: so many, or some; for one of these causes. */
  toRetransmit(traced: Traced, wanted?: number, of: Of & { readonly cause?: SendCause } = {}): MatcherResult {
    const causes = of.cause === undefined ? RETRANSMISSIONS : [of.cause];
    const places = numbered(
      traced,
      of,
      (event) =>
        event.type === 'segment' &&
        event.direction === 'out' &&
        event.cause !== undefined &&
        causes.includes(event.cause),
    );
    return counted('retransmissions', places, wanted);
  },

  /** A host drops packets for this reason: so many, or some. */
  toDrop(traced: Traced, reason: DropReason, wanted?: number, of: Of = {}): MatcherResult {
    const places = numbered(traced, of, (event) => event.type === 'drop' && event.reason === reason);
    return counted(`drops for ${reason}`, places, wanted);
  },

  /** Links lose packets for this reason: so many, or some. */
  toLose(traced: Traced, reason: LinkReason, wanted?: number): MatcherResult {
    const places = numbered(traced, {}, (event) => event.type === 'link-loss' && event.reason === reason);
    return counted(`packets lost for ${reason}`, places, wanted);
  },

  /** A host sends a RST for this reason. */
  toReset(traced: Traced, reason: ResetReason, of: Of = {}): MatcherResult {
    const places = numbered(traced, of, (event) => event.type === 'segment' && event.reset === reason);
    return counted(`RSTs for ${reason}`, places, undefined);
  },

  /** No segment leaves between two instants (virtual µs). */
  toBeQuiet(traced: Traced, from: number, to: number, of: Of = {}): MatcherResult {
    const places = numbered(
      traced,
      { ...of, after: from, before: to },
      (event) => event.type === 'segment' && event.direction === 'out',
    );
    const { pass, message } = counted(`segments between ${from} and ${to} µs`, places, 0);
    return { pass, message };
  },

  /** A timer of a connection runs now; with `deadline`, until then (virtual µs). */
  toHaveTimer(
    world: World,
    host: string,
    connection: number,
    timer: TimerName,
    deadline?: number,
  ): MatcherResult {
    const timers = liveConnection(world, host, connection)?.timers;
    const found = timers?.isSet(timer) === true ? timers.deadline(timer) : undefined;
    const wanted = deadline === undefined ? 'set' : `due at ${deadline} µs`;
    const is = found === undefined ? 'not set' : `due at ${found} µs`;
    return {
      pass: deadline === undefined ? found !== undefined : found === deadline,
      message: () => `timer ${timer} of ${host} #${connection} is ${is}; expected: ${wanted}`,
    };
  },

  /** The variables of a connection have these values now. */
  toHaveTcb(world: World, host: string, connection: number, wanted: Partial<TcbVariables>): MatcherResult {
    const info = liveConnection(world, host, connection)?.info();
    const wrong = Object.entries(wanted).filter(
      ([name, value]) => info?.[name as keyof TcbVariables] !== value,
    );
    const lines = wrong.map(
      ([name, value]) => `  ${name} is ${show(info?.[name as keyof TcbVariables])}, not ${show(value)}`,
    );
    const missing =
      info === undefined
        ? `host ${host} has no connection ${connection}`
        : `connection ${connection} of ${host}:`;
    return { pass: info !== undefined && wrong.length === 0, message: () => [missing, ...lines].join('\n') };
  },
};

type Arguments<Matcher> = Matcher extends (traced: never, ...rest: infer Rest) => MatcherResult
  ? Rest
  : never;

/** The matchers as `expect(…)` has them. */
export type GlasstackMatchers<Returned> = {
  [name in keyof typeof matchers]: (...rest: Arguments<(typeof matchers)[name]>) => Returned;
};

declare module 'vitest' {
  // The name is vitest's: its `expect(…)` has what is declared here.
  interface Matchers<T> extends GlasstackMatchers<T> {}
}
