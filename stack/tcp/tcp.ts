import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason, ResetReason } from '../drop-reasons.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
import type { IpMeta, Transport } from '../ip/transport.ts';
import type { Instant } from '../time.ts';
import type { IpAddress } from '../wire/address.ts';
import { PROTOCOL_TCP } from '../wire/ipv4.ts';
import { BARE_HEADER, type TcpHeader, emit, headerLength, parse, verifyChecksum } from '../wire/tcp.ts';
import type { TcpConnection } from './connection.ts';
import { ConnectionTable } from './connections.ts';
import { Deadlines } from './deadlines.ts';
import type { ConnectionOwner, Endpoint, IcmpErrorKind, ListenerOwner } from './events.ts';
import { icmpErrorArrives } from './icmp-error.ts';
import type { TcpListener } from './listener.ts';
import { ArrivedSegment, type OutgoingSegment } from './segment.ts';
import { type SeqNumber, add, seq } from './sequence.ts';
import { isSynchronized } from './states.ts';
import { traceSegment } from './tracing.ts';

/** How to open a connection. */
export interface ConnectOptions {
  readonly remote: Endpoint;
  /** Where from; by default the route's source address and an ephemeral port [RFC 9293 MUST-43]. */
  readonly local?: { readonly address?: IpAddress | undefined; readonly port?: number | undefined };
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
}

/** TCP of one host: takes packets to their connections, asks connections for segments, and hands their events to their owners. */
export class Tcp implements Transport {
  readonly #context: HostContext;
  readonly #ip: Ip;
  /** Work came up outside of a turn: the host is to drain soon. */
  readonly #drainSoon: () => void;
  readonly #table: ConnectionTable;
  readonly #deadlines: Deadlines<TcpConnection> = new Deadlines();
  /** Connections with something to do. */
  #touched: Set<TcpConnection> = new Set();
  /** Connections that may hold payload in the device's memory. */
  readonly #unsettled: Set<TcpConnection> = new Set();
  /** Connections that wait for their device. */
  readonly #deviceBusy: Set<TcpConnection> = new Set();
  readonly #ready: Set<TcpListener> = new Set();

  constructor(context: HostContext, ip: Ip, drainSoon: () => void) {
    this.#context = context;
    this.#ip = ip;
    this.#drainSoon = drainSoon;
    this.#table = new ConnectionTable(context, ip, (connection) => this.#touch(connection));
    ip.register(PROTOCOL_TCP, this);
    ip.onWritable = () => {
      for (const connection of this.#deviceBusy) this.#touch(connection);
      this.#deviceBusy.clear();
    };
  }

  /** OPEN, passive [RFC 9293 3.9.1.1]. Throws `StackError`: EADDRINUSE, EADDRNOTAVAIL, EINVAL. */
  listen(options: ListenOptions, owner: ListenerOwner): TcpListener {
    return this.#table.listen(options, owner);
  }

  /** OPEN, active [RFC 9293 3.9.1.1]. Throws `StackError`: EADDRNOTAVAIL, EADDRINUSE, ENETUNREACH, EINVAL. */
  connect(options: ConnectOptions, owner: ConnectionOwner): TcpConnection {
    const connection = this.#table.connect(options);
    connection.owner = owner;
    connection.open();
    return connection;
  }

  /** All connections, TIME-WAIT included. */
  connections(): Iterable<TcpConnection> {
    return this.#table.demux.connections();
  }

  /** How many there are. */
  get size(): number {
    return this.#table.demux.size;
  }

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    if (meta.broadcast) return this.#drop('OTHERHOST'); // RFC 9293 MUST-57: silently
    if (!verifyChecksum(packet, meta.source, meta.destination)) return this.#drop('TCP_CSUM');
    const header = parse(packet);
    if (typeof header === 'string') return this.#drop(header);
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
    const connection = this.#table.demux.find(
      source,
      view.getUint16(head),
      destination,
      view.getUint16(head + 2),
    );
    if (connection === undefined) return this.#ip.drop('icmp', 'NO_SOCKET');
    const reason = icmpErrorArrives(connection, kind, seq(view.getUint32(head + 4)), mtu);
    if (reason !== undefined) return this.#ip.drop('icmp', reason, connection.id);
    if (kind === 'fragmentation-needed') this.#ip.pathMtu.lower(destination, connection.pathMtu);
    this.#touch(connection);
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
      const connection = this.#deadlines.due(this.#context.now);
      if (connection === undefined) return;
      connection.deadlinesPassed();
      connection.traceVariables();
      this.#touch(connection);
      this.#deadlines.update(connection);
    }
  }

  nextDeadline(): Instant {
    return this.#deadlines.next;
  }

  /** Aborts every connection and closes every listener. */
  close(): void {
    this.#table.close();
  }

  #segmentArrived(segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    const { header } = segment;
    const { source, destination } = meta;
    const found = this.#table.demux.find(destination, header.destinationPort, source, header.sourcePort);
    const connection = found === undefined ? undefined : this.#table.afterTimeWait(found, segment, meta);
    if (connection === undefined) return this.#forListener(segment, meta, segmentSize);
    this.#traceIn(segment, meta, segmentSize, connection.id);
    if (connection.state === 'SYN-RECEIVED' && this.#mustWait(connection, header))
      return this.#drop('TCP_LISTEN_OVERFLOW');
    const reason = connection.segmentArrived(segment);
    if (reason === 'TCP_INVALID_ACK_SEQUENCE') this.#resetFor(segment, meta, reason);
    this.#arrivedAt(connection);
  }

  /** The last segment of a handshake finds the accept queue full: it is as if it had been lost, and the SYN-ACK leaves again. */
  #mustWait(connection: TcpConnection, { ack, rst }: TcpHeader): boolean {
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
    if (isSynchronized(connection.state)) {
      if (listener.established(connection)) this.#ready.add(listener);
    } else if (connection.state === 'CLOSED') {
      listener.gone(connection);
    }
  }

  /** LISTEN and CLOSED [RFC 9293 3.10.7.1, 3.10.7.2]. */
  #forListener(segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    const { header } = segment;
    const listener = this.#table.findListener(meta, header);
    const opens = listener !== undefined && header.syn && header.ack === undefined && !header.rst;
    const refused = opens ? listener.refuses() : undefined;
    const connection =
      opens && refused === undefined ? this.#table.accept(listener, meta, header) : undefined;
    this.#traceIn(segment, meta, segmentSize, connection?.id ?? 0);
    if (connection !== undefined) {
      connection.openFrom(segment); // third, check for a SYN
      this.#arrivedAt(connection);
    } else if (listener === undefined) {
      this.#drop('NO_SOCKET');
      this.#resetFor(segment, meta, 'NO_SOCKET');
    } else if (header.ack !== undefined && !header.rst) {
      this.#drop('TCP_INVALID_ACK_SEQUENCE'); // second, check for an ACK
      this.#resetFor(segment, meta, 'TCP_INVALID_ACK_SEQUENCE');
    } else {
      this.#drop(refused ?? 'TCP_FLAGS'); // first, check for a RST; fourth: neither
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
    if (!this.#ip.takeErrorToken()) return this.#drop('ICMP_RATELIMIT');
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
    const { route } = connection;
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
    if (connection.isOver) this.#forget(connection);
    else this.#deadlines.update(connection);
  }

  #forget(connection: TcpConnection): void {
    this.#announce(connection);
    this.#table.remove(connection);
    this.#deadlines.remove(connection);
    this.#deviceBusy.delete(connection);
  }

  /** Puts a segment into a packet and gives it to IP. A packet that the device has no room for is lost, as on any wire. */
  #emit(segment: OutgoingSegment, route: Route, destination: IpAddress, connection?: TcpConnection): void {
    const { header, length, segmentSize } = segment;
    if (this.#context.tracer !== undefined) this.#traceOut(segment, route, destination, connection);
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

function resetHeader(of: TcpHeader, end: SeqNumber): TcpHeader {
  return {
    ...BARE_HEADER,
    sourcePort: of.destinationPort,
    destinationPort: of.sourcePort,
    seq: of.ack ?? seq(0),
    ack: of.ack === undefined ? end : undefined,
    rst: true,
  };
}
