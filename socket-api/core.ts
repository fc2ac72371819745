import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner } from '../stack/tcp/events.ts';
import { closeError } from './errors.ts';
import type { Acceptor, CoreSettings } from './core-roles.ts';
import { call, type Handlers, inBinaryType, type Outcome, routeError } from './handlers.ts';
import { Hold } from './hold.ts';
import { Inbox, type InboxOwner } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { type LazyPayload, type Payload, payloadOf } from './payload.ts';
import { TcpSocket } from './socket.ts';
import { SocketTimers } from './timers.ts';

/**
 * - `released`: the user gave it up; `close` is still to be called.
 * - `detached`: no connection came about.
 */
type Phase = 'connecting' | 'open' | 'released' | 'closed' | 'detached';

/**
 * A socket's life: turns the connection's events into calls of the handlers, in the order that the table promises, and the
 * user's calls into calls of the connection. Handlers run in the drain or in a turn of their own, never inside a user's call.
 */
export class SocketCore implements ConnectionOwner, InboxOwner {
  readonly settings: CoreSettings;
  /** What the user holds. */
  readonly socket: TcpSocket<unknown>;
  readonly acceptor: Acceptor | undefined;
  bytesWritten: number = 0;
  #phase: Phase = 'connecting';
  #connection: TcpConnection | undefined;
  #outbox: Outbox | undefined;
  readonly #inbox: Inbox = new Inbox(this);
  readonly #timers: SocketTimers;
  readonly #hold: Hold;
  /** Own FIN is sent or due. */
  #writeShut: boolean = false;
  #peerEnded: boolean = false;
  /** The connection is over; `close` waits until what came before it is delivered. */
  #over: (ConnectionEvent & { readonly type: 'closed' }) | undefined;

  constructor(settings: CoreSettings, acceptor: Acceptor | undefined) {
    this.settings = settings;
    this.acceptor = acceptor;
    const { host } = settings;
    this.#hold = new Hold(host);
    this.#timers = new SocketTimers(
      host.scheduler,
      settings.options.idleTimeout,
      () => this.#progress(),
      () => this.#timedOut(),
    );
    this.socket = new TcpSocket(this);
  }

  get handlers(): Handlers {
    return this.settings.handlers.current;
  }

  /** The connection, also after its end; undefined before the first attempt. */
  get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  get readyState(): -2 | -1 | 0 | 1 | 2 {
    switch (this.#phase) {
      case 'connecting':
        return 2;
      case 'open':
        return this.#writeShut ? -2 : 1;
      case 'released':
        return -2;
      case 'closed':
        return 0;
      case 'detached':
        return -1;
    }
  }

  /** Whether the socket is open: options can be set, calls have an effect. */
  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  // -- the beginning ------------------------------------------------------------------------------------------------------

  /** The connection to work with; with several addresses a new one for each attempt. */
  attach(connection: TcpConnection): void {
    this.#connection = connection;
    const { notSentLowat } = this.settings.options;
    if (notSentLowat !== undefined) connection.setNotSentLowat(notSentLowat);
    this.#hold.begin();
    this.#outbox = new Outbox(
      connection,
      this.settings.options.highWaterMark,
      () => this.#drained(),
      (error) => this.#blobFailed(error),
    );
  }

  /** The handshake is over: calls `open`. Row 14: if that fails, the socket is closed before this returns. */
  open(): void {
    this.#phase = 'open';
    this.#connection?.setNoDelay(true);
    this.#timers.touch();
    const outcome = call(this.handlers.open, this.socket);
    const failure = outcome.threw ? outcome.error : outcome.returned;
    if (!outcome.threw && !(failure instanceof Error)) return;
    routeError(this.handlers, this.socket, failure, this.settings.runtime);
    if (this.#phase !== 'open') return;
    this.#giveUp();
    this.#conclude(undefined);
  }

  /** No connection: what `connectError` throws, if it does (rows 3, 5). */
  detach(error: unknown): Outcome {
    this.#phase = 'detached';
    this.#timers.stop();
    this.#hold.end();
    return call(this.handlers.connectError, this.socket, error as Error);
  }

  /** The present attempt was given up. */
  abandon(): void {
    this.#connection = undefined;
    this.#hold.end();
  }

  // -- what the connection tells -------------------------------------------------------------------------------------------

  connectionEvent(event: ConnectionEvent): void {
    switch (event.type) {
      case 'readable':
        this.#timers.touch();
        this.deliver();
        return;
      case 'writable':
        if (this.#phase === 'open' || this.#phase === 'released') this.#outbox?.room();
        return;
      case 'end':
        this.#peerEnded = true;
        this.deliver();
        return;
      case 'closed':
        this.#connectionClosed(event);
        return;
      case 'established': // known from who connected, or accepted
      case 'urgent':
      case 'soft-error':
        return;
    }
  }

  #connectionClosed(event: ConnectionEvent & { readonly type: 'closed' }): void {
    this.#hold.end();
    this.#over = event;
    this.deliver();
  }

  /** Calls `data`, `end` and `close` with what is there, as far as the user wants it now. */
  deliver(): void {
    if (this.#phase !== 'open' || this.#connection === undefined) return;
    const died = this.#over?.reason !== undefined;
    this.#inbox.deliver(this.#connection, died);
    if (this.#over === undefined || !this.isOpen) return;
    if (died || !this.#inbox.holdsBack) this.#conclude(this.#errorOf(this.#over));
  }

  dataArrived(chunk: Uint8Array): void {
    const { handlers } = this;
    const given = inBinaryType(chunk, handlers.binaryType, this.settings.runtime);
    this.#after(call(handlers.data, this.socket, given as never));
  }

  endArrived(): void {
    this.#after(call(this.handlers.end, this.socket));
    // Row 39: what `end` wrote goes out before our FIN, because that comes after it.
    if (!this.settings.options.allowHalfOpen) this.end();
  }

  #drained(): void {
    if (this.#phase !== 'open' || this.#writeShut) return;
    this.#after(call(this.handlers.drain, this.socket));
  }

  /** Row 15: what a handler throws goes to `error`, and things go on. */
  #after(outcome: Outcome): void {
    if (outcome.threw) routeError(this.handlers, this.socket, outcome.error, this.settings.runtime);
  }

  #errorOf(over: ConnectionEvent & { readonly type: 'closed' }): Error | undefined {
    if (over.reason === undefined || this.#connection === undefined) return undefined;
    return closeError(over.reason, over.detail, {
      remote: this.#connection.remote,
      halfClosedByPeer: this.#peerEnded && !this.#writeShut,
      distinct: this.settings.options.distinctErrors,
    });
  }

  /** The last call of a handler. */
  #conclude(error: Error | undefined): void {
    this.#phase = 'closed';
    this.#timers.stop();
    this.acceptor?.forget(this);
    this.#after(call(this.handlers.close, this.socket, error));
  }

  #blobFailed(error: unknown): void {
    if (this.#phase === 'open') routeError(this.handlers, this.socket, error, this.settings.runtime);
    this.terminate(); // bytes that were accepted cannot be sent: the peer must not take the rest for everything
  }

  // -- what the user asks for ----------------------------------------------------------------------------------------------

  /** See `Socket.write`. */
  write(data: unknown, byteOffset: unknown, byteLength: unknown): number {
    if (!this.#mayWrite || this.#outbox === undefined) return -1; // rows 22, 35
    const taken = this.#outbox.write(payloadOf(data, byteOffset, byteLength));
    this.bytesWritten += taken;
    if (taken > 0) this.#timers.touch();
    return taken;
  }

  /** Also false if the connection died and its last data still waits for `resume()`. */
  get #mayWrite(): boolean {
    return this.#phase === 'open' && !this.#writeShut && this.#over === undefined;
  }

  /** See `Socket.end`. */
  end(data?: unknown, byteOffset?: unknown, byteLength?: unknown): number {
    const connection = this.#connection;
    if (!this.#mayWrite || connection === undefined) return -1;
    return this.#finish(payloadOf(data, byteOffset, byteLength), () => connection.shutdown());
  }

  /** See `Socket.shutdown` (rows 42, 43). */
  shutdown(writeHalfOnly: boolean): void {
    if (this.#phase !== 'open') return;
    this.end();
    if (writeHalfOnly || this.#inbox.shut) return;
    this.#inbox.shut = true;
    this.#connection?.discardInput();
    if (this.#over !== undefined) this.#soon(() => this.deliver());
  }

  /** See `Socket.close` (rows 46, 47). */
  close(): void {
    if (this.#phase !== 'open') return;
    this.#giveUp();
    this.#soon(() => this.#concludeReleased());
  }

  /** See `Socket.terminate` (row 48). */
  terminate(): void {
    if (this.#phase === 'released' && this.#connection !== undefined) this.#reset(); // what close() left in the queue goes too
    if (this.#phase !== 'open') return;
    this.#phase = 'released';
    this.#reset();
    this.#soon(() => this.#concludeReleased());
  }

  pause(): void {
    this.#inbox.paused = true;
  }

  resume(): void {
    if (!this.#inbox.paused) return;
    this.#inbox.paused = false;
    if (this.#phase === 'open') this.#soon(() => this.deliver());
  }

  timeout(length: number): void {
    if (this.#phase === 'open') this.#timers.timeout(length);
  }

  ref(): void {
    if (this.#phase === 'open' || this.#phase === 'connecting') this.#hold.wanted = true;
  }

  unref(): void {
    if (this.#phase === 'open' || this.#phase === 'connecting') this.#hold.wanted = false;
  }

  #finish(payload: Payload | LazyPayload | undefined, afterwards: () => void): number {
    this.#writeShut = true;
    const taken = this.#outbox?.finish(payload, afterwards) ?? 0;
    this.bytesWritten += taken;
    if (taken > 0) this.#timers.touch();
    return taken;
  }

  #giveUp(): void {
    const connection = this.#connection;
    this.#phase = 'released';
    this.#timers.stop();
    this.#finish(undefined, () => connection?.close());
  }

  #reset(): void {
    this.#timers.stop();
    this.#outbox?.discard();
    this.#connection?.abort();
  }

  #concludeReleased(): void {
    if (this.#phase === 'released') this.#conclude(undefined);
  }

  #timedOut(): void {
    if (this.#phase !== 'open') return;
    this.#after(call(this.handlers.timeout, this.socket));
    this.close();
  }

  #soon(task: () => void): void {
    this.settings.host.scheduler.soon(task);
  }

  #progress(): number {
    return this.#connection === undefined ? 0 : this.#connection.bytesQueued + this.#connection.readable;
  }
}
