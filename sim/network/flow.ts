import type { CloseReason, ConnectionEvent, ConnectionOwner } from '../../stack/tcp/events.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';

/** How a program at the end of a connection behaves. */
export interface FlowOptions {
  /** Whether it reads what comes at once; else `read` does. True at first. */
  readonly reads?: boolean;
  /** Whether it keeps what it read (`bytes`). False at first: only counted. */
  readonly keeps?: boolean;
  /** Whether it closes its side when the peer has closed its own. True at first. */
  readonly closesAfterPeer?: boolean;
  /** Hears of each event, after the flow has done its part. */
  readonly heard?: (event: ConnectionEvent, flow: Flow) => void;
}

/** Bytes per call of `send`. */
const LARGEST_WRITE = 65_536;

/** A small program at one end of a connection: sends what it is given, reads what comes. Like any owner it lives in the world. */
export class Flow implements ConnectionOwner {
  readonly #options: FlowOptions;
  #connection: TcpConnection | undefined;
  readonly #waiting: Uint8Array[] = [];
  #waitingAt: number = 0;
  #closing: boolean = false;
  readonly #chunks: Uint8Array[] = [];
  /** Bytes read so far. */
  received: number = 0;
  /** The handshake is over; the peer closed its side; the connection is no more. */
  established: boolean = false;
  ended: boolean = false;
  closed: boolean = false;
  /** Why it ended, if not by both FINs. */
  reason: CloseReason | undefined;

  constructor(options: FlowOptions = {}) {
    this.#options = options;
  }

  /** The connection, for settings and for looking inside. */
  get connection(): TcpConnection {
    if (this.#connection === undefined) throw new Error('this flow has no connection yet');
    return this.#connection;
  }

  set connection(connection: TcpConnection) {
    this.#connection = connection;
  }

  /** What was read, if the flow keeps it. */
  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#chunks.reduce((total, chunk) => total + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /** Sends `bytes` (or a text in ASCII), as soon as there is room for them. */
  send(bytes: Uint8Array | string): this {
    const data = typeof bytes === 'string' ? Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)) : bytes;
    if (data.length > 0) this.#waiting.push(data);
    this.#pump();
    return this;
  }

  /** Closes its side when everything is sent; reads on. */
  end(): this {
    this.#closing = true;
    this.#pump();
    return this;
  }

  /** Ends the connection with a RST. */
  abort(): void {
    this.connection.abort();
  }

  /** Reads up to `max` bytes now; how many there were. */
  read(max: number = Number.MAX_SAFE_INTEGER): number {
    let count = 0;
    while (count < max) {
      const bytes = this.connection.receive(Math.min(max - count, 65_536));
      if (bytes === undefined) break;
      count += bytes.length;
      if (this.#options.keeps === true) this.#chunks.push(bytes);
    }
    this.received += count;
    return count;
  }

  connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'established') this.established = true;
    if ((event.type === 'readable' || event.type === 'end') && (this.#options.reads ?? true)) this.read();
    if (event.type === 'end') {
      this.ended = true;
      if (this.#options.closesAfterPeer ?? true) this.end();
    }
    if (event.type === 'closed') {
      if (this.#options.reads ?? true) this.read();
      this.closed = true;
      this.reason = event.reason;
    }
    if (event.type === 'established' || event.type === 'writable') this.#pump();
    this.#options.heard?.(event, this);
  }

  #pump(): void {
    if (this.#connection === undefined || this.closed) return;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      // In pieces, so that what the trace shows as offered is what may be taken.
      const end = Math.min(next.length, this.#waitingAt + LARGEST_WRITE);
      this.#waitingAt += this.#connection.send(next, this.#waitingAt, end);
      if (this.#waitingAt < end) return;
      if (end < next.length) continue;
      this.#waiting.shift();
      this.#waitingAt = 0;
    }
    // Before the handshake is over, CLOSE would only delete the connection [RFC 9293 3.10.4].
    if (!this.#closing || !this.established) return;
    this.#closing = false;
    this.#connection.shutdown();
  }
}
