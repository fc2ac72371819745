import type { Host } from '../stack/host.ts';
import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { ConnectionEvent, ConnectionOwner, Endpoint } from '../stack/tcp/events.ts';
import { monotonic, Progress } from './gaps.ts';

/** What was received, and how. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly progress: Progress;
  /** When the last byte came, on the monotonic clock in milliseconds. */
  readonly to: number;
}

/** Our end of a case's connection. Waits end with an error when the connection does, or when `giveUp` is called. */
export class OurEnd implements ConnectionOwner {
  readonly #seen: Set<ConnectionEvent['type']> = new Set();
  #connection: TcpConnection | undefined;
  #opened: boolean = false;
  #trouble: string | undefined;
  #wake: () => void = () => undefined;
  #read: () => void = () => undefined;

  /** There is none before `opened`. */
  get connection(): TcpConnection {
    if (this.#connection === undefined) throw new Error('there is no connection yet');
    return this.#connection;
  }

  /** Sends a SYN. */
  connect(host: Host, remote: Endpoint): void {
    this.#connection = host.tcp.connect({ remote }, this);
  }

  /** Takes the first connection that comes to `port`. */
  listen(host: Host, port: number): void {
    const listener = host.tcp.listen(
      { port },
      {
        connectionReady: () => {
          this.#connection = listener.accept(this);
          this.#opened = true;
          this.#wake();
          setImmediate(() => listener.close());
        },
      },
    );
  }

  connectionEvent(event: ConnectionEvent): void {
    this.#seen.add(event.type);
    if (event.type === 'established') this.#opened = true;
    if (event.type === 'closed' && event.reason !== undefined) {
      this.#trouble ??= `our end was closed: ${event.reason}${event.detail === undefined ? '' : ` (${event.detail})`}`;
    }
    this.#read();
    this.#wake();
  }

  /** Ends all waiting. */
  giveUp(trouble: string): void {
    this.#trouble ??= trouble;
    this.#wake();
  }

  /** Waits until the handshake is over. */
  async opened(): Promise<void> {
    await this.#until(() => this.#opened);
  }

  /** Receives so many bytes; inside the events, so that each ACK already offers the room again. */
  async receive(size: number): Promise<Received> {
    const bytes = new Uint8Array(size);
    const progress = new Progress(monotonic());
    let at = 0;
    let to = 0;
    this.#read = () => {
      const before = at;
      while (at < size) {
        const part = this.connection.receive(Math.min(256 * 1024, size - at));
        if (part === undefined) break;
        bytes.set(part, at);
        at += part.length;
      }
      if (at === before) return;
      to = monotonic();
      progress.moved(to);
    };
    this.#read();
    await this.#until(() => at === size);
    this.#read = () => undefined;
    return { bytes, progress, to };
  }

  /** Sends all of it as fast as it is taken, then FIN. */
  async send(bytes: Uint8Array): Promise<void> {
    let at = 0;
    await this.#until(() => {
      at += this.connection.send(bytes, at);
      return at === bytes.length;
    });
    this.connection.shutdown();
  }

  /** Waits until both FINs are exchanged. */
  async closed(): Promise<void> {
    await this.#until(() => this.#seen.has('closed'));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#trouble !== undefined) throw new Error(this.#trouble);
      if (this.#seen.has('closed')) throw new Error('our end was closed too early');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#trouble !== undefined) throw new Error(this.#trouble);
  }
}
