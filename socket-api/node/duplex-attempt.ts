import { StackError } from '../../stack/errors.ts';
import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { CloseReason, ConnectionOwner, Endpoint, IcmpErrorKind } from '../../stack/tcp/events.ts';
import { formatAddress, type IpAddress, isIPv4 } from '../../stack/wire/address.ts';
import { parseZoned } from '../zone.ts';
import type { ConnectFailure } from '../errors.ts';
import { connectFailure, lookupFailure } from './duplex-errors.ts';
import type { Destination, Lookup } from './duplex-options.ts';

/** Who wants to be connected. */
export interface AttemptOwner extends ConnectionOwner {
  /** The connection to work with; with several addresses a new one for each. */
  attached(connection: TcpConnection): void;
  /** No address answered. */
  failed(error: Error): void;
  /** A name was looked up: arguments of the event `lookup`. */
  lookedUp(error: Error | null, address: string | undefined, family: 4 | 6 | undefined, host: string): void;
}

/** One `connect`: looks the name up and tries its addresses in turn. */
export class ConnectAttempt {
  readonly #host: Host;
  readonly #owner: AttemptOwner;
  readonly #destination: Destination;
  /** Of a link-local address. */
  #zone: string | undefined;
  #addresses: readonly IpAddress[] = [];
  #next: number = 0;
  #remote: Endpoint | undefined;
  #over: boolean = false;

  constructor(host: Host, owner: AttemptOwner, destination: Destination) {
    this.#host = host;
    this.#owner = owner;
    this.#destination = destination;
  }

  /** Begins. Nothing is decided before the call that caused it has returned. */
  start(lookup: Lookup): void {
    const { host } = this.#destination;
    const literal = parseZoned(host);
    if (literal !== undefined) {
      this.#addresses = [literal.address];
      this.#zone = literal.zone;
      this.#tryNext();
      return;
    }
    lookup(host).then(
      (found) => this.#found(found),
      (error: unknown) => this.#notFound(error),
    );
  }

  /** An address did not answer: the next one, or the end. */
  addressFailed(reason: CloseReason, detail: IcmpErrorKind | undefined): void {
    this.#failed(detail === undefined ? { reason } : { reason, detail });
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#over = true;
  }

  #found(addresses: readonly IpAddress[]): void {
    if (this.#over) return;
    const { host } = this.#destination;
    if (addresses.length === 0) return this.#notFound(undefined);
    for (const address of addresses) {
      this.#owner.lookedUp(null, formatAddress(address), isIPv4(address) ? 4 : 6, host);
    }
    this.#addresses = addresses;
    this.#tryNext();
  }

  #notFound(cause: unknown): void {
    if (this.#over) return;
    const { host } = this.#destination;
    const error = lookupFailure(cause, host);
    this.#owner.lookedUp(error, undefined, undefined, host);
    this.#owner.failed(error);
  }

  #tryNext(): void {
    const address = this.#addresses[this.#next];
    if (address === undefined || this.#over) return;
    this.#next += 1;
    const { port, localAddress, localPort } = this.#destination;
    const remote = { address, port };
    this.#remote = remote;
    const local = { address: localAddress, port: localPort };
    try {
      this.#owner.attached(this.#host.tcp.connect({ remote, local, zone: this.#zone }, this.#owner));
    } catch (thrown) {
      process.nextTick(() => {
        // Anything but a StackError is a fault, which must not pass for a refusal.
        if (thrown instanceof StackError) this.#failed({ thrown });
        else this.#owner.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
      });
    }
  }

  #failed(failure: ConnectFailure): void {
    if (this.#over || this.#remote === undefined) return;
    if (this.#next < this.#addresses.length) this.#tryNext();
    else this.#owner.failed(connectFailure(failure, this.#remote));
  }
}
