import { Duplex } from 'node:stream';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { Endpoint } from '../../stack/tcp/events.ts';
import { formatAddress, isIPv4 } from '../../stack/wire/address.ts';

export type Family = 'IPv4' | 'IPv6';

/** What `net.Socket` tells of its connection: addresses and state, in Node's words. Node's streams are made by inheriting. */
export abstract class DuplexFacts extends Duplex {
  abstract readonly connecting: boolean;
  /** The connection under the stream, also after its end; undefined before `connect`. */
  abstract get connection(): TcpConnection | undefined;
  /** Accepted on `::`: IPv4 addresses read `::ffff:a.b.c.d`. */
  protected abstract readonly mapped: boolean;

  /** Not connected yet, or no more. */
  get pending(): boolean {
    return this.connection === undefined || this.connecting || this.destroyed;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.connection !== undefined) return this.writable ? 'open' : 'readOnly';
    return this.writable && this.connection !== undefined ? 'writeOnly' : 'closed';
  }

  get localAddress(): string | undefined {
    return this.#text(this.connection?.local);
  }

  get localPort(): number | undefined {
    return this.connection?.local.port;
  }

  get localFamily(): Family | undefined {
    return this.#family(this.connection?.local);
  }

  get remoteAddress(): string | undefined {
    return this.#text(this.#remote);
  }

  get remotePort(): number | undefined {
    return this.#remote?.port;
  }

  get remoteFamily(): Family | undefined {
    return this.#family(this.#remote);
  }

  get #remote(): Endpoint | undefined {
    return this.connecting ? undefined : this.connection?.remote;
  }

  /** This end; empty while there is none. */
  address(): { address?: string; family?: Family; port?: number } {
    const { localAddress, localFamily, localPort } = this;
    if (localAddress === undefined || localFamily === undefined || localPort === undefined) return {};
    return { address: localAddress, family: localFamily, port: localPort };
  }

  #text(end: Endpoint | undefined): string | undefined {
    if (end === undefined) return undefined;
    const text = formatAddress(end.address);
    return this.mapped && isIPv4(end.address) ? `::ffff:${text}` : text;
  }

  #family(end: Endpoint | undefined): Family | undefined {
    if (end === undefined) return undefined;
    return isIPv4(end.address) && !this.mapped ? 'IPv4' : 'IPv6';
  }
}
