import { createHash } from 'node:crypto';
import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner } from '../../stack/tcp/events.ts';
import { address, KERNEL } from './world.ts';

type EventType = ConnectionEvent['type'];
type ClosedEvent = Extract<ConnectionEvent, { readonly type: 'closed' }>;

/** What was received: how much, and its sha256. */
export interface Received {
  readonly bytes: number;
  readonly hash: string;
}

/** Our end of a connection, with promises: it reads only when it is told to. */
export class StackEnd implements ConnectionOwner {
  readonly events: ConnectionEvent[] = [];
  #connection: TcpConnection | undefined;
  #heard: (() => void)[] = [];
  #read: () => void = () => {};

  get connection(): TcpConnection {
    if (this.#connection === undefined) throw new Error('there is no connection yet');
    return this.#connection;
  }

  /** Connects to the kernel; does not wait for anything. */
  static connect(host: Host, port: number, to: string = KERNEL): StackEnd {
    const end = new StackEnd();
    end.#connection = host.tcp.connect({ remote: { address: address(to), port } }, end);
    return end;
  }

  /** Listens at `port`; `accepted` gets our end of each connection. The result closes the listener. */
  static listen(host: Host, port: number, accepted: (end: StackEnd) => void): () => void {
    const listener = host.tcp.listen(
      { port },
      {
        connectionReady: () => {
          const end = new StackEnd();
          end.#connection = listener.accept(end);
          if (end.#connection !== undefined) accepted(end);
        },
      },
    );
    return () => listener.close();
  }

  /** Listens for one connection. */
  static accept(host: Host, port: number): Promise<StackEnd> {
    return new Promise((resolve) => {
      const close = StackEnd.listen(host, port, (end) => {
        setImmediate(close);
        resolve(end);
      });
    });
  }

  connectionEvent(event: ConnectionEvent): void {
    this.events.push(event);
    this.#read();
    const heard = this.#heard;
    this.#heard = [];
    for (const each of heard) each();
  }

  /** Waits until there was an event of this type. */
  async heard(type: EventType): Promise<ConnectionEvent> {
    for (;;) {
      const event = this.events.find((each) => each.type === type);
      if (event !== undefined) return event;
      if (this.#isClosed) throw new Error(`closed without '${type}': ${JSON.stringify(this.events)}`);
      await this.#next();
    }
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<ClosedEvent> {
    const event = await this.heard('closed');
    if (event.type !== 'closed') throw new Error('unreachable');
    return event;
  }

  /** Sends all of it as fast as it is taken. */
  async send(bytes: Uint8Array): Promise<void> {
    let at = 0;
    for (;;) {
      at += this.connection.send(bytes, at);
      if (at === bytes.length) return;
      if (this.#isClosed) throw new Error(`closed with ${bytes.length - at} bytes unsent`);
      await this.#next();
    }
  }

  /** Receives so many bytes, or all up to the peer's FIN; inside the events, so that each ACK already offers the room again. */
  receive(count: number = Infinity): Promise<Received> {
    const hash = createHash('sha256');
    let got = 0;
    return new Promise((resolve) => {
      this.#read = () => {
        while (got < count) {
          const bytes = this.connection.receive(Math.min(256 * 1024, count - got));
          if (bytes === undefined) break;
          hash.update(bytes);
          got += bytes.length;
        }
        if (got < count && !this.connection.atEnd && !this.#isClosed) return;
        this.#read = () => {};
        resolve({ bytes: got, hash: hash.digest('hex') });
      };
      this.#read();
    });
  }

  get #isClosed(): boolean {
    return this.events.some((event) => event.type === 'closed');
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#heard.push(resolve));
  }
}

/** The sha256 that `peer.py` reports of the same bytes. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
