/** The invariants of determinism.md section 6, checked on a host's trace and its live connections. */
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Host } from '../../../stack/host.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import { type SeqNumber, add, distance, gt, leq, lt, seq } from '../../../stack/tcp/sequence.ts';
import { TRANSITIONS, isSynchronized } from '../../../stack/tcp/states.ts';
import type { FrameEvent, SegmentEvent, TimerName, TraceEvent } from '../../../stack/trace.ts';
import * as ipv4 from '../../../stack/wire/ipv4.ts';
import * as tcp from '../../../stack/wire/tcp.ts';
import { TraceFold } from '../../../trace/fold.ts';
import { ladderText } from '../../../trace/ladder-text.ts';
import { ladderOf } from '../../../trace/ladder.ts';

/** What the trace has told of one connection. */
interface Known {
  /** RCV.NXT as last seen, and the end of what came in. */
  rcvNxt: SeqNumber | undefined;
  receivedTo: SeqNumber | undefined;
  /** The furthest right edge that the peer offered, and how its windows are scaled. */
  peerEdge: SeqNumber | undefined;
  synWindow: number | undefined;
  scaling: { ours: number | undefined; theirs: number | undefined };
  /** The place of our FIN. */
  fin: SeqNumber | undefined;
  readonly timers: Set<TimerName>;
}

/** Watches one host: `see` is its tracer, `check` is called after each step of the clock. */
export class Watch {
  readonly events: TraceEvent[] = [];
  readonly #host: () => Host;
  readonly #mtu: number;
  readonly #keep: number;
  readonly #fold: TraceFold = new TraceFold();
  readonly #known: Map<number, Known> = new Map();
  #eventsOfStep: number = 0;

  /** `keep`: how many events are kept for the ladder. */
  constructor(host: () => Host, mtu: number, keep: number = 4_000) {
    this.#host = host;
    this.#mtu = mtu;
    this.#keep = keep;
  }

  readonly see = (event: TraceEvent): void => {
    if (this.events.length < this.#keep) this.events.push(event);
    this.#eventsOfStep += 1;
    if (this.#eventsOfStep > 20_000) throw new Error('20,000 events without an end: an endless loop');
    this.#fold.push(event);
    if (event.type === 'state') {
      must(TRANSITIONS[event.from].includes(event.to), 5, `${event.from} to ${event.to}`);
    } else if (event.type === 'timer') {
      const { timers } = this.#of(event.connection);
      if (event.action === 'set') timers.add(event.timer);
      else timers.delete(event.timer);
    } else if (event.type === 'segment') {
      if (event.direction === 'in') this.#arrived(event);
      else this.#left(event);
    } else if (event.type === 'frame' && event.direction === 'out' && event.segmentSize === 0) {
      this.#checkFrame(event);
    }
  };

  /** After an input and its drain. */
  check(): void {
    this.#eventsOfStep = 0;
    for (const connection of this.#host().tcp.connections()) this.#checkConnection(connection);
  }

  #of(connection: number): Known {
    let known = this.#known.get(connection);
    if (known === undefined) {
      known = {
        rcvNxt: undefined,
        receivedTo: undefined,
        peerEdge: undefined,
        synWindow: undefined,
        scaling: { ours: undefined, theirs: undefined },
        fin: undefined,
        timers: new Set(),
      };
      this.#known.set(connection, known);
    }
    return known;
  }

  #arrived({ connection, header, length }: SegmentEvent): void {
    const known = this.#of(connection);
    const end = add(header.seq, length + (header.syn ? 1 : 0) + (header.fin ? 1 : 0));
    if (known.receivedTo === undefined || gt(end, known.receivedTo)) known.receivedTo = end;
    if (header.rst) return;
    if (header.syn) {
      known.scaling.theirs = header.options.windowScale;
      known.synWindow = header.window;
    }
    if (header.ack === undefined) return;
    const { ours, theirs } = known.scaling;
    const shift = header.syn || ours === undefined ? 0 : Math.min(theirs ?? 0, 14);
    const edge = add(header.ack, header.window * 2 ** shift);
    if (known.peerEdge === undefined || gt(edge, known.peerEdge)) known.peerEdge = edge;
  }

  #left(event: SegmentEvent): void {
    const { connection, header, length, cause } = event;
    if (connection === 0) return;
    const known = this.#of(connection);
    if (header.syn) known.scaling.ours = header.options.windowScale;
    const end = add(header.seq, length);
    if (known.peerEdge === undefined && known.synWindow !== undefined && header.ack !== undefined) {
      known.peerEdge = add(header.seq, known.synWindow); // the SYN had no ACK: its window counts from our ISS
    }
    if (cause === 'data' || cause === 'fin') {
      must(
        known.peerEdge !== undefined && leq(end, known.peerEdge),
        4,
        `data to ${end}, edge ${known.peerEdge}`,
      );
      this.#checkCongestionWindow(event);
    }
    must(
      length === 0 || known.fin === undefined || leq(end, known.fin),
      5,
      `data to ${end} after the FIN at ${known.fin}`,
    );
    if (header.fin) known.fin = end;
    if (header.ack !== undefined && known.receivedTo !== undefined) {
      must(leq(header.ack, known.receivedTo), 2, `an ACK of ${header.ack}, beyond ${known.receivedTo}`);
    }
  }

  #checkCongestionWindow({ connection }: SegmentEvent): void {
    const live = this.#live(connection);
    if (live === undefined) return;
    const { cwnd, inFlight, mss } = live.info();
    const most = cwnd + live.sender.limitedTransmit + mss;
    must(inFlight <= most, 7, `${inFlight} bytes in flight, cwnd ${cwnd}`);
  }

  #live(id: number): TcpConnection | undefined {
    for (const connection of this.#host().tcp.connections()) if (connection.id === id) return connection;
    return undefined;
  }

  #checkConnection(connection: TcpConnection): void {
    const info = connection.info();
    const known = this.#of(connection.id);
    const una = seq(info['snd.una']);
    const nxt = seq(info['snd.nxt']);
    must(leq(una, nxt), 1, `SND.UNA ${una}, SND.NXT ${nxt}`);
    if (isSynchronized(info.state)) {
      const largest = info['max.snd.wnd'] + 1;
      must(distance(una, nxt) <= largest, 1, `${distance(una, nxt)} bytes out, largest window ${largest}`);
      const rcvNxt = seq(info['rcv.nxt']);
      must(known.rcvNxt === undefined || !lt(rcvNxt, known.rcvNxt), 2, `RCV.NXT back to ${rcvNxt}`);
      known.rcvNxt = rcvNxt;
    }
    this.#checkTimers(connection, known.timers);
    this.#checkFold(connection);
  }

  #checkTimers(connection: TcpConnection, timers: ReadonlySet<TimerName>): void {
    const { state, sender } = connection;
    const set = [...timers].join(' ');
    if (state === 'CLOSED') return must(timers.size === 0, 6, `in CLOSED there is ${set}`);
    if (state === 'TIME-WAIT') return must(set === 'time-wait', 6, `in TIME-WAIT there is ${set}`);
    const waits = !isSynchronized(state) || sender.flightSize > 0 || connection.ecn.waiting; // RFC 3168 6.1.2
    must(timers.has('retransmission') === waits, 6, `${state}, ${sender.flightSize} bytes out: ${set}`);
    const probes = !waits && sender.unsent > 0 && sender.wnd === 0;
    must(timers.has('persist') === probes, 6, `${sender.unsent} unsent, window ${sender.wnd}: ${set}`);
    const held = !waits && sender.unsent > 0 && sender.wnd > 0;
    must(timers.has('override') === held, 6, `${sender.unsent} unsent, window ${sender.wnd}: ${set}`);
  }

  /** The trace, folded, is the connection. */
  #checkFold(connection: TcpConnection): void {
    const folded = this.#fold.tcb(this.#host().name, connection.id);
    if (folded === undefined) throw new Error(`the trace tells nothing of connection ${connection.id}`);
    for (const [key, value] of Object.entries(connection.info())) {
      const told = folded[key as keyof typeof folded];
      if (told !== value) throw new Error(`by the trace ${key} is ${told}, in the connection ${value}`);
    }
  }

  /** What leaves is well-formed, and is what was meant. */
  #checkFrame(event: FrameEvent): void {
    const frame = PacketBuffer.copyOf(event.bytes.subarray(event.head, event.tail));
    must(frame.length <= this.#mtu, 8, `${frame.length} bytes on a link of ${this.#mtu}`);
    const ip = ipv4.parse(frame);
    if (typeof ip === 'string') throw new Error(`invariant 8: ${ip}`);
    must(ip.totalLength === frame.length, 8, 'IP length');
    frame.head += ip.headerLength;
    if (ip.protocol !== ipv4.PROTOCOL_TCP) return;
    frame.checksum = event.partialChecksum ? 'partial' : 'complete';
    must(tcp.verifyChecksum(frame, ip.source, ip.destination), 8, 'TCP checksum');
    const header = tcp.parse(frame);
    if (typeof header === 'string') throw new Error(`invariant 8: ${header}`);
    must(header.options.mss === undefined || header.syn, 8, 'MSS without SYN');
  }
}

function must(holds: boolean, invariant: number, otherwise: string): void {
  if (!holds) throw new Error(`invariant ${invariant} is broken: ${otherwise}`);
}

/** The ladder of some events. */
export function ladder(events: readonly TraceEvent[]): string {
  return ladderText(ladderOf(events));
}
