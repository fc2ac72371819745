import { EventEmitter } from 'node:events';
import { StackError } from '../../stack/errors.ts';
import type { Host } from '../../stack/host.ts';
import type { ConnectionOwner, ListenerOwner } from '../../stack/tcp/events.ts';
import type { TcpListener } from '../../stack/tcp/listener.ts';
import { IPV4_ANY, isIPv4, isUnspecified, parseAddress } from '../../stack/wire/address.ts';
import { Hold } from '../hold.ts';
import { TcpDuplex } from './duplex.ts';
import { listenFailure } from './duplex-errors.ts';
import { argumentError, type TcpDuplexOptions } from './duplex-options.ts';
import { nodeRuntime } from './runtime.ts';

/** Where to listen, and how the accepted streams are made. */
export interface ListenDuplexOptions extends Omit<TcpDuplexOptions, 'lookup' | 'mapped'> {
  /** 0: any free one. */
  readonly port: number;
  /** An address; all by default. */
  readonly host?: string | undefined;
  readonly backlog?: number | undefined;
}

/** What a `DuplexServer` emits. */
interface ServerEvents {
  connection: [TcpDuplex];
  close: [];
}

const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/**
 * Listens and emits `connection` with a `TcpDuplex`: as much of `net.Server` as a program needs that takes streams,
 * `server.on('connection', (duplex) => httpServer.emit('connection', duplex))`.
 */
export class DuplexServer extends EventEmitter<ServerEvents> implements ListenerOwner {
  readonly #host: Host;
  readonly #options: ListenDuplexOptions;
  readonly #tcp: TcpListener;
  readonly #hold: Hold;
  readonly #address: string;
  readonly #mapped: boolean;
  readonly #open: Set<TcpDuplex> = new Set();
  #listening: boolean = true;

  /** Listens at once. Throws EADDRINUSE, EADDRNOTAVAIL as `node:net` words them. */
  constructor(host: Host, options: ListenDuplexOptions) {
    super();
    this.#host = host;
    this.#options = options;
    const { port, backlog } = options;
    const address = options.host === undefined ? IPV4_ANY : parseAddress(options.host);
    if (address === undefined) throw argumentError(`'${options.host}' is no address to listen on`);
    this.#address = options.host ?? '0.0.0.0';
    this.#mapped = !isIPv4(address) && isUnspecified(address);
    const place = { address, port };
    try {
      this.#tcp = host.tcp.listen(backlog === undefined ? place : { ...place, backlog }, this);
    } catch (error) {
      throw error instanceof StackError ? listenFailure(error, this.#address, port) : error;
    }
    this.#hold = new Hold(host);
    this.#hold.begin();
  }

  get listening(): boolean {
    return this.#listening;
  }

  /** Streams that were accepted and are not closed. */
  get connections(): number {
    return this.#open.size;
  }

  address(): { readonly address: string; readonly family: 'IPv4' | 'IPv6'; readonly port: number } {
    const family = this.#address.includes(':') ? 'IPv6' : 'IPv4';
    return { address: this.#address, family, port: this.#tcp.local.port };
  }

  connectionReady(): void {
    while (this.#listening) {
      const connection = this.#tcp.accept(NOBODY);
      if (connection === undefined) return;
      const duplex = new TcpDuplex(this.#host, { ...this.#options, mapped: this.#mapped }, connection);
      this.#open.add(duplex);
      duplex.once('close', () => this.#gone(duplex));
      try {
        this.emit('connection', duplex);
      } catch (error) {
        nodeRuntime.uncaught(error); // the drain goes on
      }
    }
  }

  /** No new connections; `close` comes when those that are open have ended. */
  close(callback?: () => void): this {
    if (callback !== undefined) this.once('close', callback);
    if (!this.#listening) return this;
    this.#listening = false;
    this.#tcp.close();
    this.#hold.end();
    this.#closeIfEmpty();
    return this;
  }

  /** Destroys what is open. */
  closeAllConnections(): void {
    for (const duplex of this.#open) duplex.destroy();
  }

  ref(): this {
    this.#hold.wanted = true;
    return this;
  }

  unref(): this {
    this.#hold.wanted = false;
    return this;
  }

  #gone(duplex: TcpDuplex): void {
    this.#open.delete(duplex);
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (!this.#listening && this.#open.size === 0) process.nextTick(() => this.emit('close'));
  }
}

/** `net.createServer(onConnection).listen(…)` on `host`; listens at once. */
export function listenDuplex(
  host: Host,
  options: ListenDuplexOptions,
  onConnection?: (duplex: TcpDuplex) => void,
): DuplexServer {
  const server = new DuplexServer(host, options);
  if (onConnection !== undefined) server.on('connection', onConnection);
  return server;
}
