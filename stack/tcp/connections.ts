// oxlint-disable max-lines -- one table: what makes, names, finds and forgets connections belongs together
import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import { StackError } from '../errors.ts';
import { type Bound, familyOf, overlap, takes } from '../ip/bind-family.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
import { isLinkScoped } from '../ip/source-address.ts';
import type { IpMeta } from '../ip/transport.ts';
import type { Interface } from '../link/interface.ts';
import {
  IPV4_ANY,
  type IpAddress,
  formatAddress,
  isBroadcast,
  isIPv4,
  isMulticast,
  isUnspecified,
  mappedIPv4,
  sameAddress,
} from '../wire/address.ts';
import type { TcpHeader } from '../wire/tcp.ts';
import { TcpConnection } from './connection.ts';
import { hasRoom } from './admission.ts';
import { CookieHandshakes } from './cookie-handshakes.ts';
import { Demux } from './demux.ts';
import { Dormant } from './dormant.ts';
import type { Endpoint, ListenerOwner } from './events.ts';
import { Secrets } from './isn.ts';
import { TcpListener } from './listener.ts';
import { EphemeralPorts } from './ports.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, add, gt, seq } from './sequence.ts';
import { isSynchronized } from './states.ts';
import { isNewer } from './time-wait.ts';
import { traceConnection } from './tracing.ts';
import type { ConnectOptions, ListenOptions } from './tcp.ts';

/** How much of the device's queue a window may fill: other connections, and the ACKs for what we send, share it. */
const WINDOW_SHARE = 0.25;
/** IP and TCP headers without options, in bytes. */
const HEADERS_V4 = 40;
const HEADERS_V6 = 60;

/** All connections and listeners of a host: makes them, names them, finds them. */
export class ConnectionTable {
  readonly demux: Demux;
  readonly dormant: Dormant;
  readonly cookies: CookieHandshakes;
  readonly #context: HostContext;
  readonly #ip: Ip;
  readonly #touched: (connection: TcpConnection) => void;
  readonly #secrets: Secrets;
  readonly #ports: EphemeralPorts;
  readonly #listeners: Map<number, TcpListener[]> = new Map();
  /** The listener of each connection that is not established yet. */
  readonly #listenerOf: Map<TcpConnection, TcpListener> = new Map();
  readonly #listenersByNumber: Map<number, TcpListener> = new Map();
  #lastListener: number = 0;
  #lastId: number = 0;

  constructor(context: HostContext, ip: Ip, touched: (connection: TcpConnection) => void) {
    this.#context = context;
    this.#ip = ip;
    this.#touched = touched;
    this.#secrets = new Secrets(context.random);
    this.#ports = new EphemeralPorts(context.settings.tcp.ephemeralPorts, this.#secrets);
    this.demux = new Demux(this.#secrets);
    const waking = {
      make: (id: number, local: Endpoint, remote: Endpoint, passive: boolean, via: number) => {
        const from = ip.interfaces[via];
        if (from === undefined) return undefined;
        const route = ip.routes.findBack({ source: remote.address, destination: local.address, from });
        return route === undefined ? undefined : this.#build(id, local, remote, route, passive, seq(0));
      },
      via: ({ route }: TcpConnection) => ip.interfaces.indexOf(route.interface),
      woken: (connection: TcpConnection, listener: TcpListener) => this.#listenerOf.set(connection, listener),
      awake: ({ id, local, remote }: TcpConnection) => {
        const found = this.demux.find(local.address, local.port, remote.address, remote.port);
        return found?.id === id ? found : undefined;
      },
      listener: (number: number) => this.#listenersByNumber.get(number),
    };
    this.cookies = new CookieHandshakes(context, ip, (local, remote, route, iss) =>
      this.#build(++this.#lastId, local, remote, route, true, iss),
    );
    this.dormant = new Dormant(context, waking, (local, remote, ports) =>
      this.#secrets.tableHash(local, remote, ports),
    );
  }

  /** The connection of a segment, awake. */
  find(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): TcpConnection | undefined {
    const awake = this.demux.find(local, localPort, remote, remotePort);
    if (awake !== undefined) return awake;
    const woken = this.dormant.wake(local, localPort, remote, remotePort);
    if (woken !== undefined) this.demux.add(woken);
    return woken;
  }

  /** The next record that is due, awake; undefined: none. */
  wakeDue(): TcpConnection | undefined {
    const woken = this.dormant.wakeDue(this.#context.now);
    if (woken !== undefined) this.demux.add(woken);
    return woken;
  }

  /** Wakes all records, or those of one listener. */
  wakeAll(listener?: TcpListener): TcpConnection[] {
    const woken = this.dormant.wakeAll(listener);
    for (const connection of woken) this.demux.add(connection);
    return woken;
  }

  /** Keeps a record instead of the connection, if that is all there is to it; true if so. */
  rest(connection: TcpConnection): boolean {
    if (!this.dormant.rest(connection, this.#listenerOf.get(connection))) return false;
    this.demux.remove(connection);
    this.#listenerOf.delete(connection);
    return true;
  }

  /** OPEN, passive: a new listener, whatever connections there are on the port [RFC 9293 MUST-41, MUST-42]. */
  listen(options: ListenOptions, owner: ListenerOwner): TcpListener {
    const address = this.#ownAddress(options.address);
    const bound = { address, family: familyOf(unmapped(options.address), options.ipv6Only ?? false) };
    checkPort(options.port);
    const reusePort = options.reusePort ?? false;
    const port = options.port === 0 ? this.#freePort(bound) : options.port;
    if (this.#collides(bound, port, reusePort)) {
      throw new StackError(
        'EADDRINUSE',
        `port ${port} of host ${this.#context.name} is in use by another listener`,
      );
    }
    const local = { address: address ?? unmapped(options.address) ?? IPV4_ANY, port };
    const backlog = Math.max(1, options.backlog ?? this.#context.settings.tcp.backlog);
    this.#lastListener += 1;
    const number = this.#lastListener;
    const listener = new TcpListener(number, local, bound.family, backlog, reusePort, owner, (closed) =>
      this.#unlisten(closed),
    );
    const present = this.#listeners.get(port);
    this.#listenersByNumber.set(listener.number, listener);
    if (present === undefined) this.#listeners.set(port, [listener]);
    else present.push(listener);
    const { tracer, now, name } = this.#context;
    tracer?.({ type: 'call', at: now, host: name, connection: 0, call: 'listen', detail: `port ${port}` });
    return listener;
  }

  /** OPEN, active: a connection in CLOSED, ready to be opened. */
  connect({ remote: given, local, zone }: ConnectOptions): TcpConnection {
    const address = unmapped(given.address) ?? given.address;
    const remote = { address, port: given.port };
    if (!hasRoom(this.#context, this.demux.size))
      throw new StackError('EMFILE', `host ${this.#context.name} has no room for one more connection`);
    if (isMulticast(address) || isUnspecified(address) || (isIPv4(address) && isBroadcast(address))) {
      throw new StackError(
        'EINVAL',
        `cannot connect to ${formatAddress(address)}: not the address of one host`,
      ); // MUST-46
    }
    const source = this.#ownAddress(local?.address);
    const route = this.#ip.routes.find(address, source, this.#interfaceOf(zone)); // MUST-44: IP chooses the source address
    if (route === undefined) {
      throw new StackError(
        'ENETUNREACH',
        `host ${this.#context.name} has no route to ${formatAddress(address)}${this.#whyNoRoute(address)}`,
      );
    }
    if (route.interface.isSubnetBroadcast(address)) {
      throw new StackError(
        'EINVAL',
        `cannot connect to ${formatAddress(address)}: the broadcast address of a subnet`,
      );
    }
    checkPort(remote.port); // port 0 is refused by the peer, as everywhere
    checkPort(local?.port ?? 0);
    const port = this.#localPort(route, remote, local?.port ?? 0);
    return this.#make({ address: route.source, port }, remote, route, false);
  }

  /** The listener for a segment: one on its address before one on all; of several that share a port, by the peer. */
  findListener(meta: IpMeta, header: TcpHeader): TcpListener | undefined {
    const listeners = this.#listeners.get(header.destinationPort);
    if (listeners === undefined) return undefined;
    const own = listeners.filter((each) => sameAddress(each.local.address, meta.destination));
    const onAll = (each: TcpListener): boolean =>
      isUnspecified(each.local.address) && takes(boundOf(each), meta.destination);
    const candidates = own.length > 0 ? own : listeners.filter(onAll);
    if (candidates.length <= 1) return candidates[0];
    return candidates[
      this.#secrets.tableHash(meta.destination, meta.source, header.sourcePort) % candidates.length
    ];
  }

  /** A SYN for `listener` makes a connection, ready for `openFrom`; undefined if there is no way back to the peer. */
  accept(listener: TcpListener, meta: IpMeta, header: TcpHeader): TcpConnection | undefined {
    const local = { address: meta.destination, port: header.destinationPort };
    const remote = { address: meta.source, port: header.sourcePort };
    const route = this.#ip.routes.findBack(meta);
    if (route === undefined) return undefined;
    const connection = this.#make(local, remote, route, true);
    listener.synReceived(connection);
    this.#listenerOf.set(connection, listener);
    if (this.#displaced !== undefined) this.dormant.displace(connection.id, this.#displaced);
    this.#displaced = undefined;
    return connection;
  }

  /** The connection whose handshake an ACK with a right cookie completes, in SYN-RECEIVED; undefined: the cookie is wrong. */
  fromCookie(listener: TcpListener, segment: ArrivedSegment, meta: IpMeta): TcpConnection | undefined {
    const connection = this.cookies.complete(segment, meta);
    if (connection === undefined) return undefined;
    this.demux.add(connection);
    traceConnection(connection);
    connection.enter('SYN-RECEIVED', 'rcv ACK with a SYN cookie');
    listener.synReceived(connection);
    this.#listenerOf.set(connection, listener);
    return connection;
  }

  /** The listener that waits for `connection` to be established. */
  listenerOf(connection: TcpConnection): TcpListener | undefined {
    const listener = this.#listenerOf.get(connection);
    if (listener !== undefined && isSynchronized(connection.state)) {
      this.#listenerOf.delete(connection);
      this.dormant.handshakeOver(connection.id, true);
    }
    return listener;
  }

  /**
   * A SYN for a connection in TIME-WAIT may open it anew, if a listener waits for it and it is newer than the old ones by its timestamp or,
   * where that tells nothing, by its sequence number [RFC 9293 MAY-2, SHLD-4; RFC 6191 2]: then the old connection goes.
   */
  afterTimeWait(connection: TcpConnection, segment: ArrivedSegment, meta: IpMeta): TcpConnection | undefined {
    const { header } = segment;
    if (connection.state !== 'TIME-WAIT' || !header.syn || header.ack !== undefined || header.rst)
      return connection;
    const listener = isNewer(connection, header) ? this.findListener(meta, header) : undefined;
    if (listener === undefined || listener.synQueueFull || listener.acceptQueueFull) return connection;
    this.#issAfter = add(connection.sender.nxt, 1);
    this.#displaced = connection;
    connection.finish(undefined, 'rcv SYN that opens it anew');
    reached(this.#context, 'TWRecycled', connection.id);
    this.remove(connection);
    return undefined;
  }

  /** The way to the peer: found again if routes or addresses changed since; the last one if there is none any more. */
  routeOf(connection: TcpConnection): Route {
    const { routes } = this.#ip;
    if (connection.routeVersion === routes.version) return connection.route;
    connection.routeVersion = routes.version;
    const { local, remote, route } = connection;
    const on = isLinkScoped(remote.address) ? route.interface : undefined;
    connection.route = routes.find(remote.address, local.address, on) ?? route;
    return connection.route;
  }

  remove(connection: TcpConnection): void {
    this.demux.remove(connection);
    this.dormant.forget(connection);
    if (this.#listenerOf.delete(connection)) this.dormant.handshakeOver(connection.id, false);
  }

  close(): void {
    for (const listeners of [...this.#listeners.values()])
      for (const listener of [...listeners]) listener.close();
    this.wakeAll();
    for (const connection of [...this.demux.connections()]) connection.abort();
  }

  /** The ISN of the next connection has to lie beyond this: it takes the place of one in TIME-WAIT. */
  #issAfter: SeqNumber | undefined;
  /** That one. */
  #displaced: TcpConnection | undefined;

  #make(local: Endpoint, remote: Endpoint, route: Route, passive: boolean): TcpConnection {
    const isn = this.#secrets.isn(local, remote, this.#context.now);
    const iss = this.#issAfter !== undefined && gt(this.#issAfter, isn) ? this.#issAfter : isn;
    this.#issAfter = undefined;
    this.#lastId += 1;
    const connection = this.#build(this.#lastId, local, remote, route, passive, iss);
    this.demux.add(connection);
    traceConnection(connection);
    return connection;
  }

  /** A connection that nobody knows of yet. */
  #build(
    id: number,
    local: Endpoint,
    remote: Endpoint,
    route: Route,
    passive: boolean,
    iss: SeqNumber,
  ): TcpConnection {
    const { device, mtu } = route.interface;
    const v4 = isIPv4(remote.address);
    const announcedMss = Math.min(mtu - (v4 ? HEADERS_V4 : HEADERS_V6), this.#context.settings.tcp.maxMss);
    const deviceCuts = v4 ? device.offloads.tso4 : device.offloads.tso6;
    const connection = new TcpConnection({
      id,
      context: this.#context,
      local,
      remote,
      route,
      passive,
      iss,
      announcedMss,
      defaultMss: v4 ? 536 : 1220,
      pathMtu: Math.min(mtu, this.#ip.pathMtu.get(remote.address) ?? mtu),
      deviceCuts,
      deviceQueue:
        device.receiveQueue === undefined
          ? undefined
          : Math.floor(device.receiveQueue * WINDOW_SHARE) * announcedMss,
      timestampOffset: this.#secrets.timestampOffset(local.address, remote.address),
      touched: this.#touched,
    });
    connection.routeVersion = this.#ip.routes.version;
    if (!v4) connection.flowLabel = this.#secrets.flowLabel(local, remote);
    return connection;
  }

  /** The address asked for, if it is one of the host's; undefined: any will do. */
  #ownAddress(wanted: IpAddress | undefined): IpAddress | undefined {
    const address = unmapped(wanted);
    if (address === undefined || isUnspecified(address)) return undefined;
    if (this.#ip.isLocal(address)) return address;
    throw new StackError(
      'EADDRNOTAVAIL',
      `${formatAddress(address)} is not an address of host ${this.#context.name}`,
    );
  }

  #localPort(route: Route, remote: Endpoint, wanted: number): number {
    const taken = (port: number): boolean =>
      this.demux.find(route.source, port, remote.address, remote.port) !== undefined ||
      this.dormant.has(route.source, port, remote.address, remote.port);
    if (wanted !== 0) {
      if (!taken(wanted)) return wanted;
      throw new StackError(
        'EADDRINUSE',
        `port ${wanted} has a connection to ${formatAddress(remote.address)} already`,
      );
    }
    const isFree = (port: number): boolean => !taken(port) && !this.#listeners.has(port);
    const port = this.#ports.choose(route.source, remote, isFree);
    if (port === undefined)
      throw new StackError('EADDRNOTAVAIL', `no ephemeral port is free on ${this.#context.name}`);
    return port;
  }

  #freePort(bound: Bound): number {
    const anyone = { address: IPV4_ANY, port: 0 };
    const isFree = (port: number): boolean =>
      !this.#collides(bound, port, false) && !this.#listeners.has(port);
    const port = this.#ports.choose(bound.address ?? IPV4_ANY, anyone, isFree);
    if (port === undefined)
      throw new StackError('EADDRINUSE', `no port is free on host ${this.#context.name}`);
    return port;
  }

  /** An address and all addresses (of a version that is common to both) exclude each other; two addresses do not. */
  #collides(bound: Bound, port: number, reusePort: boolean): boolean {
    for (const other of this.#listeners.get(port) ?? []) {
      if (reusePort && other.reusePort) continue;
      if (overlap(bound, boundOf(other))) return true;
    }
    return false;
  }

  /** What to do about it, if it is a matter of waiting. */
  #whyNoRoute(address: IpAddress): string {
    const checked = this.#ip.interfaces.some(({ addresses }) =>
      addresses.some((own) => isIPv4(own.address) === isIPv4(address) && own.state === 'tentative'),
    );
    if (!checked) return '';
    return ': its address is still being checked for duplicates, so try again in two seconds, or add it as preferred';
  }

  /** The interface that a zone names. */
  #interfaceOf(zone: string | undefined): Interface | undefined {
    if (zone === undefined) return undefined;
    const found = this.#ip.interfaces.find(({ device }) => device.name === zone);
    if (found === undefined)
      throw new StackError('EINVAL', `host ${this.#context.name} has no interface called ${zone}`);
    return found;
  }

  #unlisten(listener: TcpListener): void {
    this.wakeAll(listener); // so that they can be reset
    this.#listenersByNumber.delete(listener.number);
    const left = (this.#listeners.get(listener.local.port) ?? []).filter((each) => each !== listener);
    if (left.length > 0) this.#listeners.set(listener.local.port, left);
    else this.#listeners.delete(listener.local.port);
  }
}

function boundOf({ local, family }: TcpListener): Bound {
  return { address: local.address, family };
}

/** A v4-mapped address means the IPv4 address in it [RFC 3493 3.7]. */
function unmapped(address: IpAddress | undefined): IpAddress | undefined {
  if (address === undefined || isIPv4(address)) return address;
  return mappedIPv4(address) ?? address;
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new StackError('EINVAL', `${port} is not a port: use a whole number from 0 to 65535`);
}
