/**
 * A Node stream over a connection of the stack, with the members of `net.Socket` that programs ask for. A program that takes
 * a stream runs on it; a stand-in for `node:net` itself (`Socket`, `createServer`, `createConnection`) builds on it.
 */

import { Duplex } from 'node:stream';
import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner, Endpoint } from '../../stack/tcp/events.ts';
import { type Duration, ms } from '../../stack/time.ts';
import { Hold } from '../hold.ts';
import { ConnectAttempt, type AttemptOwner } from './duplex-attempt.ts';
import { addressText, type Family, family } from './duplex-address.ts';
import { brokenPipe, canceled, readFailure } from './duplex-errors.ts';
import { IdleTimer } from './duplex-idle.ts';
import { type Callback, Outgoing } from './duplex-outgoing.ts';
import {
  connectArguments,
  type DuplexConnectOptions,
  idleMilliseconds,
  type TcpDuplexOptions,
} from './duplex-options.ts';
import { nodeRuntime } from './runtime.ts';

/** Bytes that one chunk has at most, as in Node. */
const LARGEST_CHUNK = 64 * 1024;

/** Owns a connection that the program has given up, while it comes to its end. */
const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/**
 * `net.Socket`'s face over a connection of `host`: `end()` half-closes, `destroy()` closes, `setTimeout` is an idle timer, errors
 * have Node's codes. `write` calls back when the stack has taken the bytes; when nobody reads, the TCP window closes.
 */
export class TcpDuplex extends Duplex implements AttemptOwner {
  connecting: boolean = false;
  /** The length of the idle timer in milliseconds; undefined or 0: none. */
  timeout: number | undefined;
  bytesRead: number = 0;
  readonly #host: Host;
  readonly #options: TcpDuplexOptions;
  readonly #hold: Hold;
  readonly #idle: IdleTimer;
  #attempt: ConnectAttempt | undefined;
  #connection: TcpConnection | undefined;
  readonly #outgoing: Outgoing = new Outgoing();
  /** `end()` came before the connection did. */
  #finishing: Callback | undefined;
  /** The stream wants bytes: nobody has said stop since the last `_read`. */
  #wanted: boolean = false;
  #delivering: boolean = false;
  #peerEnded: boolean = false;
  #endPushed: boolean = false;
  #over: (ConnectionEvent & { readonly type: 'closed' }) | undefined;
  #noDelay: boolean | undefined;
  #keepAlive: readonly [enable: boolean, delay: number] | undefined;

  /** Not connected yet, unless `accepted` is given. */
  constructor(host: Host, options: TcpDuplexOptions = {}, accepted?: TcpConnection) {
    const { allowHalfOpen = false, highWaterMark } = options;
    // `close` says whether there was an error, which the stream's own does not.
    const stream = { allowHalfOpen, emitClose: false, autoDestroy: true };
    super(highWaterMark === undefined ? stream : { ...stream, highWaterMark });
    this.#host = host;
    this.#options = options;
    this.#noDelay = options.noDelay;
    this.#hold = new Hold(host);
    const waiting = () => this.#connection?.bytesQueued ?? 0;
    this.#idle = new IdleTimer(host.scheduler, waiting, () => this.#tell('timeout'));
    if (accepted === undefined) return;
    this.attached(accepted);
    accepted.owner = this;
    this.#applyOptions(accepted);
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
    this.#attempt.start(this.#options.lookup ?? ((name) => nodeRuntime.lookup(name)));
    return this;
  }

  attached(connection: TcpConnection): void {
    this.#connection = connection;
    this.#hold.begin();
  }

  failed(error: Error): void {
    this.destroy(error);
  }

  lookedUp(error: Error | null, address: string | undefined, family: 4 | 6 | undefined, host: string): void {
    this.#tell('lookup', error, address, family, host);
  }

  // -- what the connection tells -------------------------------------------------------------------------------------------

  connectionEvent(event: ConnectionEvent): void {
    switch (event.type) {
      case 'established':
        return this.#established();
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
      case 'urgent':
      case 'soft-error':
    }
  }

  #established(): void {
    const connection = this.#connection;
    if (!this.connecting || connection === undefined) return;
    this.connecting = false;
    this.#attempt = undefined;
    this.#applyOptions(connection);
    this.#idle.touch();
    this.#tell('connect');
    this.#tell('ready');
    this.#pump();
    const finishing = this.#finishing;
    this.#finishing = undefined;
    if (finishing !== undefined && !this.destroyed) this._final(finishing);
    if (!this.destroyed && !this.isPaused()) this.read(0);
  }

  #applyOptions(connection: TcpConnection): void {
    if (this.#noDelay !== undefined) connection.setNoDelay(this.#noDelay);
    if (this.#keepAlive !== undefined) this.#setKeepAlive(connection, ...this.#keepAlive);
  }

  #closed(event: ConnectionEvent & { readonly type: 'closed' }): void {
    if (this.connecting) {
      if (event.reason === undefined) return;
      this.#hold.end();
      this.#attempt?.addressFailed(event.reason, event.detail);
      return;
    }
    this.#hold.end();
    this.#over = event;
    this.#deliver();
  }

  /** Hands over what is there, as far as the stream wants it; then the end, or the death. */
  #deliver(): void {
    const connection = this.#connection;
    if (this.#delivering || this.destroyed || connection === undefined || this.connecting) return;
    this.#delivering = true;
    try {
      while (this.#wanted && !this.destroyed && this.#pushChunk(connection));
    } finally {
      this.#delivering = false;
    }
    if (connection.atEnd && !this.#endPushed && !this.destroyed) {
      this.#endPushed = true;
      this.#guard(() => this.push(null));
      this.read(0); // without data, `end` needs somebody who asks
    }
    if (connection.readable === 0) this.#die();
  }

  #pushChunk(connection: TcpConnection): boolean {
    const chunk = connection.receive(LARGEST_CHUNK);
    if (chunk === undefined) return false;
    this.bytesRead += chunk.length;
    this.#idle.touch();
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#wanted = false;
    const more = this.#guard(() => this.push(bytes)) ?? this.readableLength < this.readableHighWaterMark;
    // What `push` said counts, but also a `_read` that came inside it.
    this.#wanted ||= more;
    return true;
  }

  /** The connection died and what came before was read: an error, unless everything had been said. */
  #die(): void {
    if (this.#over?.reason === undefined || this.#connection === undefined || this.destroyed) return;
    const shut = this.writableFinished;
    if (this.#endPushed && shut) return;
    const { reason, detail } = this.#over;
    this.destroy(readFailure(reason, detail, this.#connection.remote, this.#peerEnded && !shut));
  }

  // -- the stream's side ---------------------------------------------------------------------------------------------------

  override _read(): void {
    this.#wanted = true;
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
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.connecting = false;
    this.#attempt?.stop();
    this.#attempt = undefined;
    this.#idle.start(undefined);
    this.#hold.end();
    const connection = this.#connection;
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
    this.#noDelay = noDelay;
    if (!this.pending) this.#connection?.setNoDelay(noDelay);
    return this;
  }

  /** Keep-alive probes after `initialDelay` milliseconds of silence; 0: the host's setting. */
  setKeepAlive(enable: boolean = false, initialDelay: number = 0): this {
    this.#keepAlive = [enable, initialDelay];
    const connection = this.#connection;
    if (connection !== undefined && !this.connecting) this.#setKeepAlive(connection, enable, initialDelay);
    return this;
  }

  #setKeepAlive(connection: TcpConnection, enable: boolean, delay: number): void {
    const { keepAliveIdle, keepAliveInterval, keepAliveCount } = this.#host.settings.tcp;
    const idle: Duration = delay > 0 ? ms(delay) : keepAliveIdle;
    const parameters = { idle, interval: keepAliveInterval, count: keepAliveCount };
    connection.setKeepAlive(enable ? parameters : undefined);
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

  /** Not connected yet. */
  get pending(): boolean {
    return this.#connection === undefined || this.connecting;
  }

  get bytesWritten(): number {
    return this.#outgoing.bytesTaken + this.writableLength - this.#outgoing.takenOfChunk;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.#connection !== undefined) return this.writable ? 'open' : 'readOnly';
    return this.writable && this.#connection !== undefined ? 'writeOnly' : 'closed';
  }

  get localAddress(): string | undefined {
    return addressText(this.#connection?.local, this.#options.mapped);
  }

  get localPort(): number | undefined {
    return this.#connection?.local.port;
  }

  get localFamily(): Family | undefined {
    return family(this.#connection?.local, this.#options.mapped);
  }

  get remoteAddress(): string | undefined {
    return addressText(this.#remote, this.#options.mapped);
  }

  get remotePort(): number | undefined {
    return this.#remote?.port;
  }

  get remoteFamily(): Family | undefined {
    return family(this.#remote, this.#options.mapped);
  }

  get #remote(): Endpoint | undefined {
    return this.connecting ? undefined : this.#connection?.remote;
  }

  /** This end; empty while there is none. */
  address(): { address?: string; family?: Family; port?: number } {
    const { localAddress, localFamily, localPort } = this;
    if (localAddress === undefined || localFamily === undefined || localPort === undefined) return {};
    return { address: localAddress, family: localFamily, port: localPort };
  }

  /** The connection under the stream; undefined before `connect`. */
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
