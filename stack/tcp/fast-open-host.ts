import type { HostContext } from '../context.ts';
import type { TcpConnection } from './connection.ts';
import { type FastOpenListen, type FastOpenQueue, FastOpenServer } from './fast-open.ts';
import { FastOpenCache } from './fast-open-cache.ts';
import { FastOpenAttempt, type FastOpenConnect } from './fast-open-client.ts';
import type { TcpListener } from './listener.ts';
import type { ArrivedSegment } from './segment.ts';

/** Fast Open of a host: gives connections and listeners that ask for it their parts of it. */
export class FastOpen {
  /** What the client's side remembers of servers. */
  readonly cache: FastOpenCache;
  readonly #server: FastOpenServer;
  readonly #queues: WeakMap<TcpListener, FastOpenQueue> = new WeakMap();
  readonly #client: boolean;

  constructor(context: HostContext) {
    const { tcp } = context.settings;
    this.cache = new FastOpenCache(tcp);
    this.#server = new FastOpenServer(context);
    this.#client = tcp.fastOpen === 'both' || tcp.fastOpen === 'client';
  }

  /** A program connects, with Fast Open if `options` are given. */
  connect(connection: TcpConnection, options: FastOpenConnect | undefined): void {
    if (options === undefined) return;
    if (this.#client) connection.fastOpen = new FastOpenAttempt(connection, this.cache, options);
  }

  /** A program listens, with Fast Open if `options` are given. */
  listen(listener: TcpListener, options: FastOpenListen | undefined): void {
    const queue = options === undefined ? undefined : this.#server.listen(options);
    if (queue !== undefined) this.#queues.set(listener, queue);
  }

  /** A SYN for `listener` made `connection`. */
  synArrived(
    listener: TcpListener | undefined,
    connection: TcpConnection,
    { header, length }: ArrivedSegment,
  ): void {
    const queue = listener === undefined ? undefined : this.#queues.get(listener);
    if (queue === undefined) return;
    const { local, remote } = connection;
    const { options } = header;
    connection.fastOpened = this.#server.judge(queue, options, length, remote.address, local.address);
  }
}
