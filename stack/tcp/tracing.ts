import type { DropReason, ResetReason } from '../drop-reasons.ts';
import { type Counters, countTransition } from '../counters.ts';
import type { HostContext } from '../context.ts';
import type { SegmentEvent, SendCause, TcbVariables } from '../trace.ts';
import type { TcpHeader } from '../wire/tcp.ts';
import type { TcpConnection } from './connection.ts';
import type { Endpoint } from './events.ts';
import type { OutgoingSegment } from './segment.ts';
import type { TcpState } from './states.ts';

/** Traces that a connection came to be. */
export function traceConnection({ context, id, local, remote, passive }: TcpConnection): void {
  context.tracer?.({
    type: 'connection',
    at: context.now,
    host: context.name,
    connection: id,
    localAddress: local.address,
    localPort: local.port,
    remoteAddress: remote.address,
    remotePort: remote.port,
    passive,
  });
}

/** Traces and counts a change of state. */
export function traceState(connection: TcpConnection, from: TcpState, to: TcpState, cause: string): void {
  const { tracer, now, name, counters } = connection.context;
  countTransition(counters, from, to);
  tracer?.({ type: 'state', at: now, host: name, connection: connection.id, from, to, cause });
}

/** Traces and counts a dropped segment of a connection. */
export function traceDrop(context: HostContext, reason: DropReason, connection?: TcpConnection): void {
  context.drops.set(reason, (context.drops.get(reason) ?? 0) + 1);
  if (context.tracer === undefined) return;
  const event = { type: 'drop', at: context.now, host: context.name, layer: 'tcp', reason } as const;
  context.tracer(connection === undefined ? event : { ...event, connection: connection.id });
}

/** What a segment event says beside the header. */
export interface SegmentFacts {
  readonly direction: 'in' | 'out';
  /** Of the connection; 0 if there is none. */
  readonly connection: number;
  readonly source: Endpoint['address'];
  readonly destination: Endpoint['address'];
  readonly length: number;
  readonly segmentSize: number;
  readonly cause?: SendCause;
  readonly reset?: ResetReason;
}

/** Traces a segment, in or out. */
export function traceSegment(context: HostContext, header: TcpHeader, facts: SegmentFacts): void {
  const event: SegmentEvent = { type: 'segment', at: context.now, host: context.name, header, ...facts };
  context.tracer?.(event);
}

/** Counts a segment that leaves [RFC 4022]; a super-segment as what it is cut to. */
export function countSent(counters: Counters, { header, length, segmentSize, cause }: OutgoingSegment): void {
  const segments = segmentSize > 0 ? Math.ceil(length / segmentSize) : 1;
  if (isSentAgain(cause)) counters.RetransSegs += segments;
  else counters.OutSegs += segments;
  if (header.rst) counters.OutRsts += 1;
}

function isSentAgain(cause: SendCause): boolean {
  return cause === 'retransmit-timeout' || cause.endsWith('-retransmit');
}

/** The variables of a connection as they are now. */
export function variables(connection: TcpConnection): TcbVariables {
  const { sender, receiver, recovery, rtt, ecn } = connection;
  return {
    state: connection.state,
    iss: sender.iss,
    irs: receiver.irs,
    'snd.una': sender.una,
    'snd.nxt': sender.nxt,
    'snd.wnd': sender.wnd,
    'snd.wl1': sender.wl1,
    'snd.wl2': sender.wl2,
    'max.snd.wnd': sender.maxWnd,
    'rcv.nxt': receiver.nxt,
    'rcv.wnd': receiver.wnd,
    'snd.wind.shift': sender.windShift,
    'rcv.wind.shift': receiver.windShift,
    mss: sender.mss,
    cwnd: sender.congestion.cwnd,
    ssthresh: sender.congestion.ssthresh,
    inFlight: sender.inFlight,
    congestionState: recovery.state,
    sacked: sender.scoreboard.sackedBytes,
    lost: sender.scoreboard.lostBytes,
    reorderingWindow: recovery.rack?.reorderingWindow,
    pacingRate: whole(sender.pacer.rate(sender.congestion, rtt.srtt)),
    deliveryRate: whole(sender.deliveryRate.latest?.deliveryRate),
    pathMtu: connection.pathMtu,
    'high.rxt': sender.highRxt,
    dupAcks: recovery.dupAcks,
    recover: recovery.active ? recovery.recover : undefined,
    srtt: rtt.srtt,
    rttvar: rtt.rttvar,
    computedRto: rtt.computedRto,
    rto: rtt.rto,
    retransmissions: connection.retransmissions,
    'ts.recent': receiver.tsRecent,
    'last.ack.sent': receiver.lastAckSent,
    ecn: ecn.mode,
    ecnEcho: ecn.echoing,
    receivedCe: ecn.receivedMarks,
    deliveredCe: ecn.deliveredMarks,
    sendQueue: sender.queue.length,
    receiveQueue: receiver.queue.length,
    outOfOrder: receiver.assembler.length,
  };
}

function whole(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : Math.round(rate);
}

let names: readonly (keyof TcbVariables)[] | undefined;

/** The names are the same for all connections: no list is made for each look. */
function namesOf(present: TcbVariables): readonly (keyof TcbVariables)[] {
  names ??= Object.keys(present) as (keyof TcbVariables)[];
  return names;
}

/** Tells what changed in a connection's variables since it was last asked: a reader folds the answers. */
export class VariablesTrace {
  #last: TcbVariables | undefined;

  /** Begins with the variables as they are: they were told before. */
  resume(connection: TcpConnection): void {
    if (connection.context.tracer !== undefined) this.#last = variables(connection);
  }

  /** Traces the difference, if there is one. */
  trace(connection: TcpConnection): void {
    const { tracer, now, name } = connection.context;
    if (tracer === undefined) return;
    const present = variables(connection);
    const last = this.#last;
    this.#last = present;
    const changes: Record<string, unknown> = {};
    let changed = false;
    for (const key of namesOf(present)) {
      const value = present[key];
      if (last !== undefined && last[key] === value) continue;
      changes[key] = value;
      changed = true;
    }
    if (changed) tracer({ type: 'variables', at: now, host: name, connection: connection.id, changes });
  }
}
