/**
 * A Node stream over a connection of the stack, with the members of `net.Socket` that programs ask for. A program that takes
 * a stream runs on it; a stand-in for `node:net` itself (`Socket`, `createServer`, `createConnection`) builds on it.
 */

import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner } from '../../stack/tcp/events.ts';
import { ms } from '../../stack/time.ts';
import { Hold } from '../hold.ts';
import { ConnectAttempt, type AttemptOwner } from './duplex-attempt.ts';
import { brokenPipe, canceled, endedByPeer, readFailure } from './duplex-errors.ts';
import { DuplexFacts } from './duplex-facts.ts';
import { IdleTimer } from './duplex-idle.ts';
import { Incoming } from './duplex-incoming.ts';
import { type Callback, Outgoing } from './duplex-outgoing.ts';
import {
  connectArguments,
  type DuplexConnectOptions,
  idleMilliseconds,
  type Lookup,
  type TcpDuplexOptions,
} from './duplex-options.ts';
import { lookupOn } from './dns/host-resolver.ts';
import { Tuning } from './duplex-tuning.ts';
import { nodeRuntime } from './runtime.ts';

/** Owns a connection that the program has given up, while it comes to its end. */
const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/**
 * `net.Socket`'s face over a connection of `host`: `end()` half-closes, `destroy()` closes, `setTimeout` is an idle timer, errors
 * have Node's codes. `write` calls back when the stack has taken the bytes; when nobody reads, the TCP window closes.
 */
export class TcpDuplex extends DuplexFacts implements AttemptOwner, ConnectionOwner {
  connecting: boolean = false;
  /** The length of the idle timer in milliseconds; undefined or 0: none. */
  timeout: number | undefined;
  readonly #host: Host;
  protected readonly mapped: boolean;
  readonly #lookup: Lookup;
  readonly #hold: Hold;
  readonly #idle: IdleTimer;
  #attempt: ConnectAttempt | undefined;
  #connection: TcpConnection | undefined;
  readonly #outgoing: Outgoing = new Outgoing();
  /** `end()` came before the connection did. */
  #finishing: Callback | undefined;
  readonly #incoming: Incoming;
  readonly #tuning: Tuning;
  #peerEnded: boolean = false;
  #over: (ConnectionEvent & { readonly type: 'closed' }) | undefined;

  /** Not connected yet, unless `accepted` is given. */
  constructor(host: Host, options: TcpDuplexOptions = {}, accepted?: TcpConnection) {
    const { allowHalfOpen = false, highWaterMark } = options;
    // `close` says whether there was an error, which the stream's own does not.
    const stream = { allowHalfOpen, emitClose: false, autoDestroy: true };
    super(highWaterMark === undefined ? stream : { ...stream, highWaterMark });
    this.#host = host;
    this.mapped = options.mapped ?? false;
    this.#lookup = options.lookup ?? lookupOn(host);
    this.#tuning = new Tuning(host, options.noDelay);
    this.#incoming = new Incoming((chunk) => this.#take(chunk));
    this.#hold = new Hold(host);
    const waiting = () => this.#connection?.bytesQueued ?? 0;
    this.#idle = new IdleTimer(host.scheduler, waiting, () => this.#tell('timeout'));
    if (!allowHalfOpen) this.once('end', () => this.#refuseWrites());
    if (accepted === undefined) return;
    this.attached(accepted);
    accepted.owner = this;
    this.#tuning.apply(accepted);
  }

  // -- connecting ----------------------------------------------------------------------------------------------------------

  /** As `net.Socket`'s: `(options, listener)` or `(port, host, listener)`; a stream connects once. */
  connect(options: DuplexConnectOptions, listener?: () => void): this;
  connect(port: number | string, host?: string, listener?: () => void): this;
  connect(port: number | string, listener?: () => void): this;
  connect(...given: readonly unknown[]): this {
    const { destination, listener } = connectArguments(given);
    if (this.connecting || this.#connection !== undefined || this.destroyed)
      throw new Error('this stream was connected before: make another one');
    if (listener !== undefined) this.once('connect', listener);
    this.connecting = true;
    this.#idle.touch();
    this.#attempt = new ConnectAttempt(this.#host, this, destination);
    this.#attempt.start(this.#lookup);
    return this;
  }

  attached(connection: TcpConnection): void {
    this.#connection = connection;
    this.#hold.begin();
  }

  connected(connection: TcpConnection): void {
    this.#connection = connection;
    connection.owner = this;
    this.#established();
  }

  failed(error: Error): void {
    this.#hold.end();
    this.destroy(error);
  }

  lookedUp(error: Error | null, address: string | undefined, family: 4 | 6 | undefined, host: string): void {
    this.#tell('lookup', error, address, family, host);
  }

  // -- what the connection tells -------------------------------------------------------------------------------------------

  connectionEvent(event: ConnectionEvent): void {
    switch (event.type) {
      case 'readable':
        return this.#deliver();
      case 'writable':
        this.#idle.touch();
        return this.#pump();
      case 'end':
        this.#peerEnded = true;
        this.#idle.touch();
        return this.#deliver();
      case 'closed':
        return this.#closed(event);
      case 'established': // known from who connected, or accepted
      case 'urgent':
      case 'soft-error':
    }
  }

  #established(): void {
    const connection = this.#connection;
    if (!this.connecting || connection === undefined) return;
    this.connecting = false;
    this.#attempt = undefined;
    this.#tuning.apply(connection);
    this.#idle.touch();
    this.#tell('connect');
    this.#tell('ready');
    this.#pump();
    const finishing = this.#finishing;
    this.#finishing = undefined;
    if (finishing !== undefined && !this.destroyed) this._final(finishing);
    if (!this.destroyed && !this.isPaused()) this.read(0);
  }

  #closed(event: ConnectionEvent & { readonly type: 'closed' }): void {
    this.#hold.end();
    this.#over = event;
    this.#deliver();
  }

  /** Hands over what is there, as far as the stream wants it; then the end, or the death. */
  #deliver(): void {
    const connection = this.#connection;
    if (this.destroyed || connection === undefined || this.connecting) return;
    this.#incoming.deliver(connection);
    if (connection.readable === 0) this.#die();
  }

  #take(chunk: Buffer | null): boolean {
    this.#idle.touch();
    if (this.destroyed) return false; // by a listener, at the chunk before
    const more = this.#guard(() => this.push(chunk));
    if (chunk === null) this.read(0); // without data, `end` needs somebody who asks
    return more ?? this.readableLength < this.readableHighWaterMark;
  }

  /** The connection died and what came before was read: an error. After the peer's end only who writes hears of it, as in Node. */
  #die(): void {
    if (this.#over?.reason === undefined || this.#connection === undefined || this.destroyed) return;
    if (this.#incoming.endTaken) return this.#pump();
    const { reason, detail } = this.#over;
    this.destroy(readFailure(reason, detail, this.#connection.remote, false));
  }

  // -- the stream's side ---------------------------------------------------------------------------------------------------

  override _read(): void {
    this.#incoming.want();
    this.#deliver();
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    this.#outgoing.chunk(chunk, callback);
    this.#idle.touch();
    this.#pump();
  }

  override _final(callback: Callback): void {
    if (this.connecting) {
      this.#finishing = callback;
      return;
    }
    this.#connection?.shutdown();
    process.nextTick(callback); // as in Node, an error of the same turn comes before `finish`
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.connecting = false;
    const connection = this.#attempt === undefined ? this.#connection : undefined;
    this.#attempt?.stop();
    this.#attempt = undefined;
    this.#idle.start(undefined);
    this.#hold.end();
    if (connection !== undefined) {
      connection.owner = NOBODY;
      if (connection.state === 'SYN-SENT') connection.abort();
      else connection.close();
    }
    const finishing = this.#finishing;
    this.#finishing = undefined;
    callback(error);
    this.#outgoing.fail(error);
    finishing?.(error ?? canceled());
    process.nextTick(() => this.emit('close', error !== null));
  }

  #pump(): void {
    const connection = this.#connection;
    if (this.connecting || !this.#outgoing.isWaiting) return;
    if (connection === undefined || !connection.writable) return this.#outgoing.fail(this.#whyNotWritable());
    const callback = this.#outgoing.pump(connection); // or `writable` brings us back
    if (callback !== undefined) this.#guard(callback);
  }

  /** The peer's end has ended us: as in Node, who writes then hears of a broken pipe. */
  #refuseWrites(): void {
    const write = this.write.bind(this) as (...given: readonly unknown[]) => boolean;
    this.write = (...given: readonly unknown[]): boolean => {
      if (!this.writableEnded) return write(...given);
      const error = endedByPeer();
      const callback = given.findLast((each) => typeof each === 'function');
      if (callback !== undefined) process.nextTick(callback as () => void, error);
      this.destroy(error);
      return false;
    };
  }

  #whyNotWritable(): Error {
    const connection = this.#connection;
    if (this.#over?.reason === undefined || connection === undefined) return brokenPipe();
    const { reason, detail } = this.#over;
    return readFailure(reason, detail, connection.remote, this.#peerEnded) ?? brokenPipe();
  }

  // -- members of net.Socket -----------------------------------------------------------------------------------------------

  /** An idle timer: `timeout` after so many milliseconds without traffic; 0: none. The socket stays open. */
  setTimeout(msecs: number, callback?: () => void): this {
    const length = idleMilliseconds(msecs);
    this.timeout = length;
    if (callback !== undefined) {
      if (length === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    this.#idle.start(length === 0 ? undefined : ms(length));
    return this;
  }

  /** Nagle's algorithm off (by default) or on. */
  setNoDelay(noDelay: boolean = true): this {
    this.#tuning.noDelay(noDelay, this.pending ? undefined : this.#connection);
    return this;
  }

  /** Keep-alive probes after `initialDelay` milliseconds of silence; 0: the host's setting. */
  setKeepAlive(enable: boolean = false, initialDelay: number = 0): this {
    this.#tuning.keepAlive(enable, initialDelay, this.pending ? undefined : this.#connection);
    return this;
  }

  ref(): this {
    this.#hold.wanted = true;
    return this;
  }

  unref(): this {
    this.#hold.wanted = false;
    return this;
  }

  /** Ends, and destroys once everything is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** RST instead of FIN. */
  resetAndDestroy(): this {
    this.#connection?.abort();
    return this.destroy();
  }

  get bytesRead(): number {
    return this.#incoming.bytes;
  }

  get bytesWritten(): number {
    return this.#outgoing.bytesTaken + this.writableLength - this.#outgoing.takenOfChunk;
  }

  get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  #tell(name: string, ...facts: readonly unknown[]): void {
    this.#guard(() => this.emit(name, ...facts));
  }

  /** What a listener throws is the program's own uncaught exception: it must not unwind the stack's drain. */
  #guard<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      nodeRuntime.uncaught(error);
      return undefined;
    }
  }
}

/** A stream that connects: `net.createConnection` on `host`. */
export function connectDuplex(
  host: Host,
  destination: DuplexConnectOptions,
  options: TcpDuplexOptions = {},
  listener?: () => void,
): TcpDuplex {
  return new TcpDuplex(host, options).connect(destination, listener);
}
