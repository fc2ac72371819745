/** Which segment sent by one end is which that arrived at the other. */
import type { ResetReason } from '../stack/drop-reasons.ts';
import { add, distance, geq, lt, max, min, type SeqNumber } from '../stack/tcp/sequence.ts';
import type { Instant } from '../stack/time.ts';
import type { SendCause } from '../stack/trace.ts';
import { type IpAddress, sameAddress } from '../stack/wire/address.ts';
import type { TcpHeader } from '../stack/wire/tcp.ts';
import { isRetransmission } from './describe.ts';
import type { LadderSegment, Side } from './ladder.ts';
import { RelativeSequence } from './relative.ts';

/** What is known of a segment where it was seen. */
export interface SegmentFacts {
  readonly at: Instant;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly header: TcpHeader;
  readonly length: number;
  readonly segmentSize: number;
  readonly connection?: number;
  readonly cause?: SendCause;
  readonly reset?: ResetReason;
}

/** Who lost a segment, and why. */
export interface Loss {
  readonly by: string;
  readonly reason: string;
  readonly sentence: string;
}

/** An arrow that is still being drawn. */
export type Arrow = { -readonly [name in keyof LadderSegment]: LadderSegment[name] };

/** A sent segment, as far as it has not arrived. */
interface Pending {
  readonly arrow: Arrow;
  readonly facts: SegmentFacts;
  readonly index: number;
  arrivedBytes: number;
  /** The arrival that had the last bytes of it. */
  claimedBy: SegmentFacts | undefined;
}

interface Direction {
  pending: Pending[];
  /** Those that arrived last, for duplicates. */
  done: Pending[];
  sent: number;
  /** Of the last that arrived. */
  delay: number;
  /** The latest sent of those that arrived. */
  highest: number;
  /** End of what the sender has sent so far, by port pair, where only arrivals are seen. */
  readonly ends: Map<number, SeqNumber>;
}

const REMEMBERED = 64;
const MOST_FLOWS = 8192;

export class ArrowMatcher {
  readonly #bothTraced: boolean;
  readonly #numbers: RelativeSequence = new RelativeSequence();
  readonly #from: { readonly [side in Side]: Direction } = { left: direction(), right: direction() };
  #longestDelay: number = 0;

  constructor(bothTraced: boolean) {
    this.#bothTraced = bothTraced;
  }

  sent(from: Side, facts: SegmentFacts): Arrow {
    const arrow = this.#arrow(from, facts);
    arrow.sentAt = facts.at;
    arrow.retransmission = isRetransmission(facts.cause);
    if (!this.#bothTraced) return arrow;
    const way = this.#from[from];
    way.pending.push({ arrow, facts, index: way.sent, arrivedBytes: 0, claimedBy: undefined });
    way.sent += 1;
    return arrow;
  }

  /** The arrow that arrived at `to`; new if no sent one is it. */
  arrived(to: Side, facts: SegmentFacts): { readonly arrow: Arrow; readonly isNew: boolean } {
    const from: Side = to === 'left' ? 'right' : 'left';
    if (!this.#bothTraced) return { arrow: this.#onlyArrived(from, facts), isNew: true };
    const way = this.#from[from];
    let arrow: Arrow | undefined;
    // More than one may be in it: a receiver merges segments.
    for (let left = Math.max(1, facts.length); left > 0; ) {
      const pending = mostLikely(way, facts);
      if (pending === undefined) break;
      const bytes = commonBytes(pending.facts, facts);
      left -= bytes;
      arrow ??= pending.arrow;
      pending.arrivedBytes += bytes;
      pending.claimedBy = facts;
      this.#arrivedIn(way, pending, facts.at);
    }
    if (arrow !== undefined) return { arrow, isNew: false };
    return { arrow: this.#unexpected(from, facts), isNew: true };
  }

  /** A link lost it. */
  lost(from: Side, facts: SegmentFacts, loss: Loss): void {
    const { pending } = this.#from[from];
    for (let i = pending.length - 1; i >= 0; i--) {
      const candidate = pending[i];
      if (candidate === undefined || commonBytes(candidate.facts, facts) === 0) continue;
      // A piece of a super-segment: the rest may arrive; who lost the piece is worth keeping.
      if (candidate.arrow.pieces === 1) this.lose(candidate.arrow, loss);
      else Object.assign(candidate.arrow, loss);
      return;
    }
  }

  lose(arrow: Arrow, { by, reason, sentence }: Loss): void {
    Object.assign(arrow, { fate: 'lost', by, reason, sentence, lostPieces: arrow.pieces });
    for (const way of [this.#from.left, this.#from.right]) {
      way.pending = way.pending.filter((pending) => pending.arrow !== arrow);
    }
  }

  /** Nothing more will come: what has not arrived is lost, unless there was no time for it. */
  finish(end: Instant): void {
    for (const way of [this.#from.left, this.#from.right]) {
      for (const { arrow, facts, arrivedBytes } of way.pending) {
        if (arrivedBytes > 0) {
          arrow.lostPieces = Math.ceil((facts.length - arrivedBytes) / facts.segmentSize);
          arrow.fate = 'arrived';
        } else if (end - arrow.at < this.#longestDelay && end > arrow.at) {
          arrow.fate = 'on-its-way';
        } else {
          arrow.fate = 'lost';
          arrow.lostPieces = arrow.pieces;
        }
      }
    }
  }

  #arrivedIn(way: Direction, pending: Pending, at: Instant): void {
    const { arrow, facts, index } = pending;
    arrow.arrivedAt = at;
    way.delay = at - facts.at;
    this.#longestDelay = Math.max(this.#longestDelay, way.delay);
    if (pending.arrivedBytes < facts.length) return;
    arrow.fate = 'arrived';
    arrow.reordered = index < way.highest;
    way.highest = Math.max(way.highest, index);
    way.pending.splice(way.pending.indexOf(pending), 1);
    way.done.push(pending);
    if (way.done.length > REMEMBERED) way.done.shift();
  }

  /** Nobody waits for it: a copy that the network made, or a segment that the other end never sent. */
  #unexpected(from: Side, facts: SegmentFacts): Arrow {
    const arrow = this.#onlyArrived(from, facts);
    const original = this.#from[from].done.findLast((done) => commonBytes(done.facts, facts) > 0);
    arrow.retransmission = false;
    arrow.duplicate = original !== undefined;
    arrow.unsent = original === undefined;
    if (original !== undefined) arrow.sentAt = original.facts.at;
    return arrow;
  }

  /** An arrow of which only the head was seen. */
  #onlyArrived(from: Side, facts: SegmentFacts): Arrow {
    const arrow = this.#arrow(from, facts);
    arrow.arrivedAt = facts.at;
    arrow.fate = 'arrived';
    const { ends } = this.#from[from];
    const { header } = facts;
    const flow = header.sourcePort * 0x1_0000 + header.destinationPort;
    const size = facts.length + (header.syn ? 1 : 0) + (header.fin ? 1 : 0);
    const known = header.syn && header.ack === undefined ? undefined : ends.get(flow);
    const end = add(header.seq, size);
    // One byte before the end is a keep-alive, not a retransmission.
    arrow.retransmission =
      known !== undefined && size > 0 && lt(header.seq, known) && distance(header.seq, known) !== 1;
    // Who follows a host for days must not gather flows.
    if (ends.size > MOST_FLOWS) ends.clear();
    if (size > 0 || known === undefined) ends.set(flow, known === undefined ? end : max(known, end));
    return arrow;
  }

  #arrow(from: Side, facts: SegmentFacts): Arrow {
    const numbers = this.#numbers.of(facts);
    const { header, length, segmentSize } = facts;
    return {
      kind: 'segment',
      from,
      connection: facts.connection,
      at: facts.at,
      sentAt: undefined,
      arrivedAt: undefined,
      fate: 'unknown',
      by: undefined,
      reason: undefined,
      sentence: undefined,
      header,
      length,
      seq: numbers.seq,
      ack: numbers.ack,
      sack: (header.options.sack ?? []).map((block) => [
        numbers.ofPeer(block.left),
        numbers.ofPeer(block.right),
      ]),
      pieces: segmentSize > 0 ? Math.max(1, Math.ceil(length / segmentSize)) : 1,
      lostPieces: 0,
      retransmission: false,
      duplicate: false,
      reordered: false,
      unsent: false,
      cause: facts.cause,
      reset: facts.reset,
    };
  }
}

function direction(): Direction {
  return { pending: [], done: [], sent: 0, delay: 0, highest: -1, ends: new Map() };
}

/**
 * The pending segment that took about as long as the last one: of a segment and its retransmission, which look alike, the
 * one that was not lost. Of equals the oldest.
 */
function mostLikely(way: Direction, seen: SegmentFacts): Pending | undefined {
  let best: Pending | undefined;
  let bestDifference = Number.POSITIVE_INFINITY;
  for (const pending of way.pending) {
    if (pending.claimedBy === seen || commonBytes(pending.facts, seen) === 0) continue;
    const difference = Math.abs(seen.at - pending.facts.at - way.delay);
    if (difference >= bestDifference) continue;
    best = pending;
    bestDifference = difference;
  }
  return best;
}

/** How much of `sent` is in `seen`: bytes of payload, or 1 for an empty segment that is the same; 0 if they differ. */
function commonBytes(sent: SegmentFacts, seen: SegmentFacts): number {
  const a = sent.header;
  const b = seen.header;
  if (a.sourcePort !== b.sourcePort || a.destinationPort !== b.destinationPort) return 0;
  if (!sameAddress(sent.source, seen.source) || !sameAddress(sent.destination, seen.destination)) return 0;
  if (a.syn !== b.syn || a.rst !== b.rst) return 0;
  // A receiver that merged segments shows the last one's acknowledgment and timestamps.
  const merged = seen.segmentSize > 0;
  if (!merged && (a.ack !== b.ack || a.options.timestamps?.value !== b.options.timestamps?.value)) return 0;
  if (sent.length === 0 || seen.length === 0) {
    const same = sent.length === seen.length && a.seq === b.seq && a.fin === b.fin && a.window === b.window;
    return same && sackText(a) === sackText(b) ? 1 : 0;
  }
  const begin = max(a.seq, b.seq);
  const end = min(add(a.seq, sent.length), add(b.seq, seen.length));
  return geq(begin, end) ? 0 : distance(begin, end);
}

function sackText(header: TcpHeader): string {
  return (header.options.sack ?? []).map(({ left, right }) => `${left}-${right}`).join();
}
