/**
 * The trace: everything that happens to a host, as one stream of events. Captures, ladders, plots, labs, replay and tests read
 * it; nothing else looks inside. With no tracer installed an event costs one comparison.
 */

import type { CounterName } from './counters.ts';
import type { DropReason, ResetReason } from './drop-reasons.ts';
import type { Duration, Instant } from './time.ts';
import type { EcnMode } from './tcp/ecn.ts';
import type { CongestionState } from './tcp/loss-recovery.ts';
import type { TcpState } from './tcp/states.ts';
import type { IpAddress } from './wire/address.ts';
import type { TcpHeader } from './wire/tcp.ts';

/** Gets the events, in order, as they happen. Views (`bytes`) are valid during the call only. */
export type Tracer = (event: TraceEvent) => void;

/** What all events have. */
interface Event {
  /** The host's clock. */
  readonly at: Instant;
  /** The host's name. */
  readonly host: string;
}

/** A frame on its way in or out, as the device gets or gave it (super-segments uncut: `segmentSize`). */
export interface FrameEvent extends Event {
  readonly type: 'frame';
  readonly direction: 'in' | 'out';
  readonly device: string;
  readonly medium: 'ip' | 'ethernet';
  /** `bytes[head..tail)` is the frame. */
  readonly bytes: Uint8Array;
  readonly head: number;
  readonly tail: number;
  /** 0, or the payload bytes per segment that a super-segment is cut to. */
  readonly segmentSize: number;
  /** True if the transport checksum is left to the device (or was never computed): a capture has to fill it in. */
  readonly partialChecksum: boolean;
}

/** A packet was dropped. It is the last frame that came in, or one that could not go out. */
export interface DropEvent extends Event {
  readonly type: 'drop';
  readonly layer: 'ethernet' | 'arp' | 'ndp' | 'ip' | 'icmp' | 'udp' | 'tcp' | 'device';
  readonly reason: DropReason;
  readonly connection?: number;
}

/** A connection came to be (SYN sent or received, or LISTEN taken up). */
export interface ConnectionEvent extends Event {
  readonly type: 'connection';
  readonly connection: number;
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly passive: boolean;
}

/** Why a segment was sent. */
export type SendCause =
  | 'syn'
  | 'syn-ack'
  | 'data'
  | 'fin'
  | 'ack'
  | 'delayed-ack'
  | 'duplicate-ack'
  | 'challenge-ack'
  | 'window-update'
  | 'retransmit-timeout'
  | 'fast-retransmit'
  | 'partial-ack-retransmit'
  | 'loss-probe'
  | 'loss-probe-retransmit'
  | 'mtu-probe'
  | 'mtu-retransmit'
  | 'window-probe'
  | 'keepalive-probe'
  | 'reset';

/** The causes of segments that carry what was sent before. */
export const RETRANSMISSIONS: readonly SendCause[] = [
  'retransmit-timeout',
  'fast-retransmit',
  'partial-ack-retransmit',
  'loss-probe-retransmit',
  'mtu-retransmit',
];

/** A TCP segment of a connection (or a RST for none: `connection` 0), with its payload's length. */
export interface SegmentEvent extends Event {
  readonly type: 'segment';
  readonly direction: 'in' | 'out';
  readonly connection: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly header: TcpHeader;
  /** Payload bytes. */
  readonly length: number;
  /** 0, or what a super-segment is cut to. */
  readonly segmentSize: number;
  /** Outgoing segments: why. */
  readonly cause?: SendCause;
  /** Outgoing RSTs: why. */
  readonly reset?: ResetReason;
}

/** A change of state with what caused it, in the words of RFC 9293 Figure 5 ("rcv SYN", "CLOSE", "timeout 2 MSL" …). */
export interface StateEvent extends Event {
  readonly type: 'state';
  readonly connection: number;
  readonly from: TcpState;
  readonly to: TcpState;
  readonly cause: string;
}

/** The timers of a connection. */
export type TimerName =
  | 'retransmission'
  | 'loss-probe'
  | 'reordering'
  | 'pacing'
  | 'persist'
  | 'delayed-ack'
  | 'override'
  | 'keepalive'
  | 'user-timeout'
  | 'fin-wait-2'
  | 'time-wait';

/** A timer was set, cleared, or went off. */
export interface TimerEvent extends Event {
  readonly type: 'timer';
  readonly connection: number;
  readonly timer: TimerName;
  readonly action: 'set' | 'cleared' | 'fired';
  /** When it is due; undefined unless set. */
  readonly deadline?: Instant;
}

/** The variables of a connection, in the RFCs' names. Sequence numbers, bytes, segments and microseconds. */
export interface TcbVariables {
  readonly state: TcpState;
  readonly iss: number;
  readonly irs: number;
  readonly 'snd.una': number;
  readonly 'snd.nxt': number;
  /** In bytes, scaled. */
  readonly 'snd.wnd': number;
  readonly 'snd.wl1': number;
  readonly 'snd.wl2': number;
  /** Largest window the peer ever offered [RFC 5961 5.2]. */
  readonly 'max.snd.wnd': number;
  readonly 'rcv.nxt': number;
  /** In bytes, as last offered. */
  readonly 'rcv.wnd': number;
  readonly 'snd.wind.shift': number;
  readonly 'rcv.wind.shift': number;
  /** Effective send MSS: payload bytes of a full segment, options deducted. */
  readonly mss: number;
  readonly cwnd: number;
  readonly ssthresh: number;
  /** Bytes out that are neither acknowledged nor taken for lost. */
  readonly inFlight: number;
  /** Open, Disorder, CWR, Recovery or Loss: Linux's names. */
  readonly congestionState: CongestionState;
  /** Bytes out that SACK reported, and bytes that count as lost and have not left again. */
  readonly sacked: number;
  readonly lost: number;
  /** RACK.reo_wnd as last used [RFC 8985 6.2]; undefined without SACK. */
  readonly reorderingWindow: Duration | undefined;
  /** Bytes per second that what leaves is spread to; undefined: not paced. */
  readonly pacingRate: number | undefined;
  /** The last measurement of how fast the path delivers, in bytes per second; undefined: none yet. */
  readonly deliveryRate: number | undefined;
  /** The largest IP packet that gets through, as far as is known. */
  readonly pathMtu: number;
  /** After a timeout: up to where data was sent again; undefined when nothing is left to be sent again. */
  readonly 'high.rxt': number | undefined;
  readonly dupAcks: number;
  /** Loss recovery under way, and until where. */
  readonly recover: number | undefined;
  readonly srtt: Duration | undefined;
  readonly rttvar: Duration | undefined;
  /** As computed, before the floor and the ceiling. */
  readonly computedRto: Duration;
  /** As used: clamped, and backed off. */
  readonly rto: Duration;
  /** Retransmissions of the oldest segment so far. */
  readonly retransmissions: number;
  readonly 'ts.recent': number | undefined;
  readonly 'last.ack.sent': number;
  /** The ECN feedback that is in use. */
  readonly ecn: EcnMode;
  /** ECE is set on all segments until CWR comes [RFC 3168 6.1.3]. */
  readonly ecnEcho: boolean;
  /** Segments that came with CE, and of ours as far as the peer has told. */
  readonly receivedCe: number;
  readonly deliveredCe: number;
  /** Bytes the program wrote that are not acknowledged yet. */
  readonly sendQueue: number;
  /** Bytes in order that the program has not read yet. */
  readonly receiveQueue: number;
  /** Bytes out of order. */
  readonly outOfOrder: number;
}

/** Variables that changed since the connection's last such event; folding them gives the connection's present state. */
export interface VariablesEvent extends Event {
  readonly type: 'variables';
  readonly connection: number;
  readonly changes: Partial<TcbVariables>;
}

/** A measurement of the round-trip time [RFC 6298 2]. */
export interface RttEvent extends Event {
  readonly type: 'rtt';
  readonly connection: number;
  readonly sample: Duration;
  readonly srtt: Duration;
  readonly rttvar: Duration;
  readonly computedRto: Duration;
  readonly rto: Duration;
}

/** A user call of RFC 9293 3.9.1, with what it was given and what it returned. */
export interface CallEvent extends Event {
  readonly type: 'call';
  /** 0 for `listen`. */
  readonly connection: number;
  readonly call: 'listen' | 'open' | 'send' | 'receive' | 'shutdown' | 'close' | 'abort' | 'option';
  /** `send`: the bytes offered. */
  readonly data?: Uint8Array;
  /** `send`, `receive`: bytes taken or given. */
  readonly count?: number;
  /** `option`: which, and its value; `listen`: the port. */
  readonly detail?: string;
}

/** Something about the host that a reader should know: an offload refused, a limit reached, a soft error. */
export interface NoteEvent extends Event {
  readonly type: 'note';
  readonly connection?: number;
  readonly text: string;
}

/** A limit was reached or a defence acted; each is counted too (`host.stats().counters`). */
export interface LimitEvent extends Event {
  readonly type: 'limit';
  /** 0: of no connection. */
  readonly connection: number;
  readonly limit: CounterName;
}

/** Everything that can happen. */
export type TraceEvent =
  | FrameEvent
  | DropEvent
  | ConnectionEvent
  | SegmentEvent
  | StateEvent
  | TimerEvent
  | VariablesEvent
  | RttEvent
  | CallEvent
  | NoteEvent
  | LimitEvent;
