import type { Instant } from '../../stack/time.ts';
import { formatSeconds } from '../language/format.ts';
import type { TimeSpec } from '../language/syntax.ts';
import type { Tolerance } from './plan.ts';

/** `*` waits so long at most. */
const ANY_TIME = 3_600_000_000;
/** An expected packet is waited for so long beyond its time, so that a late one is told from a missing one. */
const PATIENCE = 2_000_000;

/** When an event may happen, counted from the script's start. */
export interface Due {
  readonly from: Instant;
  readonly until: Instant;
  /** `*`: no time is asked for. */
  readonly any: boolean;
}

/** Keeps the script's time: what "now" and "the event before" are. */
export class Timing {
  /** When the previous event was done. */
  now: Instant = 0 as Instant;
  readonly #tolerance: Tolerance;
  /** When the previous event was to happen. */
  #scheduled: Instant = 0 as Instant;
  #before: Instant = 0 as Instant;
  #inboundAt: Instant | undefined;

  constructor(tolerance: Tolerance) {
    this.#tolerance = tolerance;
  }

  /** When the event is due; `inbound`: it injects a packet. */
  due(time: TimeSpec, inbound: boolean): Due {
    this.#before = this.#scheduled;
    if (time.kind === 'any') {
      return { from: this.now, until: (this.now + ANY_TIME) as Instant, any: true };
    }
    // Packets injected one after the other keep their distance, whatever the injection took.
    const base = time.kind === 'absolute' ? 0 : inbound ? (this.#inboundAt ?? this.now) : this.now;
    const from = (base + time.from) as Instant;
    const until = (base + (time.until ?? time.from)) as Instant;
    this.#scheduled = from;
    this.#inboundAt = inbound ? from : undefined;
    return { from, until, any: false };
  }

  /** When a blocking call has to return. */
  returnDue(time: TimeSpec, returnsAt: number): Instant {
    return ((time.kind === 'absolute' ? 0 : this.now) + returnsAt) as Instant;
  }

  /** How far a time may be off, so long after the event before. */
  allowed(expected: Instant, since: Instant = this.#before): number {
    const { us, percent } = this.#tolerance;
    return Math.max(us, ((expected - since) * percent) / 100);
  }

  /** How many ticks of `tick` µs an outbound timestamp may be off. */
  ticks(tick: number): number {
    const { us, percent } = this.#tolerance;
    const allowed = Math.max(us, (this.now * percent) / 100);
    return Math.ceil(allowed / tick);
  }

  /** Until when an expected packet is waited for. */
  patience({ until, any }: Due): Instant {
    return (any ? until : until + PATIENCE + this.allowed(until)) as Instant;
  }

  /** What is wrong with a packet sent at `at`; undefined: nothing. */
  judge(
    { from, until, any }: Due,
    at: Instant,
  ): { readonly expected: string; readonly actual: string } | undefined {
    if (any) return undefined;
    const allowed = this.allowed(until);
    if (at >= from - allowed && at <= until + allowed) return undefined;
    const window = from === until ? formatSeconds(from) : `${formatSeconds(from)}~${formatSeconds(until)}`;
    const slack = allowed > 0 ? ` (± ${formatSeconds(Math.round(allowed))})` : '';
    const off = at < from ? `${formatSeconds(from - at)} s early` : `${formatSeconds(at - until)} s late`;
    return { expected: `${window}${slack}`, actual: `${formatSeconds(at)}, ${off}` };
  }
}
