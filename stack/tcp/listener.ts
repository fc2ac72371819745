import type { Family } from '../ip/bind-family.ts';
import type { Instant } from '../time.ts';
import type { TcpConnection } from './connection.ts';
import type { ConnectionOwner, Endpoint, ListenerOwner } from './events.ts';

/**
 * A port in LISTEN [RFC 9293 3.10.7.2], with a queue of half-open connections (SYN queue) and one of connections that are established and
 * wait for the program (accept queue), each of at most `backlog` entries.
 */
export class TcpListener {
  /** Different for each listener of a host. */
  readonly number: number;
  readonly local: Endpoint;
  /** Connections of which IP version it takes. */
  readonly family: Family;
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly owner: ListenerOwner;
  readonly #closed: (listener: TcpListener) => void;
  readonly #halfOpen: Set<TcpConnection> = new Set();
  readonly #acceptQueue: TcpConnection[] = [];
  /** Half-open connections that rest as records. */
  #resting: number = 0;
  /** When a cookie was last sent; undefined: never. Only for a while after it an ACK is taken for one [RFC 4987 3.6]. */
  cookieSentAt: Instant | undefined;

  constructor(
    number: number,
    local: Endpoint,
    family: Family,
    backlog: number,
    reusePort: boolean,
    owner: ListenerOwner,
    closed: (listener: TcpListener) => void,
  ) {
    this.number = number;
    this.local = local;
    this.family = family;
    this.backlog = backlog;
    this.reusePort = reusePort;
    this.owner = owner;
    this.#closed = closed;
  }

  /** The next connection that is ready, with `owner` as its owner; undefined if none waits. */
  accept(owner: ConnectionOwner): TcpConnection | undefined {
    const connection = this.#acceptQueue.shift();
    connection?.belongTo(owner);
    return connection;
  }

  /** Stops listening: the port is free at once; connections that nobody accepted are reset. */
  close(): void {
    this.#closed(this);
    for (const connection of [...this.#halfOpen, ...this.#acceptQueue]) connection.abort();
    this.#halfOpen.clear();
    this.#acceptQueue.length = 0;
  }

  /** No further half-open connection can be taken. */
  get synQueueFull(): boolean {
    return this.halfOpen >= this.backlog;
  }

  /** Half of the SYN queue is taken: a SYN gets no more than a record. */
  get isPressed(): boolean {
    return this.halfOpen * 2 >= this.backlog;
  }

  /** No further connection can be taken into the accept queue. */
  get acceptQueueFull(): boolean {
    return this.#acceptQueue.length >= this.backlog;
  }

  /** Connections half open. */
  get halfOpen(): number {
    return this.#halfOpen.size + this.#resting;
  }

  /** A SYN made `connection`. */
  synReceived(connection: TcpConnection): void {
    this.#halfOpen.add(connection);
  }

  /** A record takes the place of a half-open connection. */
  rests(connection: TcpConnection): void {
    this.#halfOpen.delete(connection);
    this.#resting += 1;
  }

  /** And the connection that of its record; undefined: it is gone. */
  wakes(connection: TcpConnection | undefined): void {
    this.#resting -= 1;
    if (connection !== undefined) this.#halfOpen.add(connection);
  }

  /** Its handshake is over. True if it was one of the half-open ones. */
  established(connection: TcpConnection): boolean {
    if (!this.#halfOpen.delete(connection)) return false;
    this.#acceptQueue.push(connection);
    return true;
  }

  /** It ended before it was established. */
  gone(connection: TcpConnection): void {
    this.#halfOpen.delete(connection);
  }
}
