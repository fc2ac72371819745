import { StackError } from '../stack/errors.ts';
import type { Host } from '../stack/host.ts';
import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { FastOpenConnect } from '../stack/tcp/fast-open-client.ts';
import type { ConnectionEvent, ConnectionOwner, Endpoint } from '../stack/tcp/events.ts';
import { type Alarm, after, type Duration, ms } from '../stack/time.ts';
import { type IpAddress, isIPv4 } from '../stack/wire/address.ts';
import type { ConnectFailure } from './errors.ts';

/** How long an address has before the next one is tried beside it [RFC 8305 8: Connection Attempt Delay, 250 ms]. */
const ATTEMPT_DELAY: Duration = ms(250);

/** Owns what lost the race. */
const NOBODY: ConnectionOwner = { connectionEvent: () => undefined };

/** Where an address race goes, besides the addresses. */
export interface RaceDestination {
  readonly port: number;
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number | undefined;
  /** What may leave with the SYN [RFC 7413]. */
  readonly fastOpen?: FastOpenConnect | undefined;
}

/** Who wants a connection. */
export interface RaceOwner {
  /** A connection to one of the addresses is under way; its owner is still the race. */
  attempted(connection: TcpConnection): void;
  /** The first one that is established; whose it is from now on is to be said in `connection.owner`. The others are gone. */
  won(connection: TcpConnection): void;
  /** None was; why the last one failed. */
  lost(failure: ConnectFailure, remote: Endpoint): void;
  /** Something other than the network is wrong. */
  broken(thrown: unknown): void;
}

/** How an address race is run. */
export interface RaceOptions {
  /** False: one address after the other. */
  readonly happyEyeballs: boolean;
}

/**
 * One `connect` to several addresses [RFC 8305]: IPv6 first, the families in turn, the next address when the last one has failed or
 * has had 250 ms. The first that is established wins, the others are aborted.
 */
export class AddressRace {
  readonly #host: Host;
  readonly #owner: RaceOwner;
  readonly #destination: RaceDestination;
  readonly #options: RaceOptions;
  readonly #running: Set<Runner> = new Set();
  #addresses: readonly IpAddress[] = [];
  #zone: string | undefined;
  #next: number = 0;
  #alarm: Alarm | undefined;
  #over: boolean = false;

  constructor(host: Host, owner: RaceOwner, destination: RaceDestination, options: RaceOptions) {
    this.#host = host;
    this.#owner = owner;
    this.#destination = destination;
    this.#options = options;
  }

  /** Begins; `addresses` as the resolver gave them, at least one; `zone` of a link-local one. Nothing is decided before this returns. */
  start(addresses: readonly IpAddress[], zone?: string): void {
    this.#zone = zone;
    this.#addresses = this.#options.happyEyeballs ? interleaved(addresses) : addresses;
    this.#tryNext();
  }

  /** Aborts all attempts; the owner hears nothing any more. */
  stop(): void {
    this.#over = true;
    this.#alarm?.clear();
    for (const each of this.#running) each.stop();
    this.#running.clear();
  }

  #tryNext(): void {
    const address = this.#addresses[this.#next];
    if (this.#over || address === undefined) return;
    this.#next += 1;
    const { port, localAddress, localPort, fastOpen } = this.#destination;
    const remote = { address, port };
    const runner = new Runner(remote, {
      won: (by) => this.#won(by),
      failed: (by, failure) => this.#failed(by, failure),
    });
    this.#running.add(runner);
    try {
      const local = { address: localAddress, port: localPort };
      const options = { remote, local, zone: this.#zone, ...(fastOpen === undefined ? {} : { fastOpen }) };
      const connection = this.#host.tcp.connect(options, runner);
      runner.connection = connection;
      this.#owner.attempted(connection);
      this.#wakeForNext();
    } catch (thrown) {
      this.#host.scheduler.soon(() => {
        // Anything but a StackError is a fault, which must not pass for a refusal.
        if (thrown instanceof StackError) this.#failed(runner, { thrown });
        else if (!this.#over) this.#owner.broken(thrown);
      });
    }
  }

  #wakeForNext(): void {
    if (!this.#options.happyEyeballs || this.#next >= this.#addresses.length) return;
    const { scheduler } = this.#host;
    this.#alarm ??= scheduler.alarm(() => this.#tryNext());
    this.#alarm.set(after(scheduler.now(), ATTEMPT_DELAY));
  }

  #won(runner: Runner): void {
    const { connection } = runner;
    if (this.#over || connection === undefined) return;
    this.#running.delete(runner);
    this.stop();
    connection.owner = NOBODY;
    this.#owner.won(connection);
  }

  #failed(runner: Runner, failure: ConnectFailure): void {
    if (this.#over || !this.#running.delete(runner)) return;
    if (this.#next < this.#addresses.length) {
      this.#alarm?.clear();
      this.#tryNext();
    } else if (this.#running.size === 0) {
      this.stop();
      this.#owner.lost(failure, runner.remote);
    }
  }
}

/** One address in the race. */
class Runner implements ConnectionOwner {
  readonly remote: Endpoint;
  connection: TcpConnection | undefined;
  readonly #race: {
    readonly won: (by: Runner) => void;
    readonly failed: (by: Runner, failure: ConnectFailure) => void;
  };

  constructor(
    remote: Endpoint,
    race: {
      readonly won: (by: Runner) => void;
      readonly failed: (by: Runner, failure: ConnectFailure) => void;
    },
  ) {
    this.remote = remote;
    this.#race = race;
  }

  stop(): void {
    const { connection } = this;
    if (connection === undefined) return;
    connection.owner = NOBODY;
    connection.abort();
  }

  connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'established') {
      this.#race.won(this);
    } else if (event.type === 'closed') {
      const { reason = 'reset', detail } = event;
      this.#race.failed(this, detail === undefined ? { reason } : { reason, detail });
    }
  }
}

/** RFC 8305 4: the families in turn, beginning with IPv6; within a family in the resolver's order. */
function interleaved(addresses: readonly IpAddress[]): readonly IpAddress[] {
  const six = addresses.filter((address) => !isIPv4(address));
  const four = addresses.filter(isIPv4);
  const order: IpAddress[] = [];
  for (let i = 0; i < Math.max(six.length, four.length); i++) {
    for (const each of [six[i], four[i]]) if (each !== undefined) order.push(each);
  }
  return order;
}
