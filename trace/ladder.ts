/**
 * The ladder (time-sequence diagram) of a trace as data: what two ends sent each other, what became of it, and what happened
 * at each end. `ladder-text.ts` and `ladder-svg.ts` draw it.
 */
import type { ResetReason } from '../stack/drop-reasons.ts';
import type { Instant } from '../stack/time.ts';
import type { SendCause, TraceEvent } from '../stack/trace.ts';
import type { TcpState } from '../stack/tcp/states.ts';
import type { TcpHeader } from '../stack/wire/tcp.ts';
import { LadderBuilder } from './ladder-builder.ts';

/** One end of the ladder. */
export type Side = 'left' | 'right';

/**
 * What became of a segment. `lost`: it never arrived. `dropped`: it arrived, and the host dropped it. `on-its-way`: the trace
 * ends before it could arrive. `unknown`: only the sender was traced.
 */
export type Fate = 'arrived' | 'lost' | 'dropped' | 'on-its-way' | 'unknown';

/** One arrow. */
export interface LadderSegment {
  readonly kind: 'segment';
  readonly from: Side;
  /** Its number at the host that sent it (or received it, if only that one was traced). */
  readonly connection: number | undefined;
  /** When it was sent, or arrived if its sender was not traced. */
  readonly at: Instant;
  readonly sentAt: Instant | undefined;
  /** When it arrived, the last piece of it. */
  readonly arrivedAt: Instant | undefined;
  readonly fate: Fate;
  /** Lost or dropped: by whom, as far as is known, and why in a word (`TCP_CSUM`) and in a sentence. */
  readonly by: string | undefined;
  readonly reason: string | undefined;
  readonly sentence: string | undefined;
  readonly header: TcpHeader;
  /** Payload bytes. */
  readonly length: number;
  /** Counted from each side's SYN. */
  readonly seq: number;
  readonly ack: number | undefined;
  /** SACK blocks, counted likewise. */
  readonly sack: readonly (readonly [number, number])[];
  /** Segments on the wire: more than 1 for a super-segment; and how many of them never arrived. */
  readonly pieces: number;
  readonly lostPieces: number;
  readonly retransmission: boolean;
  /** A second copy that the network made. */
  readonly duplicate: boolean;
  /** It arrived after one that was sent later. */
  readonly reordered: boolean;
  /** It arrived, but the other end never sent it. */
  readonly unsent: boolean;
  readonly cause: SendCause | undefined;
  readonly reset: ResetReason | undefined;
}

/** A change of state at one end. */
export interface LadderState {
  readonly kind: 'state';
  readonly side: Side;
  readonly connection: number;
  readonly at: Instant;
  readonly from: TcpState;
  readonly to: TcpState;
  readonly cause: string;
}

/** Anything else worth a line at one end: a timer that fired, a drop of something that is no arrow, a note. */
export interface LadderRemark {
  readonly kind: 'timer' | 'drop' | 'note';
  readonly side: Side;
  readonly connection: number | undefined;
  readonly at: Instant;
  readonly text: string;
}

/** One thing on the ladder. */
export type LadderRow = LadderSegment | LadderState | LadderRemark;

/** A ladder, ready to be drawn. Rows are in the order in which they happened. */
export interface Ladder {
  readonly left: string;
  readonly right: string;
  /** False: only the right end was traced, so that its arrows have no slope. */
  readonly bothTraced: boolean;
  readonly rows: readonly LadderRow[];
}

/** What to draw. */
export interface LadderOptions {
  /**
   * The hosts' names. By default, the first two that the events name; with only one, it stands right and `peer` left.
   */
  readonly left?: string;
  readonly right?: string;
  /** Only segments, states and timers of this connection at that end. */
  readonly connections?: { readonly left?: number; readonly right?: number };
}

/** What happened to a packet between the hosts. Links write no trace of their own, so whoever runs them tells it. */
export interface LinkLoss {
  readonly type: 'link-loss';
  readonly at: Instant;
  /** The link or queue. */
  readonly by: string;
  /** In a word, and in a sentence. */
  readonly reason: string;
  readonly sentence: string;
  /** The packet: `bytes[head..tail)`, as `medium` has it. */
  readonly medium: 'ip' | 'ethernet';
  readonly bytes: Uint8Array;
  readonly head: number;
  readonly tail: number;
}

/** The ladder of the events of one or two hosts, in the order in which they happened. */
export function ladderOf(events: Iterable<TraceEvent | LinkLoss>, options: LadderOptions = {}): Ladder {
  const list = [...events];
  const hosts = [...new Set(list.flatMap((event) => (event.type === 'link-loss' ? [] : [event.host])))];
  const [first, second] = hosts;
  const onlyOne = options.left === undefined && options.right === undefined && second === undefined;
  const left = onlyOne ? undefined : (options.left ?? hosts.find((host) => host !== options.right));
  const right = onlyOne
    ? (first ?? 'host')
    : (options.right ?? hosts.find((host) => host !== left) ?? 'host');
  const leftTraced = left !== undefined && hosts.includes(left);
  const builder = new LadderBuilder(leftTraced ? left : undefined, right, options.connections ?? {});
  for (const event of list) {
    if (event.type === 'link-loss') builder.linkLoss(event);
    else builder.event(event);
  }
  return { left: left ?? 'peer', right, bothTraced: leftTraced, rows: builder.finish() };
}
