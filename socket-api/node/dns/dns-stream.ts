import { StackError } from '../../../stack/errors.ts';
import type { Host } from '../../../stack/host.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner } from '../../../stack/tcp/events.ts';
import type { IpAddress } from '../../../stack/wire/address.ts';
import { DNS_PORT } from './dns-message.ts';

/** Owns a connection that nobody wants any more. */
const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/** One question over TCP: messages with their length in two bytes in front [RFC 1035 4.2.2]. */
export class DnsStream implements ConnectionOwner {
  readonly #host: Host;
  readonly #server: IpAddress;
  readonly #outgoing: Uint8Array;
  readonly #done: (message: Uint8Array | undefined) => void;
  #connection: TcpConnection | undefined;
  /** What was received so far, at most 65,537 bytes. */
  #received: Uint8Array = new Uint8Array(0);

  /** `done` is called once, with undefined if no whole message came; not after `stop`. */
  constructor(
    host: Host,
    server: IpAddress,
    question: Uint8Array,
    done: (message: Uint8Array | undefined) => void,
  ) {
    this.#host = host;
    this.#server = server;
    this.#done = done;
    this.#outgoing = Uint8Array.of(question.length >>> 8, question.length & 0xff, ...question);
  }

  start(): void {
    const remote = { address: this.#server, port: DNS_PORT };
    const zone = this.#host.configuration.names.linkOf(this.#server)?.device.name;
    try {
      this.#connection = this.#host.tcp.connect({ remote, zone }, this);
    } catch (thrown) {
      if (!(thrown instanceof StackError)) throw thrown;
      this.#done(undefined);
    }
  }

  /** Gives the connection up. */
  stop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    connection.owner = NOBODY;
    if (connection.state === 'SYN-SENT') connection.abort();
    else connection.close();
  }

  connectionEvent(event: ConnectionEvent): void {
    switch (event.type) {
      case 'established':
        this.#connection?.send(this.#outgoing);
        return;
      case 'readable':
        this.#read();
        return;
      case 'end':
      case 'closed':
        this.#read();
        if (this.#connection !== undefined) this.#finish(undefined);
        return;
      case 'writable':
      case 'urgent':
      case 'soft-error':
    }
  }

  #read(): void {
    for (;;) {
      const part = this.#connection?.receive();
      if (part === undefined || part.length === 0) return;
      const all = new Uint8Array(this.#received.length + part.length);
      all.set(this.#received);
      all.set(part, this.#received.length);
      this.#received = all;
      const length = all.length < 2 ? undefined : (all[0] ?? 0) * 256 + (all[1] ?? 0);
      if (length !== undefined && all.length >= 2 + length) return this.#finish(all.subarray(2, 2 + length));
    }
  }

  #finish(message: Uint8Array | undefined): void {
    this.stop();
    this.#done(message);
  }
}
