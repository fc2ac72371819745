import type { DropReason } from '../drop-reasons.ts';
import type { Family } from '../ip/bind-family.ts';
import type { TcpConnection } from './connection.ts';
import type { ConnectionOwner, Endpoint, ListenerOwner } from './events.ts';

/**
 * A port in LISTEN [RFC 9293 3.10.7.2], with a queue of half-open connections (SYN queue) and one of connections that are established and
 * wait for the program (accept queue), each of at most `backlog` entries.
 */
export class TcpListener {
  readonly local: Endpoint;
  /** Connections of which IP version it takes. */
  readonly family: Family;
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly owner: ListenerOwner;
  readonly #closed: (listener: TcpListener) => void;
  readonly #halfOpen: Set<TcpConnection> = new Set();
  readonly #acceptQueue: TcpConnection[] = [];

  constructor(
    local: Endpoint,
    family: Family,
    backlog: number,
    reusePort: boolean,
    owner: ListenerOwner,
    closed: (listener: TcpListener) => void,
  ) {
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

  /** Why a SYN cannot be taken now; undefined if it can. */
  refuses(): DropReason | undefined {
    const full = this.#halfOpen.size >= this.backlog || this.acceptQueueFull;
    return full ? 'TCP_LISTEN_OVERFLOW' : undefined;
  }

  /** No further connection can be taken into the accept queue. */
  get acceptQueueFull(): boolean {
    return this.#acceptQueue.length >= this.backlog;
  }

  /** Connections half open. */
  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** A SYN made `connection`. */
  synReceived(connection: TcpConnection): void {
    this.#halfOpen.add(connection);
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
