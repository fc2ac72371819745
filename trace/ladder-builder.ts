import { transportOf } from '../device/segmentation.ts';
import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { DROP_REASONS } from '../stack/drop-reasons.ts';
import type { Instant } from '../stack/time.ts';
import type { DropEvent, FrameEvent, SegmentEvent, TraceEvent } from '../stack/trace.ts';
import { IPv6Address, type IpAddress, readIPv4 } from '../stack/wire/address.ts';
import { PROTOCOL_TCP } from '../stack/wire/ipv4.ts';
import { parse } from '../stack/wire/tcp.ts';
import { dropSentence, isOutgoingDrop, limitSentence, timerSentence } from './describe.ts';
import { type Arrow, ArrowMatcher, type SegmentFacts } from './ladder-arrows.ts';
import type { LadderRemark, LadderRow, LinkLoss, Side } from './ladder.ts';

/** Makes rows of events. Used by `ladderOf`. */
export class LadderBuilder {
  readonly #left: string | undefined;
  readonly #right: string;
  readonly #connections: { readonly left?: number; readonly right?: number };
  readonly #arrows: ArrowMatcher;
  readonly #rows: (LadderRow | Arrow)[] = [];
  /** By side: the frame that came in last, while no segment event has claimed it; and the arrow that came in last. */
  readonly #unclaimed: { [side in Side]?: SegmentFacts } = {};
  readonly #arrived: { [side in Side]?: Arrow } = {};
  readonly #sent: { [side in Side]?: Arrow } = {};
  #end: Instant = 0 as Instant;

  constructor(
    left: string | undefined,
    right: string,
    connections: { readonly left?: number; readonly right?: number },
  ) {
    this.#left = left;
    this.#right = right;
    this.#connections = connections;
    this.#arrows = new ArrowMatcher(left !== undefined);
  }

  event(event: TraceEvent): void {
    const side = this.#sideOf(event.host);
    if (side === undefined) return;
    if (event.at > this.#end) this.#end = event.at;
    if ('connection' in event && !this.#isWanted(side, event.connection)) return;
    switch (event.type) {
      case 'frame':
        if (event.direction === 'in') this.#frameCame(side, event);
        return;
      case 'segment':
        return this.#segment(side, event);
      case 'drop':
        return this.#drop(side, event);
      case 'state': {
        const { at, connection, from, to, cause } = event;
        this.#rows.push({ kind: 'state', side, connection, at, from, to, cause });
        return;
      }
      case 'timer':
        if (event.action !== 'fired') return;
        return this.#remark('timer', side, event, timerSentence(event));
      case 'limit':
        return this.#remark('note', side, event, limitSentence(event.limit));
      case 'note':
        return this.#remark('note', side, event, event.text);
      default:
        return;
    }
  }

  linkLoss(loss: LinkLoss): void {
    const facts = factsOf(loss.at, loss.medium, loss.bytes, loss.head, loss.tail);
    if (facts === undefined) return;
    for (const side of ['left', 'right'] as const) this.#arrows.lost(side, facts, loss);
  }

  /** The rows since the last call, for who draws them at once: later events change them no more than they changed. */
  take(): readonly LadderRow[] {
    return this.#rows.splice(0);
  }

  /** All rows (that were not taken), when the trace is at its end. */
  finish(): readonly LadderRow[] {
    this.#arrows.finish(this.#end);
    return this.#rows;
  }

  #sideOf(host: string): Side | undefined {
    if (host === this.#right) return 'right';
    return host === this.#left ? 'left' : undefined;
  }

  #isWanted(side: Side, connection: number | undefined): boolean {
    const wanted = this.#connections[side];
    return wanted === undefined || connection === undefined || connection === 0 || connection === wanted;
  }

  #frameCame(side: Side, event: FrameEvent): void {
    const facts = factsOf(event.at, event.medium, event.bytes, event.head, event.tail);
    if (facts === undefined) delete this.#unclaimed[side];
    else this.#unclaimed[side] = facts;
    delete this.#arrived[side];
  }

  #segment(side: Side, event: SegmentEvent): void {
    if (event.direction === 'in') return this.#cameIn(side, event);
    const arrow = this.#arrows.sent(side, event);
    this.#sent[side] = arrow;
    this.#rows.push(arrow);
  }

  #cameIn(side: Side, facts: SegmentFacts): void {
    delete this.#unclaimed[side];
    const { arrow, isNew } = this.#arrows.arrived(side, facts);
    this.#arrived[side] = arrow;
    if (isNew) this.#rows.push(arrow);
  }

  #drop(side: Side, event: DropEvent): void {
    const sentence = DROP_REASONS[event.reason];
    const by = event.host;
    if (isOutgoingDrop(event.reason)) {
      const sent = this.#sent[side];
      if (
        sent !== undefined &&
        sent.arrivedAt === undefined &&
        sent.fate !== 'lost' &&
        sent.at === event.at
      ) {
        this.#arrows.lose(sent, { by, reason: event.reason, sentence });
        return;
      }
    } else {
      const unclaimed = this.#unclaimed[side];
      // Dropped before it became a segment of a connection: the frame says what it was.
      if (unclaimed !== undefined) this.#cameIn(side, unclaimed);
      const arrow = this.#arrived[side];
      if (arrow !== undefined) {
        delete this.#arrived[side];
        // Of several segments merged into one arrow, one dropped does not make all of them so.
        if (arrow.pieces === 1) {
          arrow.fate = 'dropped';
          arrow.by = by;
          arrow.reason = event.reason;
          arrow.sentence = sentence;
          return;
        }
      }
    }
    this.#remark('drop', side, event, dropSentence(event.reason));
  }

  #remark(
    kind: LadderRemark['kind'],
    side: Side,
    event: { readonly at: Instant; readonly connection?: number },
    text: string,
  ): void {
    this.#rows.push({ kind, side, connection: event.connection, at: event.at, text });
  }
}

/** What a packet says, if it is TCP. */
function factsOf(
  at: Instant,
  medium: 'ip' | 'ethernet',
  bytes: Uint8Array,
  head: number,
  tail: number,
): SegmentFacts | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packet = new PacketBuffer(bytes, view, head, tail);
  const layout = transportOf(packet, medium);
  if (layout?.protocol !== PROTOCOL_TCP) return undefined;
  const header = parse(new PacketBuffer(bytes, view, layout.transport, layout.end));
  if (typeof header === 'string') return undefined;
  const addresses = layout.ip + (layout.version === 4 ? 12 : 8);
  const size = layout.version === 4 ? 4 : 16;
  return {
    at,
    source: addressAt(view, addresses, layout.version),
    destination: addressAt(view, addresses + size, layout.version),
    header,
    length: layout.end - layout.payload,
    segmentSize: 0,
  };
}

function addressAt(view: DataView, at: number, version: 4 | 6): IpAddress {
  if (version === 4) return readIPv4(view, at);
  const words = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset));
  return new IPv6Address(words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0);
}
