// oxlint-disable max-lines -- the public face of a connection in one place; what it does is in the files beside it
import type { HostContext } from '../context.ts';
import type { DropReason, ResetReason } from '../drop-reasons.ts';
import type { Route } from '../ip/routes.ts';
import { type Duration, type Instant, NEVER } from '../time.ts';
import type { CallEvent, TcbVariables, TimerName } from '../trace.ts';
import type { Timestamps } from '../wire/tcp-options.ts';
import { segmentArrives } from './arrives.ts';
import { abort, closeWriteSide, giveUp } from './closing.ts';
import type { ConnectionSetup } from './connection-setup.ts';
import { Counts, countArrival, countDeparture, countLimit, countProgress } from './counts.ts';
import { nextSegment } from './departs.ts';
import { Ecn } from './ecn.ts';
import { EventQueue } from './event-queue.ts';
import type { CloseReason, ConnectionEvent, ConnectionOwner, Endpoint, KeepAlive } from './events.ts';
import { type TcpInfo, tcpInfo } from './info.ts';
import { openActive, openPassive } from './open.ts';
import type { MtuSearch } from './path-mtu.ts';
import { Receiver } from './receiver.ts';
import type { LossRecovery } from './loss-recovery.ts';
import { Recovery } from './recovery.ts';
import { RttEstimator } from './rtt.ts';
import type { ArrivedSegment, OutgoingSegment } from './segment.ts';
import { Sender } from './sender.ts';
import type { SeqNumber } from './sequence.ts';
import { TRANSITIONS, type TcpState } from './states.ts';
import { timerFires } from './timeouts.ts';
import { Timers } from './timers.ts';
import { VariablesTrace, traceState, variables } from './tracing.ts';

/**
 * One TCP connection: a value with a few inputs (`segmentArrived`, the user's calls, `deadlinesPassed`) and three questions
 * (`nextSegment`, `nextEvent`, `nextDeadline`). It knows no device, no clock and no randomness; the host tells it the time
 * through `context.now`.
 *
 * Its parts are open to the files of this folder: `open.ts`, `closing.ts`, `arrives.ts`, `departs.ts` and `timeouts.ts` hold what
 * RFC 9293 3.10 says of it, in the RFC's order.
 */
export class TcpConnection {
  readonly id: number;
  readonly context: HostContext;
  readonly local: Endpoint; // the same for all segments [RFC 9293 MUST-45]
  readonly remote: Endpoint;
  readonly route: Route;
  /** SYN-RECEIVED came from LISTEN [RFC 9293 MUST-11]. */
  readonly passive: boolean;
  /** Gets the events; undefined: they wait. */
  owner: ConnectionOwner | undefined;
  readonly announcedMss: number;
  readonly defaultMss: number;
  /** The MSS that the peer takes, or what is assumed if it does not say. */
  peerMss: number;
  /** The largest IP packet that gets through, as far as is known, in bytes. */
  pathMtu: number;
  /** The path takes less than we believe routers: they may cut our packets. */
  mayFragment: boolean = false;
  /** A search for a larger path MTU [RFC 8899 5.3]; undefined: none. */
  search: MtuSearch | undefined;
  readonly deviceCuts: boolean;
  readonly sender: Sender;
  readonly receiver: Receiver;
  /** How losses are found and repaired: with SACK, once both sides have agreed on it, else without. */
  recovery: LossRecovery;
  sack: boolean = false; // in use, or offered, before the SYNs are exchanged [RFC 2018]
  readonly rtt: RttEstimator;
  readonly ecn: Ecn;
  readonly timers: Timers;
  readonly counts: Counts = new Counts();
  /** Window scaling and timestamps are in use (or offered, before the SYNs are exchanged). */
  windowScaling: boolean = false;
  timestamps: boolean = false;
  /** The SYN or SYN-ACK has to leave now. */
  synDue: boolean = false;
  /** An ACK has to leave now for a segment that was dropped [RFC 5961]. */
  challengeDue: boolean = false;
  lastChallenge: Instant = -1e15 as Instant;
  keepAliveDue: boolean = false;
  /** R1 was reached: IP is to be advised that the path may be dead [RFC 9293 MUST-20]. */
  pathInDoubt: boolean = false;
  resetDue: ResetReason | undefined;
  /** Retransmissions of the oldest segment (or the SYN) so far. */
  retransmissions: number = 0;
  /** The SYN was sent more than once [RFC 6298 5.7]. */
  synRetransmitted: boolean = false;
  /** A segment that is timed without timestamps: its end, and when it left [RFC 6298 3]. */
  timed: { readonly end: SeqNumber; readonly at: Instant } | undefined;
  /** Since when the oldest data waits for an ACK: for R2 and the user timeout. */
  progressAt: Instant = 0 as Instant;
  /** When an acceptable segment last came: junk from elsewhere proves nothing about the peer. */
  heardAt: Instant = 0 as Instant;
  persistBackoff: number = 0;
  keepAlive: KeepAlive | undefined;
  keepAliveProbes: number = 0;
  userTimeout: Duration | undefined;
  /** The program gave the connection up altogether: nobody reads, nobody waits. */
  orphaned: boolean = false;
  /** CLOSE came before the connection was established [RFC 9293 3.10.4]. */
  closeQueued: boolean = false;
  typeOfService: number = 0;
  readonly #touched: (connection: TcpConnection) => void;
  readonly #timestampOffset: number;
  readonly #variables: VariablesTrace = new VariablesTrace();
  #state: TcpState = 'CLOSED';
  readonly #events: EventQueue = new EventQueue();
  /** `send` took less than it was given, so the owner waits for `writable`. */
  #writableWanted: boolean = false;

  constructor(setup: ConnectionSetup) {
    const { tcp } = setup.context.settings;
    this.id = setup.id;
    this.context = setup.context;
    this.local = setup.local;
    this.remote = setup.remote;
    this.route = setup.route;
    this.passive = setup.passive;
    this.announcedMss = setup.announcedMss;
    this.defaultMss = setup.defaultMss;
    this.peerMss = setup.defaultMss;
    this.pathMtu = setup.pathMtu;
    this.deviceCuts = setup.deviceCuts;
    this.#touched = setup.touched;
    this.#timestampOffset = setup.timestampOffset;
    this.sender = new Sender(tcp, setup.context.random);
    this.receiver = new Receiver(tcp);
    if (setup.deviceQueue !== undefined) {
      this.receiver.maxBuffer = Math.min(this.receiver.maxBuffer, Math.max(setup.deviceQueue, 0xffff));
      this.receiver.buffer = Math.min(this.receiver.buffer, this.receiver.maxBuffer);
    }
    this.recovery = new Recovery(this.sender, tcp);
    this.rtt = new RttEstimator(tcp);
    this.ecn = new Ecn(tcp);
    this.timers = new Timers(this);
    this.sender.start(setup.iss);
    this.recovery.start(setup.iss);
  }

  get state(): TcpState {
    return this.#state;
  }

  /** Changes the state; a change that RFC 9293 does not know is a fault of the stack. */
  enter(state: TcpState, cause: string): void {
    const from = this.#state;
    if (from === state) return;
    if (!TRANSITIONS[from].includes(state))
      throw new Error(`no transition from ${from} to ${state} (${cause})`);
    this.#state = state;
    traceState(this, from, state, cause);
  }

  // Inputs. After each of them, ask the three questions.

  /** OPEN, active: sends a SYN [RFC 9293 3.10.1]. */
  open(): void {
    this.#traceCall('open');
    openActive(this);
    this.#touched(this);
  }

  /** A SYN came for a listener: answers it [RFC 9293 3.10.7.2]. */
  openFrom(segment: ArrivedSegment): void {
    countArrival(this, segment);
    openPassive(this, segment);
  }

  /** SEGMENT ARRIVES [RFC 9293 3.10.7]. Returns why it was dropped; undefined if it was not. */
  segmentArrived(segment: ArrivedSegment): DropReason | undefined {
    countArrival(this, segment);
    const dropped = segmentArrives(this, segment);
    countProgress(this);
    return dropped;
  }

  /** Lets every timer that is due go off [RFC 9293 3.10.8]. */
  deadlinesPassed(): void {
    for (;;) {
      const timer = this.timers.due(this.context.now);
      if (timer === undefined) return;
      timerFires(this, timer);
    }
  }

  // The three questions.

  /** The next segment to be sent now, until there is none. */
  nextSegment(): OutgoingSegment | undefined {
    const segment = nextSegment(this);
    if (segment === undefined) countLimit(this);
    else countDeparture(this, segment);
    return segment;
  }

  /** The next event for the owner, until there is none. */
  nextEvent(): ConnectionEvent | undefined {
    return this.#events.shift();
  }

  /** When `deadlinesPassed` is to be called next. */
  get nextDeadline(): Instant {
    return this.timers.next;
  }

  // The user's calls [RFC 9293 3.9.1]. All of them may be made at any time, also from inside an event.

  /**
   * SEND: queues a copy of `bytes[from..to)` as far as there is room. Returns the bytes taken; if that is less than was given, a
   * `writable` event follows. 0 once the write side is closed.
   */
  send(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    if (!this.writable) return 0;
    const empty = this.sender.queue.length === 0 && this.sender.flightSize === 0;
    this.sender.checkAppLimited(); // before the write: was the program what had limited the sending?
    const count = this.sender.queue.write(bytes, from, to);
    if (count < to - from) this.#writableWanted = true;
    if (empty) this.progressAt = this.context.now;
    this.#traceSend(bytes, from, to, count);
    this.#touched(this);
    return count;
  }

  /** Like `send`, but takes everything, whatever the limit of the buffer. */
  enqueue(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    const { queue } = this.sender;
    const { limit } = queue;
    queue.limit = Math.max(limit, queue.length + to - from);
    const count = this.send(bytes, from, to);
    queue.limit = limit;
    return count;
  }

  /** Bytes that wait for `receive`: none before ESTABLISHED, whatever came with the SYN [RFC 9293 3.10.7.2, 3.10.7.3]. */
  get readable(): number {
    return this.receiver.queue.length;
  }

  /** The peer's FIN came, and everything before it was read. */
  get atEnd(): boolean {
    return this.receiver.finReceived && this.receiver.queue.length === 0;
  }

  /** `send` may take something: the write side is neither closed nor dead. */
  get writable(): boolean {
    const state = this.#state;
    if (this.sender.finQueued || this.closeQueued) return false;
    return (
      state === 'SYN-SENT' || state === 'SYN-RECEIVED' || state === 'ESTABLISHED' || state === 'CLOSE-WAIT'
    );
  }

  /** RECEIVE: up to `max` bytes in order, in memory that is the caller's; undefined if there are none. */
  receive(max: number = 65_536): Uint8Array | undefined {
    const bytes = this.receiver.read(max, this.context.now, this.rtt.srtt);
    if (bytes === undefined) return undefined;
    this.#traceCall('receive', { count: bytes.length });
    this.#touched(this);
    return bytes;
  }

  /** CLOSE: a FIN after the queued data; the peer's data still comes [RFC 9293 3.10.4]. */
  shutdown(): void {
    this.#traceCall('shutdown');
    closeWriteSide(this);
    this.#touched(this);
  }

  /** Gives up reading: unread data goes, later data is answered by a RST [RFC 9293 SHLD-3]. */
  discardInput(): void {
    this.receiver.discard();
    this.#touched(this);
  }

  /**
   * Gives up both halves: half-duplex close [RFC 9293 MAY-1]. A FIN after the queued data; with received data unread a RST at once
   * [SHLD-3]. The owner hears only `closed` from now on.
   */
  close(): void {
    this.#traceCall('close');
    giveUp(this);
    this.#touched(this);
  }

  /** ABORT: a RST, and nothing is left [RFC 9293 3.10.5]. */
  abort(): void {
    this.#traceCall('abort');
    abort(this);
    this.#touched(this);
  }

  /** Sends what Nagle's algorithm, silly-window avoidance or the delayed ACK hold back. */
  flush(): void {
    this.sender.pushNow = true;
    if (this.receiver.ackDue === 'delayed') this.receiver.ackDue = 'now';
    this.#touched(this);
  }

  /** Switches Nagle's algorithm off or on [RFC 9293 MUST-17]. */
  setNoDelay(on: boolean): void {
    this.#traceCall('option', { detail: `no-delay ${on}` });
    this.sender.noDelay = on;
    this.#touched(this);
  }

  /** Switches keep-alive probes on or, as at the start, with undefined off [RFC 9293 MAY-5, MUST-24, MUST-25, MUST-27]. */
  setKeepAlive(keepAlive: KeepAlive | undefined): void {
    this.#traceCall('option', { detail: keepAlive === undefined ? 'keep-alive off' : 'keep-alive on' });
    this.keepAlive = keepAlive;
    this.keepAliveProbes = 0;
    this.timers.clear('keepalive');
    this.#touched(this);
  }

  /** Sets R2 of this connection [RFC 9293 MUST-21]: data unacknowledged for so long ends it; undefined: the host's R2. */
  setUserTimeout(timeout: Duration | undefined): void {
    this.userTimeout = timeout;
    this.timers.clear('user-timeout');
    this.#touched(this);
  }

  /** Sets the type of service of later segments, 0..255 [RFC 9293 MUST-48, SHLD-21, SHLD-22]; its ECN bits only where ECN is not in use. */
  setTypeOfService(value: number): void {
    this.typeOfService = value & 0xff;
  }

  /** STATUS: a snapshot of the variables [RFC 9293 3.10.6]. */
  info(): TcbVariables {
    return variables(this);
  }

  /** A snapshot in the terms of Linux's `struct tcp_info`. */
  tcpInfo(): TcpInfo {
    return tcpInfo(this);
  }

  /** Bytes that the program wrote and that are not acknowledged yet. */
  get bytesQueued(): number {
    return this.sender.queue.length;
  }

  /** `send` took less than it was given, so the owner waits for `writable`. */
  get writableWanted(): boolean {
    return this.#writableWanted;
  }

  /** Gives the connection to `owner`, who will hear of everything that happened so far. */
  belongTo(owner: ConnectionOwner): void {
    this.owner = owner;
    this.#touched(this);
  }

  // For the host and the files of this folder.

  /** The batch is over: payload that was not read is copied out of the device's memory. */
  settle(): void {
    this.receiver.queue.settle();
    if (this.sender.flightSize === 0) this.sender.queue.trim();
  }

  /** Traces a change of a timer. */
  timerChanged(timer: TimerName, action: 'set' | 'cleared' | 'fired', deadline?: Instant): void {
    const { tracer, now, name } = this.context;
    if (tracer === undefined) return;
    const event = { type: 'timer', at: now, host: name, connection: this.id, timer, action } as const;
    tracer(deadline === undefined ? event : { ...event, deadline });
  }

  /** Traces what changed in the variables. */
  traceVariables(): void {
    this.#variables.trace(this);
  }

  /** Queues an event for the owner. */
  tell(event: ConnectionEvent): void {
    this.#events.push(event);
  }

  /** Events wait. */
  get hasEvents(): boolean {
    return !this.#events.isEmpty;
  }

  /** Tells the owner of new room, once after a `send` that was cut short. */
  tellRoom(): void {
    const { queue, congestion } = this.sender;
    const { sendBuffer } = this.context.settings.tcp;
    const wanted = Math.min(Math.max(2 * congestion.cwnd, sendBuffer.from), sendBuffer.to);
    if (wanted > queue.limit) queue.limit = wanted;
    if (!this.#writableWanted || queue.length * 2 > queue.limit) return;
    this.#writableWanted = false;
    this.tell({ type: 'writable' });
  }

  /** The connection is no more: TCB deleted, CLOSED [RFC 9293 3.10.7.4]. Received data can still be read. */
  finish(reason: CloseReason | undefined, cause: string): void {
    this.timers.clearAll();
    this.sender.queue.clear();
    this.receiver.assembler.clear();
    this.enter('CLOSED', cause);
    this.tell(reason === undefined ? { type: 'closed' } : { type: 'closed', reason });
  }

  /** Ends the connection and sends a RST. */
  reset(why: ResetReason, reason: CloseReason, cause: string): void {
    const synchronizedOnce = this.#state !== 'CLOSED' && this.#state !== 'LISTEN';
    this.finish(reason, cause);
    if (synchronizedOnce) this.resetDue = why;
  }

  /** The timestamp option of a segment that leaves now [RFC 7323 3.2]. */
  timestampOption(): Timestamps {
    return { value: this.timestampNow(), echo: this.receiver.tsRecent ?? 0 };
  }

  /** The timestamp clock [RFC 7323 5.4], with an offset that hides the uptime (attacks.md B8), now or `at` another instant. */
  timestampNow(at: Instant = this.context.now): number {
    const { timestampTick } = this.context.settings.tcp;
    return (Math.floor(at / timestampTick) + this.#timestampOffset) >>> 0;
  }

  /** The connection can be forgotten: closed, with nothing left to send or to tell. */
  get isOver(): boolean {
    return this.#state === 'CLOSED' && this.resetDue === undefined && this.timers.next === NEVER;
  }

  #traceCall(call: CallEvent['call'], facts: Partial<CallEvent> = {}): void {
    const { tracer, now, name } = this.context;
    tracer?.({ type: 'call', at: now, host: name, connection: this.id, call, ...facts });
  }

  #traceSend(bytes: Uint8Array, from: number, to: number, count: number): void {
    if (this.context.tracer === undefined) return;
    this.#traceCall('send', { data: bytes.subarray(from, to), count });
  }
}
