import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { CloseReason, ConnectionEvent, ConnectionOwner } from '../stack/tcp/events.ts';
import type { Instant } from '../stack/time.ts';
import type { Host } from '../stack/host.ts';
import { parseAddress } from '../stack/wire/address.ts';

/** What leaves is zeros, from one block for all. */
const BLOCK: Uint8Array = new Uint8Array(1024 * 1024);

/** The sending end: offers `bytes` zeros, as `writable` asks for them or (`poll`) whenever there is room. */
export class Source implements ConnectionOwner {
  left: number;
  reason: CloseReason | undefined;
  readonly #connection: TcpConnection;
  readonly #closes: boolean;

  constructor(host: Host, to: string, port: number, bytes: number, closes: boolean = false) {
    this.left = bytes;
    this.#closes = closes;
    const address = parseAddress(to);
    if (address === undefined) throw new Error(`${to} is no address`);
    this.#connection = host.tcp.connect({ remote: { address, port } }, this);
  }

  get connection(): TcpConnection {
    return this.#connection;
  }

  connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'closed') this.reason = event.reason;
    if (event.type === 'established' || event.type === 'writable') this.pump();
  }

  /** As a program does that looks again and again: without an event, as soon as there is any room. */
  poll(): void {
    if (this.#connection.sender.queue.room > 0) this.pump();
  }

  /** Offers more than there is room for, so that `writable` follows. */
  pump(): void {
    while (this.left > 0) {
      const offered = Math.min(this.left, BLOCK.length);
      const taken = this.#connection.send(BLOCK, 0, offered);
      this.left -= taken;
      if (taken < offered) return;
      if (this.left === 0 && this.#closes) this.#connection.shutdown();
    }
  }
}

/** The receiving end: reads everything at once and counts. */
export class Sink implements ConnectionOwner {
  received: number = 0;
  /** When the last bytes came. */
  lastAt: Instant = 0 as Instant;
  closed: boolean = false;
  reason: CloseReason | undefined;
  connection: TcpConnection | undefined;
  /** Hears of each event, after everything was read. */
  heard: () => void = () => undefined;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'closed') {
      this.closed = true;
      this.reason = event.reason;
    }
    for (;;) {
      const bytes = this.connection?.receive(256 * 1024);
      if (bytes === undefined) break;
      this.received += bytes.length;
      this.lastAt = this.#host.scheduler.now();
    }
    if (event.type === 'end') this.connection?.shutdown();
    this.heard();
  }
}

/** Listens at `port` of `host`; each connection gets a sink, which `accepted` hears of. */
export function sinks(host: Host, port: number, accepted: (sink: Sink) => void): void {
  const listener = host.tcp.listen(
    { port, backlog: 4096 },
    {
      connectionReady: () => {
        for (;;) {
          const sink = new Sink(host);
          sink.connection = listener.accept(sink);
          if (sink.connection === undefined) return;
          accepted(sink);
        }
      },
    },
  );
}
