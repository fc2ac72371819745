import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { Endpoint } from '../../stack/tcp/events.ts';
import { formatAddress, type IpAddress, isIPv4 } from '../../stack/wire/address.ts';
import { AddressRace, type RaceOwner } from '../address-race.ts';
import { parseZoned } from '../zone.ts';
import type { ConnectFailure } from '../errors.ts';
import { connectFailure, lookupFailure } from './duplex-errors.ts';
import type { Destination, Lookup } from './duplex-options.ts';

/** Who wants to be connected. */
export interface AttemptOwner {
  /** A connection is under way; with several addresses a new one for each. */
  attached(connection: TcpConnection): void;
  /** This one is established. */
  connected(connection: TcpConnection): void;
  /** No address answered. */
  failed(error: Error): void;
  /** A name was looked up: arguments of the event `lookup`. */
  lookedUp(error: Error | null, address: string | undefined, family: 4 | 6 | undefined, host: string): void;
}

/** One `connect`: looks the name up and tries its addresses. */
export class ConnectAttempt implements RaceOwner {
  readonly #owner: AttemptOwner;
  readonly #destination: Destination;
  readonly #race: AddressRace;
  #over: boolean = false;

  constructor(host: Host, owner: AttemptOwner, destination: Destination) {
    this.#owner = owner;
    this.#destination = destination;
    this.#race = new AddressRace(host, this, destination, destination);
  }

  /** Begins. Nothing is decided before the call that caused it has returned. */
  start(lookup: Lookup): void {
    const { host } = this.#destination;
    const literal = parseZoned(host);
    if (literal !== undefined) {
      this.#race.start([literal.address], literal.zone);
      return;
    }
    lookup(host).then(
      (found) => this.#found(found),
      (error: unknown) => this.#notFound(error),
    );
  }

  /** Nobody waits any more: what is under way is aborted. */
  stop(): void {
    this.#over = true;
    this.#race.stop();
  }

  attempted(connection: TcpConnection): void {
    this.#owner.attached(connection);
  }

  won(connection: TcpConnection): void {
    this.#owner.connected(connection);
  }

  lost(failure: ConnectFailure, remote: Endpoint): void {
    this.#owner.failed(connectFailure(failure, remote));
  }

  broken(thrown: unknown): void {
    this.#owner.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }

  #found(addresses: readonly IpAddress[]): void {
    if (this.#over) return;
    const { host } = this.#destination;
    if (addresses.length === 0) return this.#notFound(undefined);
    for (const address of addresses) {
      this.#owner.lookedUp(null, formatAddress(address), isIPv4(address) ? 4 : 6, host);
    }
    if (!this.#over) this.#race.start(addresses);
  }

  #notFound(cause: unknown): void {
    if (this.#over) return;
    const { host } = this.#destination;
    const error = lookupFailure(cause, host);
    this.#owner.lookedUp(error, undefined, undefined, host);
    this.#owner.failed(error);
  }
}
