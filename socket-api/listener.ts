import type { Host } from '../stack/host.ts';
import type { ConnectionOwner, ListenerOwner } from '../stack/tcp/events.ts';
import type { TcpListener } from '../stack/tcp/listener.ts';
import { IPV4_LOOPBACK, type IpAddress, isIPv4, isUnspecified, parseAddress } from '../stack/wire/address.ts';
import { SocketCore } from './core.ts';
import type { Acceptor } from './core-roles.ts';
import { listenError, unknownListenName } from './errors.ts';
import type { HandlerSet } from './handlers.ts';
import { Hold } from './hold.ts';
import { type ListenSettings, reloadHandlers } from './options.ts';
import type { Runtime } from './runtime.ts';
import type { SocketListener, SocketOptions, TCPSocketListener } from './types.ts';

/** Owns a connection for the moment between its acceptance and its socket. */
const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/** A listening socket; what its members mean is told in the interface. */
export class Listener<Data> implements TCPSocketListener<Data>, ListenerOwner, Acceptor {
  data: Data;
  readonly hostname: string;
  readonly port: number;
  readonly #host: Host;
  readonly #runtime: Runtime;
  readonly #settings: ListenSettings;
  readonly #handlers: HandlerSet;
  readonly #tcp: TcpListener;
  readonly #hold: Hold;
  readonly #sockets: Set<SocketCore> = new Set();
  /** Bound to `::`. */
  readonly #onAllIPv6: boolean;
  #stopped: boolean = false;

  /** Listens at once. Throws what `listen` throws (rows 57, 58). */
  constructor(host: Host, runtime: Runtime, settings: ListenSettings) {
    this.#host = host;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#handlers = { current: settings.handlers };
    const address = addressToListen(settings.hostname);
    this.#onAllIPv6 = !isIPv4(address) && isUnspecified(address);
    this.#tcp = this.#bind(address, settings);
    this.data = settings.data as Data;
    this.hostname = settings.hostname;
    this.port = this.#tcp.local.port;
    this.#hold = new Hold(host);
    this.#hold.begin();
  }

  get publicListener(): SocketListener | undefined {
    return this.#stopped ? undefined : (this as SocketListener<unknown> as SocketListener);
  }

  connectionReady(): void {
    while (!this.#stopped) {
      const connection = this.#tcp.accept(NOBODY);
      if (connection === undefined) return;
      // Row 70: `data` is the object itself, shared by all.
      const shared = { host: this.#host, runtime: this.#runtime, handlers: this.#handlers, data: this.data };
      const mapped = this.#onAllIPv6;
      const core = new SocketCore({ ...shared, mapped, options: this.#settings }, this);
      connection.owner = core;
      this.#sockets.add(core);
      core.attach(connection);
      core.open();
      core.deliver(); // rows 12, 13: what came before the socket was accepted
    }
  }

  forget(core: SocketCore): void {
    this.#sockets.delete(core);
  }

  stop(closeActiveConnections?: boolean): void {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#tcp.close();
      this.#hold.end();
    }
    if (closeActiveConnections === true) for (const core of [...this.#sockets]) core.close(); // row 54
  }

  ref(): void {
    this.#hold.wanted = true;
  }

  unref(): void {
    this.#hold.wanted = false;
  }

  reload(options: Pick<SocketOptions<Data>, 'socket'>): void {
    this.#handlers.current = reloadHandlers(options);
  }

  /** Fills in the bound address, as Bun's does (not in its types). */
  getsockname(into: { family?: string; address?: string; port?: number }): void {
    into.family = this.hostname.includes(':') ? 'IPv6' : 'IPv4';
    into.address = this.hostname === 'localhost' ? '127.0.0.1' : this.hostname;
    into.port = this.port;
  }

  [Symbol.dispose](): void {
    this.stop(true);
  }

  #bind(address: IpAddress, { hostname, port, reusePort, ipv6Only, fastOpen }: ListenSettings): TcpListener {
    const options = { address, port, reusePort, ipv6Only, ...(fastOpen === undefined ? {} : { fastOpen }) };
    try {
      return this.#host.tcp.listen(options, this);
    } catch (error) {
      throw listenError(error, hostname, port);
    }
  }
}

/** An address, or `localhost`: other names would need a resolver, which cannot answer synchronously (row 58). */
function addressToListen(hostname: string): IpAddress {
  const address = hostname === 'localhost' ? IPV4_LOOPBACK : parseAddress(hostname);
  if (address === undefined) throw unknownListenName(hostname);
  return address;
}
