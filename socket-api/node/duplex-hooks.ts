/**
 * Where programs take a connection of ours without `node:net` being patched: `http`'s server and Agent, undici's `connect`,
 * ioredis's `Connector`, pg's `stream`. None of these packages is imported here.
 */

import { Agent, type AgentOptions, type Server, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Host } from '../../stack/host.ts';
import { SystemScheduler } from './clock.ts';
import { connectDuplex, TcpDuplex } from './duplex.ts';
import type { TcpDuplexOptions } from './duplex-options.ts';
import { type DuplexServer, listenDuplex, type ListenDuplexOptions } from './duplex-server.ts';

/** How an HTTP server is put on a host. */
export interface ServeHttpOptions extends ListenDuplexOptions {
  /**
   * Whether answers have a `Date` header. Node writes it from a clock of its own that nobody can take over, so on virtual time
   * it is left out by default: it would make every run differ.
   */
  readonly sendDate?: boolean | undefined;
}

/** `server.listen()` on `host`, for servers of `node:http` and `node:https`. The server's own `close()` finds nothing to close: close what this returns, too. */
export function serveHttp(server: Server | HttpsServer, host: Host, options: ServeHttpOptions): DuplexServer {
  const sendDate = options.sendDate ?? host.scheduler instanceof SystemScheduler;
  if (!sendDate) {
    const withoutDate = (_request: unknown, response: ServerResponse): void => {
      response.sendDate = false;
    };
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
      // With a listener of their own these two would no longer be answered by Node.
      if (event === 'request' || server.listenerCount(event) > 0) server.prependListener(event, withoutDate);
    }
  }
  return listenDuplex(host, { noDelay: true, ...options }, (duplex) => server.emit('connection', duplex));
}

/** An `http.Agent` whose connections are made by `host`. */
export function httpAgent(host: Host, agent: AgentOptions = {}, options: TcpDuplexOptions = {}): Agent {
  const made = new Agent(agent);
  made.createConnection = (request) => connectDuplex(host, destinationOf(request), withNoDelay(options));
  return made;
}

/** What undici gives to `connect`, as far as we look at it. */
export interface UndiciConnectOptions {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string | null | undefined;
}

/** Undici's callback. */
export type UndiciCallback = (
  ...outcome: [error: null, socket: never] | [error: Error, socket: null]
) => void;

/** Options of `undiciConnect`. */
export interface UndiciHookOptions extends TcpDuplexOptions {
  /** Milliseconds until an attempt is given up, 0: never; 10,000, as by undici's own connector. */
  readonly connectTimeout?: number | undefined;
  /** For `https:` addresses: `ca`, `rejectUnauthorized` … */
  readonly tls?: ConnectionOptions | undefined;
}

/** `new Agent({ connect: undiciConnect(host) })`, for undici's own `fetch` and `request`. */
export function undiciConnect(
  host: Host,
  options: UndiciHookOptions = {},
): (to: UndiciConnectOptions, callback: UndiciCallback) => void {
  return (to, callback) => {
    const secure = to.protocol === 'https:';
    const port = to.port === '' ? (secure ? 443 : 80) : Number(to.port);
    const duplex = connectDuplex(host, { host: to.hostname, port }, withNoDelay(options));
    const servername = to.servername ?? undefined;
    const socket: Duplex = secure
      ? connectTls({ ...options.tls, socket: duplex, ...(servername !== undefined && { servername }) })
      : duplex;
    const { connectTimeout = 10_000 } = options;
    const late = (): void => void socket.destroy(connectTimeoutError(to.hostname, port, connectTimeout));
    duplex.setTimeout(connectTimeout, late);
    const failed = (error: Error): void => callback(error, null);
    socket.once('error', failed);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      duplex.setTimeout(0, late);
      socket.removeListener('error', failed);
      callback(null, socket as never);
    });
  };
}

/** In undici's words. */
function connectTimeoutError(host: string, port: number, milliseconds: number): Error {
  const error = new Error(
    `Connect Timeout Error (attempted address: ${host}:${port}, timeout: ${milliseconds}ms)`,
  );
  return Object.assign(error, { name: 'ConnectTimeoutError', code: 'UND_ERR_CONNECT_TIMEOUT' });
}

/** `new Client({ stream: pgStream(host) })`: pg itself connects it, to its `host` and `port`. */
export function pgStream(host: Host, options: TcpDuplexOptions = {}): () => TcpDuplex {
  return () => new TcpDuplex(host, options);
}

/** What ioredis gives to a connector, as far as we look at it. */
interface RedisTarget {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly disconnectTimeout?: number | undefined;
}

/** The same as ioredis's own connector, but for where the stream comes from. */
class RedisConnector {
  firstError: Error | undefined;
  readonly #host: Host;
  readonly #options: TcpDuplexOptions;
  readonly #target: RedisTarget;
  #stream: TcpDuplex | undefined;
  #connecting: boolean = false;

  constructor(host: Host, options: TcpDuplexOptions, target: RedisTarget) {
    this.#host = host;
    this.#options = options;
    this.#target = target;
  }

  /** Whether the server that answered will do; asked by ioredis. */
  check(): boolean {
    return true;
  }

  async connect(): Promise<TcpDuplex> {
    this.#connecting = true;
    await Promise.resolve(); // who disconnects at once gets no connection
    if (!this.#connecting) throw new Error('Connection is closed.');
    const { host = 'localhost', port = 6379 } = this.#target;
    const stream = connectDuplex(this.#host, { host, port }, this.#options);
    stream.once('error', (error) => {
      this.firstError = error;
    });
    this.#stream = stream;
    return stream;
  }

  /** Ends, and destroys if the server does not end as well. */
  disconnect(): void {
    this.#connecting = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    const deadline = setTimeout(() => stream.destroy(), this.#target.disconnectTimeout ?? 2_000);
    stream.once('close', () => clearTimeout(deadline));
    stream.end();
  }
}

/**
 * `new Redis({ host: '10.0.0.2', Connector: ioredisConnector(host) })`. The type is what ioredis wants there, found by inference: its
 * types are not needed here.
 */
export function ioredisConnector<Connector>(host: Host, options: TcpDuplexOptions = {}): Connector {
  class BoundConnector extends RedisConnector {
    constructor(target: RedisTarget) {
      super(host, options, target);
    }
  }
  return BoundConnector as unknown as Connector;
}

function destinationOf(request: {
  host?: string | null | undefined;
  port?: number | string | null | undefined;
}): {
  host: string;
  port: number | string;
} {
  return { host: request.host ?? 'localhost', port: request.port ?? 80 };
}

function withNoDelay(options: TcpDuplexOptions): TcpDuplexOptions {
  return { noDelay: true, ...options };
}
