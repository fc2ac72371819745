/**
 * The public types: Bun's TCP socket API (bun-types 1.4.4) and, marked as such, what this project adds to it.
 * `test/types/` assigns them to Bun's and back.
 */

import type { TcpInfo } from '../stack/tcp/info.ts';
import type { TLSOptions, TLSUpgradeOptions, TlsMembers } from './tls-types.ts';

/** A snapshot of a connection: the fields of Linux's `struct tcp_info` (docs/tcp-info.md). */
export type { TcpInfo };

/** Bytes in any of JavaScript's forms. */
export type ByteSource = ArrayBufferView | ArrayBufferLike;

/** What `data` is given, by `binaryType`. Where there is no `Buffer` (browsers), `buffer` gives a `Uint8Array`. */
export interface BinaryTypeList {
  arraybuffer: ArrayBuffer;
  buffer: Buffer;
  uint8array: Uint8Array<ArrayBuffer>;
}

/** The forms in which `data` may want its chunks. */
export type BinaryType = keyof BinaryTypeList;

/**
 * The callbacks of a socket. All may be missing, but one of `data` and `drain` must be there. They run after the call that
 * caused them has returned, never inside it; they may be async, nobody waits for them. What a handler throws goes to `error`
 * (rows 14-17).
 */
export interface SocketHandler<Data = unknown, DataBinaryType extends BinaryType = 'buffer'> {
  /** Connected. Throwing, or returning an Error, closes the socket (row 14). */
  open?(socket: Socket<Data>): void | Promise<void>;
  /** Comes once and last; `error` when the peer reset or the connection died. */
  close?(socket: Socket<Data>, error?: Error): void | Promise<void>;
  /** A handler threw. */
  error?(socket: Socket<Data>, error: Error): void | Promise<void>;
  /** Bytes arrived; the chunk is the user's to keep (row 31). */
  data?(socket: Socket<Data>, data: BinaryTypeList[DataBinaryType]): void | Promise<void>;
  /** There is room again after a short write; once per short write (row 28). */
  drain?(socket: Socket<Data>): void | Promise<void>;
  /** The TLS handshake is over. */
  handshake?(socket: Socket<Data>, success: boolean, authorizationError: Error | null): void;
  /** The peer's FIN; without `allowHalfOpen` our own follows when the handler returns (row 39). */
  end?(socket: Socket<Data>): void | Promise<void>;
  /** No connection came about; runs before the promise rejects (row 3). */
  connectError?(socket: Socket<Data>, error: Error): void | Promise<void>;
  /** The time set by `timeout()` (or `idleTimeout`) is over; the socket is closed next (row 62). */
  timeout?(socket: Socket<Data>): void | Promise<void>;
  /** Default `'buffer'`. */
  binaryType?: BinaryType;
}

/** What listeners and clients both take. */
export interface SocketOptions<Data = unknown> {
  socket: SocketHandler<Data>;
  /** Becomes `socket.data`; accepted sockets share the listener's (row 70). */
  data?: Data;
  /** True: the peer's FIN does not close our side. Default false. */
  allowHalfOpen?: boolean;
}

/** Options that this project adds (section 3 of the specification); all optional, all off by default. */
export interface ExtraOptions {
  /** `write` takes everything and keeps what does not fit; `drain` when less than `highWaterMark` bytes (default 65536) wait. */
  buffered?: boolean | { highWaterMark?: number };
  /** Milliseconds without a segment with data either way until `timeout` is called and the socket closed. */
  idleTimeout?: number;
  /** Errors with Linux's codes and a sentence instead of ECONNREFUSED for all. */
  distinctErrors?: boolean;
  /** Bytes that may wait unsent beyond what the windows take; `write` takes less and `drain` comes later then [Linux TCP_NOTSENT_LOWAT]. */
  notSentLowat?: number;
  /** `'bun-1.4'` deviations; not implemented yet: throws. */
  quirks?: 'bun-1.4';
}

/** Options of `listen`. */
export interface TCPSocketListenOptions<Data = undefined> extends SocketOptions<Data>, ExtraOptions {
  /** Address to listen on; `0.0.0.0`: all. Names other than `localhost` cannot be looked up synchronously. */
  hostname: string;
  /** 0..65535, 0: any free one. */
  port: number;
  /** Not implemented yet: throws. */
  tls?: TLSOptions | boolean;
  /** Nobody else may have the port; beats `reusePort` (row 59). */
  exclusive?: boolean;
  /** Several listeners share the port; all of them must say so (row 59). */
  reusePort?: boolean;
  /** `::` without IPv4 (row 60). */
  ipv6Only?: boolean;
  /**
   * TCP Fast Open (ours): a socket opens, and its `data` comes, before the handshake is over if the client has a cookie. The same data may
   * come on two sockets if the network doubles a packet, so only for requests that may be repeated [RFC 7413 2.1]. `queue`: how
   * many such sockets may be half open; `cookies: false`: from anybody.
   */
  fastOpen?: boolean | { queue?: number; cookies?: boolean };
}

/** Options of `connect`. */
export interface TCPSocketConnectOptions<Data = undefined> extends SocketOptions<Data>, ExtraOptions {
  /** Address or name; a name's addresses are tried (row 6; `happyEyeballs`). */
  hostname: string;
  /** 0..65535. */
  port: number;
  /** Not implemented yet: throws. */
  tls?: TLSOptions | boolean;
  /** No effect on a client. */
  exclusive?: boolean;
  /** No effect on a client; accepted as Bun's types have it here. */
  reusePort?: boolean;
  /** No effect on a client; accepted as Bun's types have it here. */
  ipv6Only?: boolean;
  /** Source address (ours: Bun's types lack it). */
  localAddress?: string;
  /** Source port (ours: Bun's types lack it). */
  localPort?: number;
  /** A name's addresses: IPv6 and IPv4 in turn, the next one after 250 ms beside the last (RFC 8305). False: one after the other (ours). Default true. */
  happyEyeballs?: boolean;
  /** Milliseconds until the attempt is given up with ETIMEDOUT (ours). */
  connectTimeout?: number;
  /** Before `open`: rejects with `signal.reason`; after it: `terminate()` (ours). */
  signal?: AbortSignal;
  /**
   * TCP Fast Open (ours): asks the server for a cookie; with one, `data` leaves with the SYN, else right after the handshake, before what
   * `open` writes. `cookie: false`: it leaves with the SYN in any case.
   */
  fastOpen?: boolean | { data?: string | ByteSource; cookie?: boolean };
}

/** Unix sockets are in Bun's types and mean nothing on a userspace stack: a TypeError says so. */
export interface UnixSocketOptions<Data = undefined> extends SocketOptions<Data> {
  unix: string;
  tls?: TLSOptions | boolean;
}

/** A TCP connection. `Bun.Socket`, and a few members of our own at its end. No method throws on a closed socket (row 68). */
export interface Socket<Data = undefined> extends Disposable, TlsMembers {
  /**
   * Offers `data` to the connection and returns how many bytes were accepted: fewer than given when the send buffer is full
   * (a `drain` follows), −1 when closed or shutting down. Offsets count bytes, of the UTF-8 encoding for strings.
   * Throws RangeError `ERR_OUT_OF_RANGE`, TypeError `ERR_INVALID_ARG_TYPE`.
   */
  write(data: string | ByteSource, byteOffset?: number, byteLength?: number): number;
  /** The user's own; starts as `options.data`. */
  data: Data;
  /**
   * Last data, all of which is taken even if the buffer is full, then FIN. Reading goes on until the peer's FIN (row 33).
   * Returns the bytes taken, −1 when closed or shutting down already. Throws as `write` does.
   */
  end(data?: string | ByteSource, byteOffset?: number, byteLength?: number): number;
  end(): void;
  /** Keeps the process alive until the socket is closed; so from the start. */
  ref(): void;
  /** The process may end while this socket is open. */
  unref(): void;
  /**
   * Calls the `timeout` handler after so many seconds (fractions allowed, exact on the clock) and then closes as `close()`.
   * Calling again starts anew, traffic does not; 0 disarms. Throws Error "Timeout must be a positive integer" if negative.
   */
  timeout(seconds: number): void;
  /** RST at once; queued data is dropped. */
  terminate(): void;
  /** True: FIN, reading goes on (row 42). False, the default: FIN and no more reading; data that still comes is answered by RST (row 43). */
  shutdown(halfClose?: boolean): void;
  /** 2 connecting, 1 open (positive: usable), −2 own write half shut, 0 closed, −1 detached (in `connectError`). */
  readonly readyState: -2 | -1 | 0 | 1 | 2;
  /** Sends what is held back. */
  flush(): void;
  /** New handlers: for this socket if it is a client, for all of its listener's if it was accepted. */
  reload(options: Pick<SocketOptions<Data>, 'socket'>): void;
  /** Who accepted it; undefined on clients and once the listener is closed (row 55). */
  readonly listener?: SocketListener;
  /** Addresses keep their last values after close (row 69). */
  readonly remoteFamily: 'IPv4' | 'IPv6';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localFamily: 'IPv4' | 'IPv6';
  readonly localAddress: string;
  readonly localPort: number;
  /** Nagle's algorithm off (default) or on; false on a closed socket. It is off from the start. */
  setNoDelay(noDelay?: boolean): boolean;
  /**
   * Keep-alive after `initialDelay` milliseconds of silence (0: as it was), probes 1 s apart, 10 in all, then
   * `close(ETIMEDOUT)`. False on a closed socket. Throws RangeError on a negative delay.
   */
  setKeepAlive(enable?: boolean, initialDelay?: number): boolean;
  /** Bytes accepted so far. */
  readonly bytesWritten: number;
  /** Stops calling `data`; the window then stops the peer. */
  pause(): void;
  /** Goes on calling `data`. */
  resume(): void;
  /** Gives the socket up: queued data is still sent, then FIN; RST if received data is unread. `close` follows soon. */
  close(): void;
  /** Not implemented yet on open sockets; TypeError on closed ones. */
  upgradeTLS<Data>(options: TLSUpgradeOptions<Data>): [raw: Socket<Data>, tls: Socket<Data>];
  /** `end()`. */
  [Symbol.dispose](): void;
  /** The IP type of service, 0..255 (in Bun, not in its types). */
  getTypeOfService(): number;
  /** Sets it for segments to come; returns it. Throws RangeError outside 0..255. */
  setTypeOfService(value: number): number;
  /** −1: there is no descriptor under a userspace connection. */
  readonly fd: number;
  /** Ours: a snapshot of the connection in the terms of Linux's `tcp_info`; undefined while there is none. */
  info(): TcpInfo | undefined;
}

/** What all listeners have. */
export interface SocketListener<Data = undefined> extends Disposable {
  /** No new connections, the port is free at once; `true` also closes the accepted sockets. Twice is fine. */
  stop(closeActiveConnections?: boolean): void;
  /** Keeps the process alive while it listens; so from the start. */
  ref(): void;
  /** The process may end while it listens. */
  unref(): void;
  /** New handlers, at once, for all open sockets too. */
  reload(options: Pick<SocketOptions<Data>, 'socket'>): void;
  /** What accepted sockets start with. */
  data: Data;
}

/** A listening TCP socket. */
export interface TCPSocketListener<Data = unknown> extends SocketListener<Data> {
  /** The bound port; readable after `stop`. */
  readonly port: number;
  /** As given to `listen`. */
  readonly hostname: string;
}

/** In Bun's types; never made here. */
export interface UnixSocketListener<Data> extends SocketListener<Data> {
  readonly unix: string;
}

/** The two functions that `Bun` has for TCP. */
export interface SocketApi {
  /** Listens at once. Throws TypeError and RangeError for bad options, Error EADDRINUSE, EADDRNOTAVAIL (rows 57, 58). */
  listen<Data = undefined>(options: TCPSocketListenOptions<Data>): TCPSocketListener<Data>;
  listen<Data = undefined>(options: UnixSocketOptions<Data>): UnixSocketListener<Data>;
  /** Connects. Bad options throw at once, failures reject (row 10). */
  connect<Data = undefined>(options: TCPSocketConnectOptions<Data>): Promise<Socket<Data>>;
  connect<Data = undefined>(options: UnixSocketOptions<Data>): Promise<Socket<Data>>;
}
