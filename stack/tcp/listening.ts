import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import type { DropReason, ResetReason } from '../drop-reasons.ts';
import type { Route } from '../ip/routes.ts';
import type { IpMeta } from '../ip/transport.ts';
import type { IpAddress } from '../wire/address.ts';
import { admitSyn, expectsCookie, refusesConnection } from './admission.ts';
import type { TcpConnection } from './connection.ts';
import type { ConnectionTable } from './connections.ts';
import type { TcpListener } from './listener.ts';
import type { ArrivedSegment, OutgoingSegment } from './segment.ts';

/** What `Listening` needs of TCP. */
export interface ListeningHost {
  traceIn(segment: ArrivedSegment, meta: IpMeta, segmentSize: number, connection: number): void;
  /** The segment is for `connection`. */
  takes(connection: TcpConnection, segment: ArrivedSegment, meta: IpMeta): void;
  /** `segment`, a SYN for `listener`, made `connection`, which has not looked at it yet. */
  synArrived(listener: TcpListener, connection: TcpConnection, segment: ArrivedSegment, meta: IpMeta): void;
  /** `connection` has taken its SYN. */
  opened(connection: TcpConnection): void;
  emit(segment: OutgoingSegment, route: Route, destination: IpAddress): void;
  resetFor(segment: ArrivedSegment, meta: IpMeta, reason: ResetReason): void;
  drop(reason: DropReason): void;
}

/** Segments for which there is no connection: LISTEN and CLOSED. */
export class Listening {
  readonly #context: HostContext;
  readonly #table: ConnectionTable;
  readonly #host: ListeningHost;

  constructor(context: HostContext, table: ConnectionTable, host: ListeningHost) {
    this.#context = context;
    this.#table = table;
    this.#host = host;
  }

  /** LISTEN and CLOSED [RFC 9293 3.10.7.1, 3.10.7.2]. */
  segmentArrived(segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    const { header } = segment;
    const listener = this.#table.findListener(meta, header);
    if (listener !== undefined && header.syn && header.ack === undefined && !header.rst)
      return this.#synArrived(listener, segment, meta, segmentSize);
    if (listener !== undefined && header.ack !== undefined && !header.rst && !header.syn) {
      if (this.#cookieArrived(listener, segment, meta, segmentSize)) return;
    }
    this.#host.traceIn(segment, meta, segmentSize, 0);
    if (listener === undefined) {
      this.#host.drop('NO_SOCKET');
      this.#host.resetFor(segment, meta, 'NO_SOCKET');
    } else if (header.ack !== undefined && !header.rst) {
      this.#host.drop('TCP_INVALID_ACK_SEQUENCE'); // second, check for an ACK
      this.#host.resetFor(segment, meta, 'TCP_INVALID_ACK_SEQUENCE');
    } else {
      this.#host.drop('TCP_FLAGS'); // first, check for a RST; fourth: neither
    }
  }

  /** Third, check for a SYN: a half-open connection, or a cookie in the place of one, or nothing. */
  #synArrived(listener: TcpListener, segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    const how = admitSyn(this.#context, listener, this.#table.demux.size);
    if (how === 'cookie') return this.#answerByCookie(listener, segment, meta, segmentSize);
    const connection = how === 'queue' ? this.#table.accept(listener, meta, segment.header) : undefined;
    this.#host.traceIn(segment, meta, segmentSize, connection?.id ?? 0);
    if (connection === undefined) return this.#host.drop(how === 'queue' ? 'IP_OUTNOROUTES' : how);
    this.#host.synArrived(listener, connection, segment, meta);
    // Text has to come again: a record has no place for it. Unless it comes with a cookie.
    if (listener.isPressed && connection.fastOpened?.accepted !== true)
      segment.trimEnd(segment.sequenceLength - 1);
    connection.openFrom(segment);
    this.#host.opened(connection);
  }

  #answerByCookie(listener: TcpListener, segment: ArrivedSegment, meta: IpMeta, segmentSize: number): void {
    this.#host.traceIn(segment, meta, segmentSize, 0);
    const answer = this.#table.cookies.answer(segment, meta);
    if (answer === undefined) return this.#host.drop('IP_OUTNOROUTES');
    listener.cookieSentAt = this.#context.now;
    reached(this.#context, 'SyncookiesSent');
    this.#host.emit(answer.syn, answer.route, meta.source);
  }

  /** An ACK for a listener that sends cookies: if its cookie is right, the connection is there as if the SYN had been kept. */
  #cookieArrived(listener: TcpListener, segment: ArrivedSegment, meta: IpMeta, segmentSize: number): boolean {
    if (!expectsCookie(this.#context, listener)) return false;
    const refused = refusesConnection(this.#context, listener, this.#table.demux.size);
    if (refused !== undefined) {
      this.#host.traceIn(segment, meta, segmentSize, 0);
      this.#host.drop(refused); // as if it had been lost
      return true;
    }
    const connection = this.#table.fromCookie(listener, segment, meta);
    reached(this.#context, connection === undefined ? 'SyncookiesFailed' : 'SyncookiesRecv', connection?.id);
    if (connection === undefined) return false;
    this.#host.traceIn(segment, meta, segmentSize, connection.id);
    this.#host.takes(connection, segment, meta);
    return true;
  }
}
