import type { HostContext } from '../context.ts';
import { StackError } from '../errors.ts';
import { type Bound, familyOf, overlap, takes } from '../ip/bind-family.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
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
import { Demux } from './demux.ts';
import type { Endpoint, ListenerOwner } from './events.ts';
import { Secrets } from './isn.ts';
import { TcpListener } from './listener.ts';
import { EphemeralPorts } from './ports.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, add, geq, gt } from './sequence.ts';
import type { ConnectOptions, ListenOptions } from './tcp.ts';

/** How much of the device's queue a window may fill: other connections, and the ACKs for what we send, share it. */
const WINDOW_SHARE = 0.25;
/** IP and TCP headers without options, in bytes. */
const HEADERS_V4 = 40;
const HEADERS_V6 = 60;

/** All connections and listeners of a host: makes them, names them, finds them. */
export class ConnectionTable {
  readonly demux: Demux;
  readonly #context: HostContext;
  readonly #ip: Ip;
  readonly #touched: (connection: TcpConnection) => void;
  readonly #secrets: Secrets;
  readonly #ports: EphemeralPorts;
  readonly #listeners: Map<number, TcpListener[]> = new Map();
  /** The listener of each connection that is not established yet. */
  readonly #listenerOf: Map<TcpConnection, TcpListener> = new Map();
  #lastId: number = 0;

  constructor(context: HostContext, ip: Ip, touched: (connection: TcpConnection) => void) {
    this.#context = context;
    this.#ip = ip;
    this.#touched = touched;
    this.#secrets = new Secrets(context.random);
    this.#ports = new EphemeralPorts(context.settings.tcp.ephemeralPorts, this.#secrets);
    this.demux = new Demux(this.#secrets);
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
    const listener = new TcpListener(local, bound.family, backlog, reusePort, owner, (closed) =>
      this.#unlisten(closed),
    );
    const present = this.#listeners.get(port);
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
        `host ${this.#context.name} has no route to ${formatAddress(address)}`,
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
    return connection;
  }

  /** The listener that waits for `connection` to be established. */
  listenerOf(connection: TcpConnection): TcpListener | undefined {
    const listener = this.#listenerOf.get(connection);
    if (listener !== undefined && connection.state !== 'SYN-RECEIVED') this.#listenerOf.delete(connection);
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
    const { tsRecent, nxt } = connection.receiver;
    const { timestamps } = header.options;
    const told = timestamps === undefined || tsRecent === undefined ? 0 : (timestamps.value - tsRecent) | 0;
    const newer = told > 0 || (told === 0 && geq(header.seq, nxt));
    if (!newer || this.findListener(meta, header) === undefined) return connection;
    this.#issAfter = add(connection.sender.nxt, 1);
    connection.finish(undefined, 'rcv SYN that opens it anew');
    this.remove(connection);
    return undefined;
  }

  remove(connection: TcpConnection): void {
    this.demux.remove(connection);
    this.#listenerOf.delete(connection);
  }

  close(): void {
    for (const listeners of [...this.#listeners.values()])
      for (const listener of [...listeners]) listener.close();
    for (const connection of [...this.demux.connections()]) connection.abort();
  }

  /** The ISN of the next connection has to lie beyond this: it takes the place of one in TIME-WAIT. */
  #issAfter: SeqNumber | undefined;

  #make(local: Endpoint, remote: Endpoint, route: Route, passive: boolean): TcpConnection {
    const { device, mtu } = route.interface;
    const v4 = isIPv4(remote.address);
    const announcedMss = mtu - (v4 ? HEADERS_V4 : HEADERS_V6);
    const deviceCuts = v4 ? device.offloads.tso4 : device.offloads.tso6;
    const isn = this.#secrets.isn(local, remote, this.#context.now);
    const iss = this.#issAfter !== undefined && gt(this.#issAfter, isn) ? this.#issAfter : isn;
    this.#issAfter = undefined;
    this.#lastId += 1;
    const connection = new TcpConnection({
      id: this.#lastId,
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
    this.demux.add(connection);
    this.#traceConnection(connection);
    return connection;
  }

  #traceConnection({ id, local, remote, passive }: TcpConnection): void {
    const { tracer, now, name } = this.#context;
    tracer?.({
      type: 'connection',
      at: now,
      host: name,
      connection: id,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      passive,
    });
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
      this.demux.find(route.source, port, remote.address, remote.port) !== undefined;
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

  /** The interface that a zone names. */
  #interfaceOf(zone: string | undefined): Interface | undefined {
    if (zone === undefined) return undefined;
    const found = this.#ip.interfaces.find(({ device }) => device.name === zone);
    if (found === undefined)
      throw new StackError('EINVAL', `host ${this.#context.name} has no interface called ${zone}`);
    return found;
  }

  #unlisten(listener: TcpListener): void {
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
