import { transportOf } from '../device/segmentation.ts';
import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { DropEvent, FrameEvent, SegmentEvent, StateEvent, TimerEvent } from '../stack/trace.ts';
import { PROTOCOL_TCP } from '../stack/wire/ipv4.ts';
import { causeSentence, dropSentence, isOutgoingDrop, stateSentence, timerSentence } from './describe.ts';

/** Segments that never became frames (no route, no neighbour) must not pile up. */
const MOST_WAITING = 1024;

interface Announced {
  readonly event: SegmentEvent;
  readonly comments: readonly string[];
}

/**
 * What there is to say on the frames of one host. Comments on an incoming frame come after it, so they are added to a list
 * that the frame holds; those on an outgoing one come before it, so they wait for it here.
 */
export class HostComments {
  /** Of the incoming frame at hand; undefined when there is none. */
  incoming: string[] | undefined;
  #now: number = -1;
  /** By connection: what happened since its last outgoing segment. */
  readonly #states: Map<number, string[]> = new Map();
  readonly #timers: Map<number, string[]> = new Map();
  #closed: number[] = [];
  readonly #announced: Announced[] = [];

  /** Any event: what was only worth a word at an earlier instant is forgotten. */
  timeIs(at: number): void {
    if (at === this.#now) return;
    this.#now = at;
    this.#timers.clear();
    for (const connection of this.#closed) this.#states.delete(connection);
    this.#closed = [];
  }

  drop(event: DropEvent): void {
    if (!isOutgoingDrop(event.reason)) this.incoming?.push(dropSentence(event.reason));
  }

  state(event: StateEvent): void {
    const text = stateSentence(event);
    if (event.to === 'CLOSED') this.#closed.push(event.connection);
    // "rcv FIN", "rcv ACK of SYN": the frame that has just come in did it.
    if (this.incoming !== undefined && event.cause.startsWith('rcv')) this.incoming.push(text);
    else listOf(this.#states, event.connection).push(text);
  }

  timer(event: TimerEvent): void {
    if (event.action === 'fired') listOf(this.#timers, event.connection).push(timerSentence(event));
  }

  /** An outgoing segment: its frame will come. */
  segment(event: SegmentEvent): void {
    if (event.direction === 'in') return;
    const comments = [...take(this.#timers, event.connection), ...take(this.#states, event.connection)];
    const cause = causeSentence(event);
    if (cause !== undefined) comments.push(cause);
    if (this.#announced.length >= MOST_WAITING) this.#announced.shift();
    this.#announced.push({ event, comments });
  }

  /** The comments on an outgoing frame. */
  outgoing(event: FrameEvent, packet: PacketBuffer): readonly string[] {
    if (this.#announced.length === 0) return [];
    const layout = transportOf(packet, event.medium);
    if (layout?.protocol !== PROTOCOL_TCP) return [];
    const { view } = packet;
    const ports = view.getUint32(layout.transport);
    const seq = view.getUint32(layout.transport + 4);
    const ack = view.getUint32(layout.transport + 8);
    const flags = view.getUint8(layout.transport + 13) & 0x07;
    const length = layout.end - layout.payload;
    const index = this.#announced.findIndex(
      ({ event: { header, length: announced } }) =>
        header.seq === seq &&
        (header.ack ?? 0) === ack &&
        announced === length &&
        ((header.sourcePort << 16) | header.destinationPort) >>> 0 === ports &&
        ((header.fin ? 1 : 0) | (header.syn ? 2 : 0) | (header.rst ? 4 : 0)) === flags,
    );
    if (index < 0) return [];
    return this.#announced.splice(index, 1)[0]?.comments ?? [];
  }
}

function listOf(lists: Map<number, string[]>, connection: number): string[] {
  let list = lists.get(connection);
  if (list === undefined) lists.set(connection, (list = []));
  return list;
}

function take(lists: Map<number, string[]>, connection: number): readonly string[] {
  const list = lists.get(connection) ?? [];
  lists.delete(connection);
  return list;
}
