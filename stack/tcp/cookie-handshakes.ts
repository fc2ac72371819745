import type { HostContext } from '../context.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
import type { IpMeta } from '../ip/transport.ts';
import { isIPv4 } from '../wire/address.ts';
import type { TcpConnection } from './connection.ts';
import type { Endpoint } from './events.ts';
import { takeUpSyn } from './half-open.ts';
import type { ArrivedSegment, OutgoingSegment } from './segment.ts';
import { type SeqNumber, add } from './sequence.ts';
import { SynCookies, cookieSynAck, offeredBefore, optionsIn } from './syn-cookies.ts';

/** What a peer takes that does not say [RFC 9293 MUST-15]. */
const DEFAULT_MSS_V4 = 536;
const DEFAULT_MSS_V6 = 1_220;

/** Makes a passive connection that nobody knows of yet. */
export type Build = (local: Endpoint, remote: Endpoint, route: Route, iss: SeqNumber) => TcpConnection;

/** Handshakes of which nothing is kept [RFC 4987 3.6]: the answer to a SYN, and the connection that the ACK of it makes. */
export class CookieHandshakes {
  readonly #context: HostContext;
  readonly #ip: Ip;
  readonly #build: Build;
  readonly #cookies: SynCookies;

  constructor(context: HostContext, ip: Ip, build: Build) {
    this.#context = context;
    this.#ip = ip;
    this.#build = build;
    this.#cookies = new SynCookies(context.random);
  }

  /**
   * The SYN-ACK for a SYN, from a connection that exists only to be asked for it: its ISN is the cookie, and its timestamp carries what the
   * SYN offered.
   */
  answer(segment: ArrivedSegment, meta: IpMeta): { route: Route; syn: OutgoingSegment } | undefined {
    const { header } = segment;
    const { local, remote } = ends(segment, meta);
    const route = this.#ip.routes.findBack(meta);
    if (route === undefined) return undefined;
    const { options, window, seq: irs } = header;
    const { now } = this.#context;
    const mss = options.mss ?? (isIPv4(remote.address) ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6);
    const iss = this.#cookies.make(local, remote, irs, mss, now);
    const connection = this.#build(local, remote, route, iss);
    const { ae, cwr, ece } = header;
    takeUpSyn(connection, { irs, iss, window, options, ae, cwr, ece, codepoint: segment.ecn }, now);
    const syn = cookieSynAck(connection, options);
    return syn === undefined ? undefined : { route, syn };
  }

  /** The connection, in CLOSED and ready to be SYN-RECEIVED, whose SYN-ACK this ACK answers; undefined: the cookie is wrong. */
  complete(segment: ArrivedSegment, meta: IpMeta): TcpConnection | undefined {
    const { header } = segment;
    const { local, remote } = ends(segment, meta);
    const route = this.#ip.routes.findBack(meta);
    if (route === undefined || header.ack === undefined) return undefined;
    const irs = add(header.seq, -1);
    const iss = add(header.ack, -1);
    const { now } = this.#context;
    const mss = this.#cookies.check(local, remote, irs, iss, now);
    if (mss === undefined) return undefined;
    const connection = this.#build(local, remote, route, iss);
    const { ecn } = optionsIn(header.options);
    const options = offeredBefore(header.options, mss);
    const offer = { options, ae: false, cwr: ecn, ece: ecn, codepoint: 0 };
    takeUpSyn(connection, { irs, iss, window: header.window, ...offer }, now);
    connection.handshakeUntimed = true; // the timestamp that comes back is not the time at which the SYN-ACK left
    return connection;
  }
}

function ends({ header }: ArrivedSegment, meta: IpMeta): { local: Endpoint; remote: Endpoint } {
  return {
    local: { address: meta.destination, port: header.destinationPort },
    remote: { address: meta.source, port: header.sourcePort },
  };
}
