// oxlint-disable max-lines -- the drain and its inputs in one place; what it serves is in the files beside it
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import type { DropReason, ResetReason } from '../drop-reasons.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
import type { IpMeta, Transport } from '../ip/transport.ts';
import { type Instant, earlier } from '../time.ts';
import type { IpAddress } from '../wire/address.ts';
import { PROTOCOL_TCP } from '../wire/ipv4.ts';
import { type TcpHeader, emit, headerLength, parse, verifyChecksum } from '../wire/tcp.ts';
import type { TcpConnection } from './connection.ts';
import { accountFor } from './connection-memory.ts';
import { ConnectionTable } from './connections.ts';
import { Deadlines } from './deadlines.ts';
import { countByState } from './dormant.ts';
import type { ConnectionOwner, Endpoint, IcmpErrorKind, ListenerOwner } from './events.ts';
import { icmpErrorArrives } from './icmp-error.ts';
import { Listening } from './listening.ts';
import { resetHeader } from './reset-header.ts';
import type { TcpListener } from './listener.ts';
import { ArrivedSegment, type OutgoingSegment } from './segment.ts';
import { add, seq } from './sequence.ts';
import type { FastOpenConnect } from './fast-open-client.ts';
import type { FastOpenListen } from './fast-open.ts';
import { FastOpen } from './fast-open-host.ts';
import { type TcpState, isSynchronized } from './states.ts';
import { countSent, traceSegment } from './tracing.ts';

/** How to open a connection. */
export interface ConnectOptions {
  readonly remote: Endpoint;
  /** Where from; by default the route's source address and an ephemeral port [RFC 9293 MUST-43]. */
  readonly local?: { readonly address?: IpAddress | undefined; readonly port?: number | undefined };
  /** Asks for Fast Open [RFC 7413]: with a cookie for the server, data leaves with the SYN. */
  readonly fastOpen?: FastOpenConnect;
  /** The name of the interface to leave by: the zone of a link-local IPv6 address (`fe80::1%eth0`) [RFC 4007 11]. */
  readonly zone?: string | undefined;
}

/** How to listen. */
export interface ListenOptions {
  /** Undefined: all addresses of the host. `::`: the same, unless `ipv6Only`. 0.0.0.0: all IPv4 addresses. */
  readonly address?: IpAddress;
  /** `::` takes no IPv4 connections [RFC 3493 5.3]. */
  readonly ipv6Only?: boolean;
  /** 0: any that is free. */
  readonly port: number;
  readonly backlog?: number;
  /** Several listeners with this option may share the port. */
  readonly reusePort?: boolean;
  /** Takes data with SYNs [RFC 7413]. A SYN that the network delivers twice may then open two connections with the same data. */
  readonly fastOpen?: FastOpenListen;
}

/** TCP of one host: takes packets to their connections, asks connections for segments, and hands their events to their owners. */
export class Tcp implements Transport {
  readonly #context: HostContext;
  readonly #ip: Ip;
  /** Work came up outside of a turn: the host is to drain soon. */
  readonly #drainSoon: () => void;
  readonly #table: ConnectionTable;
  readonly #listening: Listening;
  readonly #deadlines: Deadlines<TcpConnection> = new Deadlines();
  /** Connections with something to do. */
  #touched: Set<TcpConnection> = new Set();
  /** Connections that may hold payload in the device's memory. */
  readonly #unsettled: Set<TcpConnection> = new Set();
  /** Connections that wait for their device. */
  readonly #deviceBusy: Set<TcpConnection> = new Set();
  readonly #ready: Set<TcpListener> = new Set();
  readonly #fastOpen: FastOpen;

  constructor(context: HostContext, ip: Ip, drainSoon: () => void) {
    this.#context = context;
    this.#ip = ip;
    this.#drainSoon = drainSoon;
    this.#table = new ConnectionTable(context, ip, (connection) => this.#touch(connection));
    this.#fastOpen = new FastOpen(context);
    this.#listening = new Listening(context, this.#table, {
      traceIn: (segment, meta, size, id) => this.#traceIn(segment, meta, size, id),
      takes: (connection, segment, meta) => this.#takes(connection, segment, meta),
      synArrived: (listener, connection, segment, meta) => {
        this.#fastOpen.synArrived(listener, connection, segment);
        connection.receivedTypeOfService = meta.tos;
      },
      opened: (connection) => this.#arrivedAt(connection),
      emit: (segment, route, destination) => this.#emit(segment, route, destination),
      resetFor: (segment, meta, reason) => this.#resetFor(segment, meta, reason),
      drop: (reason) => this.#drop(reason),
    });
    ip.register(PROTOCOL_TCP, this);
    ip.onWritable = () => {
      for (const connection of this.#deviceBusy) this.#touch(connection);
      this.#deviceBusy.clear();
    };
  }

  /** OPEN, passive [RFC 9293 3.9.1.1]. Throws `StackError`: EADDRINUSE, EADDRNOTAVAIL, EINVAL. */
  listen(options: ListenOptions, owner: ListenerOwner): TcpListener {
    const listener = this.#table.listen(options, owner);
    this.#fastOpen.listen(listener, options.fastOpen);
    return listener;
  }

  /** OPEN, active [RFC 9293 3.9.1.1]. Throws `StackError`: EADDRNOTAVAIL, EADDRINUSE, ENETUNREACH, EINVAL. */
  connect(options: ConnectOptions, owner: ConnectionOwner): TcpConnection {
    const connection = this.#table.connect(options);
    connection.owner = owner;
    this.#fastOpen.connect(connection, options.fastOpen);
    connection.open();
    if (options.fastOpen?.data !== undefined) connection.enqueue(options.fastOpen.data);
    return connection;
  }

  /** All connections, TIME-WAIT included. Who looks at one keeps it from being put away as a record; to count, ask `countByState`. */
  connections(): Iterable<TcpConnection> {
    for (const connection of this.#table.wakeAll()) this.#deadlines.update(connection);
    for (const connection of this.#table.demux.connections()) connection.observed = true;
    return [...this.#table.demux.connections()];
  }

  /** The connection `id`, unless it rests as a record: a look that keeps nothing from being put away, for checks. */
  awake(id: number): TcpConnection | undefined {
    for (const connection of this.#table.demux.connections()) if (connection.id === id) return connection;
    return undefined;
  }

  /** How many there are. */
  get size(): number {
    return this.#table.demux.size + this.#table.dormant.size;
  }

  /** How many there are of each state, without looking at any. */
  countByState(): Map<TcpState, number> {
    return countByState(this.#table.demux, this.#table.dormant);
  }

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    const { counters } = this.#context;
    counters.InSegs += 1;
    if (meta.broadcast) return this.#drop('OTHERHOST'); // RFC 9293 MUST-57: silently
    const header = verifyChecksum(packet, meta.source, meta.destination) ? parse(packet) : 'TCP_CSUM';
    if (typeof header === 'string') {
      counters.InErrs += 1;
      return this.#drop(header);
    }
    const payloadAt = packet.head + headerLength(packet);
    const length = packet.tail - payloadAt;
    const merged = packet.segmentSize > 0 ? Math.ceil(length / packet.segmentSize) : 1;
    const segment = new ArrivedSegment(
      header,
      packet.bytes,
      payloadAt,
      length,
      Math.max(1, merged),
      meta.tos & 3,
    );
    this.#segmentArrived(segment, meta, packet.segmentSize);
  }

  icmpError(
    kind: IcmpErrorKind,
    source: IpAddress,
    destination: IpAddress,
    quoted: PacketBuffer,
    mtu: number,
  ): void {
    const { view, head } = quoted;
    const connection = this.#table.find(source, view.getUint16(head), destination, view.getUint16(head + 2));
    if (connection === undefined) return this.#ip.drop('icmp', 'NO_SOCKET');
    const reason = icmpErrorArrives(connection, kind, seq(view.getUint32(head + 4)), mtu);
    if (reason === undefined && kind === 'fragmentation-needed')
      this.#ip.pathMtu.lower(destination, connection.pathMtu);
    this.#touch(connection);
    if (reason !== undefined) this.#ip.drop('icmp', reason, connection.id);
  }

  /** Something waits for `drain`. */
  get hasWork(): boolean {
    return this.#touched.size > 0 || this.#ready.size > 0;
  }

  /**
   * Hands events over, then sends what connections have to send, until nothing is left to do. What handlers write leaves with the ACKs of
   * the batch [RFC 9293 MUST-58].
   */
  drain(): void {
    while (this.hasWork) {
      this.#drainEvents();
      const touched = this.#touched;
      this.#touched = new Set();
      for (const connection of touched) this.#drainSegments(connection);
    }
  }

  /** The batch is over: its memory will be used again. */
  settle(): void {
    for (const connection of this.#unsettled) connection.settle();
    this.#unsettled.clear();
  }

  /** Lets the timers of all connections go off that are due. */
  advance(): void {
    for (;;) {
      const connection = this.#deadlines.due(this.#context.now) ?? this.#table.wakeDue();
      if (connection === undefined) return;
      connection.deadlinesPassed();
      connection.traceVariables();
      this.#touch(connection);
      this.#deadlines.update(connection);
    }
  }

  nextDeadline(): Instant {
    return earlier(this.#deadlines.next, this.#table.dormant.nextDeadline);
  }

  /** Aborts every connection and closes every listener. */
  close(): void {
    this.#table.close();
  }

  #segmentArrived(segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    const { header } = segment;
    const { source, destination } = meta;
    const found = this.#table.find(destination, header.destinationPort, source, header.sourcePort);
    const connection = found === undefined ? undefined : this.#table.afterTimeWait(found, segment, meta);
    if (connection === undefined) return this.#listening.segmentArrived(segment, meta, segmentSize);
    this.#traceIn(segment, meta, segmentSize, connection.id);
    this.#takes(connection, segment, meta);
  }

  /** The segment is for `connection`. */
  #takes(connection: TcpConnection, segment: ArrivedSegment, meta: IpMeta): void {
    if (connection.state === 'SYN-RECEIVED' && this.#mustWait(connection, segment.header)) {
      reached(this.#context, 'ListenOverflows', connection.id);
      this.#touch(connection);
      return this.#drop('TCP_LISTEN_OVERFLOW');
    }
    const reason = connection.segmentArrived(segment);
    if (reason === undefined) connection.receivedTypeOfService = meta.tos;
    if (reason === 'TCP_INVALID_ACK_SEQUENCE') this.#resetFor(segment, meta, reason);
    this.#arrivedAt(connection);
  }

  /** The last segment of a handshake finds the accept queue full: it is as if it had been lost, and the SYN-ACK leaves again. */
  #mustWait(connection: TcpConnection, { ack, rst }: TcpHeader): boolean {
    if (connection.fastOpened?.accepted === true) return false; // it is in the queue already
    return ack !== undefined && !rst && this.#table.listenerOf(connection)?.acceptQueueFull === true;
  }

  /** What follows a segment for `connection`, whatever it was. */
  #arrivedAt(connection: TcpConnection): void {
    if (connection.passive) this.#announce(connection);
    connection.traceVariables();
    this.#touch(connection);
    this.#unsettled.add(connection);
    if (!this.#context.settings.tcp.ackPerBatch || connection.ecn.ackAtOnce) this.drain();
  }

  /** The third handshake segment came: the program may accept. */
  #announce(connection: TcpConnection): void {
    const listener = this.#table.listenerOf(connection);
    if (listener === undefined) return;
    if (isSynchronized(connection.state) || connection.fastOpened?.accepted === true) {
      if (listener.established(connection)) this.#ready.add(listener);
    } else if (connection.state === 'CLOSED') {
      listener.gone(connection);
    }
  }

  /**
   * A RST for a segment that no connection takes [RFC 9293 3.10.7.1]: <SEQ=SEG.ACK><CTL=RST>, or without an ACK
   * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. Never for a RST; rate-limited (attacks.md B6).
   */
  #resetFor(segment: ArrivedSegment, meta: IpMeta, reason: ResetReason): void {
    const { header } = segment;
    if (header.rst) return;
    const route = this.#ip.routes.findBack(meta);
    if (route === undefined) return;
    if (!this.#ip.takeErrorToken()) {
      reached(this.#context, 'RstRateLimited');
      return this.#drop('ICMP_RATELIMIT');
    }
    const end = add(header.seq, segment.length + (header.syn ? 1 : 0) + (header.fin ? 1 : 0));
    const reset = resetHeader(header, end);
    this.#emit(
      { header: reset, offset: 0, length: 0, segmentSize: 0, cause: 'reset', reset: reason },
      route,
      meta.source,
    );
  }

  #drainEvents(): void {
    let again = true;
    while (again) {
      again = false;
      for (const listener of this.#ready) {
        this.#ready.delete(listener);
        listener.owner.connectionReady();
        again = true;
      }
      for (const connection of this.#touched) {
        if (connection.owner === undefined || !connection.hasEvents) continue;
        again = true;
        for (let event = connection.nextEvent(); event !== undefined; event = connection.nextEvent()) {
          connection.owner.connectionEvent(event);
        }
      }
    }
  }

  #drainSegments(connection: TcpConnection): void {
    if (connection.resting !== undefined) return;
    const route = this.#table.routeOf(connection);
    for (;;) {
      if (!route.interface.ready) {
        this.#deviceBusy.add(connection);
        break;
      }
      const segment = connection.nextSegment();
      if (segment === undefined) break;
      this.#emit(segment, route, connection.remote.address, connection);
      connection.traceVariables();
    }
    connection.traceVariables();
    if (connection.pathInDoubt) {
      connection.pathInDoubt = false;
      route.interface.doubt(route.nextHop);
    }
    this.#account(connection);
    if (connection.isOver) this.#forget(connection);
    else if (!this.#puts(connection)) this.#deadlines.update(connection);
  }

  /** Puts a connection away as a record, if nothing but that is left of it [attacks.md A7, A17]; true if so. */
  #puts(connection: TcpConnection): boolean {
    const { state } = connection;
    if (state !== 'SYN-RECEIVED' && state !== 'TIME-WAIT') return false;
    if (this.#touched.has(connection) || this.#deviceBusy.has(connection)) return false;
    if (!this.#table.rest(connection)) return false;
    this.#deadlines.remove(connection);
    this.#account(connection, true);
    return true;
  }

  /** Tells the account of memory what the connection holds now. */
  #account(connection: TcpConnection, gone: boolean = false): void {
    if (accountFor(connection, this.#context, gone)) this.#touch(connection);
  }

  #forget(connection: TcpConnection): void {
    this.#announce(connection);
    this.#account(connection, true);
    this.#table.remove(connection);
    this.#deadlines.remove(connection);
    this.#deviceBusy.delete(connection);
  }

  /** Puts a segment into a packet and gives it to IP. A packet that the device has no room for is lost, as on any wire. */
  #emit(segment: OutgoingSegment, route: Route, destination: IpAddress, connection?: TcpConnection): void {
    const { header, length, segmentSize } = segment;
    if (this.#context.tracer !== undefined) this.#traceOut(segment, route, destination, connection);
    countSent(this.#context.counters, segment);
    const packet = route.interface.allocate(length);
    if (packet === undefined) return this.#ip.drop('device', 'DEVICE_QUEUE_FULL', connection?.id);
    if (connection !== undefined && length > 0) {
      connection.sender.queue.copyTo(packet.bytes, packet.head, segment.offset, length);
      packet.tail += length;
    }
    packet.checksum = route.interface.device.offloads.checksum ? 'partial' : 'complete';
    packet.segmentSize = segmentSize;
    emit(header, packet, route.source, destination, this.#context.settings.tcp.optionLayout);
    const tos =
      connection === undefined ? 0 : connection.ecn.typeOfService(connection.typeOfService, segment.ecn);
    this.#ip.send(
      packet,
      {
        source: route.source,
        destination,
        protocol: PROTOCOL_TCP,
        tos,
        dontFragment: connection?.mayFragment !== true,
      },
      route,
    );
  }

  #traceIn(
    segment: ArrivedSegment,
    { source, destination }: IpMeta,
    segmentSize: number,
    connection: number,
  ): void {
    if (this.#context.tracer === undefined) return;
    const facts = {
      direction: 'in',
      connection,
      source,
      destination,
      length: segment.length,
      segmentSize,
    } as const;
    traceSegment(this.#context, segment.header, facts);
  }

  #traceOut(
    segment: OutgoingSegment,
    route: Route,
    destination: IpAddress,
    connection?: TcpConnection,
  ): void {
    const { header, length, segmentSize, cause, reset } = segment;
    const facts = {
      direction: 'out',
      connection: connection?.id ?? 0,
      source: route.source,
      destination,
    } as const;
    const sized = { ...facts, length, segmentSize, cause };
    traceSegment(this.#context, header, reset === undefined ? sized : { ...sized, reset });
  }

  #touch(connection: TcpConnection): void {
    this.#touched.add(connection);
    this.#drainSoon();
  }

  #drop(reason: DropReason): void {
    this.#ip.drop('tcp', reason);
  }
}
