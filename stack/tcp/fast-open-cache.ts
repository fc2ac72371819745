import type { TcpSettings } from '../settings.ts';
import { type Instant, after, us } from '../time.ts';
import { type IpAddress, formatAddress, isIPv4 } from '../wire/address.ts';
import type { Endpoint } from './events.ts';
import type { FastOpenOption } from './fast-open.ts';

/** The wait doubles with each failure, up to so many times. */
const MOST_DOUBLINGS = 6;
/** Data in a SYN beyond the usual MSS may be fragmented or confuse middleboxes [RFC 7413 4.1.3]. */
const USUAL_MSS_V4 = 1_460;
const USUAL_MSS_V6 = 1_440;

/** What is known of a server address. */
interface Server {
  option: FastOpenOption | undefined;
  /** The MSS it last announced, in bytes; undefined: it never said one. */
  mss: number | undefined;
  /** The next request for a cookie uses the experimental encoding. */
  experimental: boolean;
}

/** A path on which Fast Open failed. */
interface Failure {
  count: number;
  until: Instant;
}

/**
 * What a client remembers [RFC 7413 4.1.3]: a cookie and the MSS per client and server address, and per port where Fast Open failed
 * [RFC 7413 4.1.3.1]. Both are bounded; the entry longest unused goes.
 */
export class FastOpenCache {
  readonly #settings: TcpSettings;
  readonly #servers: Map<string, Server> = new Map();
  readonly #failures: Map<string, Failure> = new Map();

  constructor(settings: TcpSettings) {
    this.#settings = settings;
  }

  /** Server addresses known. */
  get size(): number {
    return this.#servers.size;
  }

  /** The option for a SYN to `remote`: a cookie, or a request for one; undefined: not now, Fast Open has failed on this path. */
  option(local: IpAddress, remote: Endpoint, now: Instant): FastOpenOption | undefined {
    if (this.isBlocked(local, remote, now)) return undefined;
    const server = this.#server(local, remote.address);
    return server.option ?? { cookie: new Uint8Array(0), experimental: server.experimental };
  }

  /** Bytes of payload that the server takes in one segment, as far as is known [RFC 7413 4.1.3]. */
  mss(local: IpAddress, remote: IpAddress, fallback: number): number {
    const usual = isIPv4(remote) ? USUAL_MSS_V4 : USUAL_MSS_V6;
    return Math.min(this.#servers.get(serverKey(local, remote))?.mss ?? fallback, usual);
  }

  /** A SYN-ACK brought a cookie: the path is good, and the cookie replaces the last one. */
  learned(local: IpAddress, remote: Endpoint, option: FastOpenOption, mss: number | undefined): void {
    const server = this.#server(local, remote.address);
    server.option = { cookie: option.cookie.slice(), experimental: option.experimental };
    server.mss = mss ?? server.mss;
    this.#failures.delete(pathKey(local, remote));
  }

  /** Data in a SYN was acknowledged: what failed before is forgotten. */
  succeeded(local: IpAddress, remote: Endpoint): void {
    this.#failures.delete(pathKey(local, remote));
  }

  /**
   * A request for a cookie got none. The next one uses the other encoding; when both are refused, none leaves for a while
   * [RFC 7413 4.2.1].
   */
  refused(local: IpAddress, remote: Endpoint, now: Instant): void {
    const server = this.#server(local, remote.address);
    server.experimental = !server.experimental;
    if (!server.experimental) this.failed(local, remote, now);
  }

  /** A negative response, or none at all [RFC 7413 4.1.3.1]: no Fast Open on this path for a while, each time twice as long. */
  failed(local: IpAddress, remote: Endpoint, now: Instant): void {
    const key = pathKey(local, remote);
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const wait = this.#settings.fastOpenRetry * 2 ** Math.min(count - 1, MOST_DOUBLINGS);
    keep(this.#failures, key, { count, until: after(now, us(wait)) }, this.#settings.fastOpenCache);
  }

  /** Fast Open failed on this path, not long ago. */
  isBlocked(local: IpAddress, remote: Endpoint, now: Instant): boolean {
    const failure = this.#failures.get(pathKey(local, remote));
    return failure !== undefined && now < failure.until;
  }

  #server(local: IpAddress, remote: IpAddress): Server {
    const key = serverKey(local, remote);
    const server = this.#servers.get(key) ?? { option: undefined, mss: undefined, experimental: false };
    keep(this.#servers, key, server, this.#settings.fastOpenCache);
    return server;
  }
}

/** Puts an entry at the end of `map`, which is the place of those used last. */
function keep<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= Math.max(1, limit)) return;
    map.delete(oldest);
  }
}

function serverKey(local: IpAddress, remote: IpAddress): string {
  return `${formatAddress(local)} ${formatAddress(remote)}`;
}

function pathKey(local: IpAddress, remote: Endpoint): string {
  return `${serverKey(local, remote.address)} ${remote.port}`;
}
