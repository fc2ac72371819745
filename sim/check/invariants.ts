import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { TcpState } from '../../stack/tcp/states.ts';
import { type Instant, NEVER } from '../../stack/time.ts';
import type { CallEvent, SegmentEvent, TraceEvent } from '../../stack/trace.ts';
import { SimulationFailure } from '../failure.ts';
import type { WorldHost } from '../network/host.ts';
import { type Breach, INVARIANTS, type InvariantNumber } from './breach.ts';
import { FrameCheck } from './frame-check.ts';
import { LiveCheck } from './live-check.ts';
import { RecoveryCheck } from './recovery-check.ts';
import { SegmentCheck } from './segment-check.ts';
import { StreamCheck } from './stream-check.ts';

interface WatchedConnection {
  readonly segments: SegmentCheck;
  readonly live: LiveCheck;
  readonly recovery: RecoveryCheck;
  connection: TcpConnection | undefined;
}

interface WatchedHost {
  readonly host: WorldHost;
  readonly frames: FrameCheck;
  readonly connections: Map<number, WatchedConnection>;
  /** The segment that came last, and the RSTs sent since: one segment is answered once, a RST never. */
  lastIn: SegmentEvent | undefined;
  resets: number;
}

/** Whether it may rest as a half-open record. */
function isHandshake(state: TcpState): boolean {
  return state === 'SYN-RECEIVED' || state === 'CLOSED';
}

/** The invariants of determinism.md section 6, checked along with the trace. The first breach is kept in `broken`. */
export class Invariants {
  /** What is broken; undefined: nothing. The world throws it when the step is over. */
  broken: SimulationFailure | undefined;
  readonly #hosts: readonly WorldHost[];
  readonly #where: () => { readonly at: Instant; readonly event: number };
  readonly #watched: Map<string, WatchedHost> = new Map();
  readonly #streams: StreamCheck;
  /** The shift that each SYN announced, by its sequence number. */
  readonly #scales: Map<number, number> = new Map();
  readonly #touched: Set<WatchedConnection> = new Set();
  readonly #breach: Breach;

  constructor(hosts: readonly WorldHost[], where: () => { readonly at: Instant; readonly event: number }) {
    this.#hosts = hosts;
    this.#where = where;
    this.#breach = (invariant, at, what) => this.#fail(invariant, at, what);
    this.#streams = new StreamCheck(this.#breach);
  }

  /** The next event of a host. */
  event(event: TraceEvent): void {
    const host = this.#host(event.host);
    if (host === undefined) return;
    switch (event.type) {
      case 'frame':
        if (event.direction === 'out') host.frames.frame(event);
        return;
      case 'segment':
        return this.#segment(host, event);
      case 'state': {
        const watched = this.#connection(host, event.connection);
        watched.segments.state(event);
        if (event.to === 'CLOSED') this.#touched.delete(watched);
        return;
      }
      case 'call':
        if (event.connection !== 0) this.#call(this.#connection(host, event.connection), event);
        return;
      case 'connection':
      case 'timer':
      case 'variables':
        this.#connection(host, event.connection);
        return;
      default:
        return;
    }
  }

  /** Everything that is due at this instant has happened, and time is about to move on. */
  instantOver(): void {
    for (const { connection, live, recovery } of this.#touched) {
      if (connection === undefined || connection.resting !== undefined) continue;
      live.check(connection);
      recovery.check(connection);
    }
    this.#touched.clear();
  }

  /** Nothing may be left [invariant 10]. */
  atEnd(): void {
    for (const { host, name } of this.#hosts) {
      const { total, halfOpen, timeWait } = host.stats().memory;
      if (host.tcp.size > 0) {
        const states = [...host.tcp.connections()].map(({ id, state }) => `#${id} ${state}`);
        this.#breach(10, [name], `${host.tcp.size} connections are left: ${states.join(', ')}`);
      }
      const left = total - halfOpen - timeWait; // those two keep a page each
      if (host.tcp.size === 0 && left !== 0)
        this.#breach(10, [name], `${left} bytes are left in the account of memory`);
      if (host.ip.nextDeadline() !== NEVER)
        this.#breach(10, [name], 'fragments or questions for a neighbour are left');
    }
  }

  #segment(host: WatchedHost, event: SegmentEvent): void {
    if (event.direction === 'out') host.frames.meant(event);
    if (event.direction === 'out' && event.header.syn)
      this.#scales.set(event.header.seq, event.header.options.windowScale ?? 0);
    if (event.connection === 0) this.#answer(host, event);
    if (event.direction === 'in') {
      host.lastIn = event;
      host.resets = 0;
    }
    if (event.connection === 0) return;
    const watched = this.#connection(host, event.connection);
    const { challengeAckInterval } = host.host.settings.tcp;
    const { connection, segments, recovery } = watched;
    if (connection !== undefined) this.#checkScale(host, connection);
    if (event.direction === 'in') {
      segments.arrived(event, connection);
      recovery.arrived(event, connection);
    } else {
      segments.departs(event, connection, challengeAckInterval);
      if (connection !== undefined) recovery.departs(event, connection);
    }
  }

  /** The shift is what the peer announced, or 0 if its offer was lost on the way; it may have gone through a SYN cookie. */
  #checkScale(host: WatchedHost, { sender, receiver }: TcpConnection): void {
    const announced = this.#scales.get(receiver.irs);
    if (sender.windShift === 0 || announced === undefined || sender.windShift === announced) return;
    this.#breach(
      4,
      [host.host.name],
      `windows are shifted by ${sender.windShift}, the peer said ${announced}`,
    );
  }

  /** A RST for no connection. */
  #answer(host: WatchedHost, event: SegmentEvent): void {
    if (event.direction === 'in') return;
    host.resets += 1;
    const { lastIn } = host;
    if (lastIn === undefined) this.#breach(9, [host.host.name], 'a RST that nothing asked for');
    else if (lastIn.header.rst) this.#breach(9, [host.host.name], 'a RST was answered by a RST');
    else if (host.resets > 1) this.#breach(9, [host.host.name], `${host.resets} RSTs for one segment`);
  }

  #call(watched: WatchedConnection, event: CallEvent): void {
    if (event.call !== 'send' || event.data === undefined || event.count === undefined) return;
    watched.live.sent += event.count;
    if (watched.connection !== undefined)
      this.#streams.sent(watched.connection, event.data.subarray(0, event.count));
  }

  #host(name: string): WatchedHost | undefined {
    let watched = this.#watched.get(name);
    if (watched !== undefined) return watched;
    const host = this.#hosts.find((candidate) => candidate.name === name);
    if (host === undefined) return undefined;
    const frames = new FrameCheck(host.host, this.#breach);
    watched = { host, frames, connections: new Map(), lastIn: undefined, resets: 0 };
    this.#watched.set(name, watched);
    return watched;
  }

  #connection(host: WatchedHost, id: number): WatchedConnection {
    const { name } = host.host;
    let watched = host.connections.get(id);
    if (watched === undefined) {
      const segments = new SegmentCheck(name, this.#breach);
      const live = new LiveCheck(name, this.#breach);
      watched = { segments, live, recovery: new RecoveryCheck(name, this.#breach), connection: undefined };
      host.connections.set(id, watched);
    }
    const { connection: known } = watched;
    // What rests as a record is another object when it is awake again.
    if (known === undefined || known.resting !== undefined || isHandshake(known.state)) {
      const awake = host.host.tcp.awake(id);
      if (awake !== undefined && awake !== known) {
        watched.connection = awake;
        this.#streams.watch(name, awake);
      }
    }
    this.#touched.add(watched);
    return watched;
  }

  #fail(invariant: InvariantNumber, hosts: readonly string[], what: string): void {
    const message = `${what}; invariant ${invariant}: ${INVARIANTS[invariant]}`;
    this.broken ??= new SimulationFailure(`invariant ${invariant}`, message, { ...this.#where(), hosts });
  }
}
