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
import { ConnectionVariables } from './connection-variables.ts';
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
import { SackRecovery } from './sack-recovery.ts';
import { Sender } from './sender.ts';
import { queueAll, queueBytes, tellRoom } from './sending.ts';
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
export class TcpConnection extends ConnectionVariables {
  readonly id: number;
  readonly context: HostContext;
  readonly local: Endpoint; // the same for all segments [RFC 9293 MUST-45]
  readonly remote: Endpoint;
  /** May be another one after addresses or routes changed. */
  route: Route;
  /** The routing table's version when it was found. */
  routeVersion: number = 0;
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
  sack: boolean = false; // in use, or offered, before the SYNs are exchanged [RFC 2018]
  readonly rtt: RttEstimator;
  ecn: Ecn;
  readonly timers: Timers;
  readonly counts: Counts = new Counts();
  readonly #touched: (connection: TcpConnection) => void;
  readonly #timestampOffset: number;
  /** Undefined until somebody reads the trace. */
  #variables: VariablesTrace | undefined;
  #state: TcpState = 'CLOSED';
  readonly #events: EventQueue = new EventQueue();
  /** Undefined until something leaves that can be lost. */
  #recovery: LossRecovery | undefined;

  constructor(setup: ConnectionSetup) {
    super();
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
    this.notSentLowat = tcp.notSentLowat;
    this.sender = new Sender(tcp, setup.context.random);
    this.receiver = new Receiver(tcp);
    if (setup.deviceQueue !== undefined) {
      this.receiver.maxBuffer = Math.min(this.receiver.maxBuffer, Math.max(setup.deviceQueue, 0xffff));
      this.receiver.buffer = Math.min(this.receiver.buffer, this.receiver.maxBuffer);
    }
    this.rtt = new RttEstimator(tcp);
    this.ecn = new Ecn(tcp);
    this.timers = new Timers(this);
    this.sender.start(setup.iss);
  }

  get state(): TcpState {
    return this.resting === undefined ? this.#state : this.resting();
  }

  /** How losses are found and repaired: with SACK, if both sides have agreed on it, else without. */
  get recovery(): LossRecovery {
    return this.watchForLosses();
  }

  /** Something may leave now. Who never sends anything needs none of this. */
  watchForLosses(): LossRecovery {
    const { sender } = this;
    const { tcp } = this.context.settings;
    this.#recovery ??= this.sack ? new SackRecovery(sender, tcp, this) : new Recovery(sender, tcp);
    return this.#recovery;
  }

  /** Nothing was lost, and an ACK that moves nothing and has no SACK blocks cannot change that while nothing is out. */
  get recoveryAtRest(): boolean {
    return this.#recovery === undefined || this.#recovery.atRest;
  }

  /** The SYNs were exchanged: what `sack` says now counts. */
  chooseRecovery(): void {
    this.#recovery = undefined;
  }

  /** Takes up the state of a record; nothing is traced. `told`: the trace knows the variables as they are. */
  resume(state: TcpState, told: boolean = true): void {
    this.#state = state;
    if (!told || this.context.tracer === undefined) return;
    this.#variables = new VariablesTrace();
    this.#variables.resume(this);
  }

  /** Changes the state; a change that RFC 9293 does not know is a fault of the stack. */
  enter(state: TcpState, cause: string): void {
    const from = this.#state;
    if (from === state) return;
    if (!TRANSITIONS[from].includes(state))
      throw new Error(`no transition from ${from} to ${state} (${cause})`);
    this.#state = state;
    this.resting = undefined;
    traceState(this, from, state, cause);
  }

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
   * SEND: queues a copy of `bytes[from..to)` as far as there is room; returns the bytes taken (0 once the write side is closed). If that
   * is less than was given, a `writable` event follows.
   */
  send(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    const count = queueBytes(this, bytes, from, to);
    this.#traceSend(bytes, from, to, count);
    this.#touched(this);
    return count;
  }

  /**
   * SEND with the urgent flag [RFC 9293 3.9.1.2, MUST-30]: like `send`, and the peer's program is told that urgent data lies ahead, up to
   * the last byte taken, also while its window is closed. The pointer names the byte behind it [MUST-62]; RFC 6093 would have new
   * programs leave urgent data alone, since many receivers take the last byte out of the stream.
   */
  sendUrgent(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    const count = this.send(bytes, from, to);
    if (count > 0) this.sender.up = this.sender.finSeq;
    return count;
  }

  /** Like `send`, but takes everything, whatever the limit of the buffer. */
  enqueue(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    return queueAll(this, bytes, from, to);
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
    this.receiver.mayGrow = !this.context.memory.refusesGrowth;
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

  /** Sends what is held back: by Nagle, against silly windows, as a delayed ACK. */
  flush(): void {
    this.sender.pushNow = true;
    if (this.receiver.ackDue === 'delayed') this.receiver.ackDue = 'now';
    this.#touched(this);
  }

  /** Switches Nagle's algorithm [RFC 9293 MUST-17]. */
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

  /** Sets R2 of this connection [RFC 9293 MUST-21]; undefined: the host's R2. */
  setUserTimeout(timeout: Duration | undefined): void {
    this.userTimeout = timeout;
    this.timers.clear('user-timeout');
    this.#touched(this);
  }

  /**
   * Lets no more than `bytes` (at least a segment) wait unsent beyond what the windows take; undefined: as the settings have it. `send` takes less
   * then, and `writable` comes when less than that is unsent.
   */
  setNotSentLowat(bytes: number | undefined): void {
    this.notSentLowat = bytes === undefined ? this.context.settings.tcp.notSentLowat : Math.max(1, bytes);
    this.#touched(this);
  }

  /** Fixes the size of the receive buffer, 1 up to the setting's largest; what was offered stays offered [RFC 9293 SHLD-14]. */
  setReceiveBuffer(bytes: number): void {
    this.receiver.fixBuffer(bytes);
    this.#touched(this);
  }

  /** Fixes the size of the send buffer, at least 1; what it holds beyond that stays. */
  setSendBuffer(bytes: number): void {
    this.sendBufferFixed = true;
    this.sender.queue.limit = Math.max(1, bytes);
  }

  /** Switches the event `soft-error` off or on; on at the start [RFC 9293 SHLD-20]. */
  setSoftErrorReports(on: boolean): void {
    this.softErrorReports = on;
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

  /** Gives the connection to `owner`, who will hear of everything that happened so far. */
  belongTo(owner: ConnectionOwner): void {
    this.owner = owner;
    this.#touched(this);
  }

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
    if (this.context.tracer === undefined) return;
    this.#variables ??= new VariablesTrace();
    this.#variables.trace(this);
  }

  /** Queues an event for the owner. */
  tell(event: ConnectionEvent): void {
    if (event.type === 'soft-error' && !this.softErrorReports) return;
    this.#events.push(event);
  }

  /** Events wait. */
  get hasEvents(): boolean {
    return !this.#events.isEmpty;
  }

  /** Tells the owner of new room, once after a `send` that was cut short. */
  tellRoom(): void {
    if (tellRoom(this)) this.#touched(this);
  }

  /** The connection is no more: TCB deleted, CLOSED [RFC 9293 3.10.7.4]. Received data can still be read. */
  finish(reason: CloseReason | undefined, cause: string): void {
    this.timers.clearAll();
    this.sender.queue.clear();
    this.receiver.assembler.clear();
    this.fastOpen?.over(reason);
    this.fastOpened?.over(reason === 'reset', this.context.now);
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
