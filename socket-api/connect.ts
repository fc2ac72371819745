import type { Host } from '../stack/host.ts';
import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { Endpoint } from '../stack/tcp/events.ts';
import { type Alarm, after, ms } from '../stack/time.ts';
import type { IpAddress } from '../stack/wire/address.ts';
import { AddressRace, type RaceOwner } from './address-race.ts';
import { SocketCore } from './core.ts';
import type { Acceptor } from './core-roles.ts';
import { type ConnectFailure, connectError, connectTimeoutError, lookupError } from './errors.ts';
import type { ConnectSettings } from './options.ts';
import type { Runtime } from './runtime.ts';
import type { TcpSocket } from './socket.ts';
import { parseZoned } from './zone.ts';

/** Connects; the promise settles after `open`, or after `connectError` (rows 1, 3). */
export function connectSocket(
  host: Host,
  runtime: Runtime,
  settings: ConnectSettings,
): Promise<TcpSocket<unknown>> {
  const promise = new Promise<TcpSocket<unknown>>((resolve, reject) => {
    new Connecting(host, runtime, settings, resolve, reject).start();
  });
  // Row 4: who has a connectError handler has been told; nobody needs to look at the promise then.
  if (settings.handlers.connectError !== undefined) promise.catch(() => undefined);
  return promise;
}

/** One `connect` until it is settled: looks the name up and tries its addresses (row 6). */
class Connecting implements RaceOwner, Acceptor {
  /** Clients have no listener. */
  readonly publicListener: undefined = undefined;
  readonly #host: Host;
  readonly #runtime: Runtime;
  readonly #settings: ConnectSettings;
  readonly #resolve: (socket: TcpSocket<unknown>) => void;
  readonly #reject: (error: unknown) => void;
  readonly #core: SocketCore;
  readonly #race: AddressRace;
  #remote: Endpoint | undefined;
  #settled: boolean = false;
  #stopWatching: (() => void) | undefined;
  #alarm: Alarm | undefined;

  constructor(
    host: Host,
    runtime: Runtime,
    settings: ConnectSettings,
    resolve: (socket: TcpSocket<unknown>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#resolve = resolve;
    this.#reject = reject;
    const { handlers, data } = settings;
    const shared = { host, runtime, data, mapped: false, options: settings };
    this.#core = new SocketCore({ ...shared, handlers: { current: handlers } }, this);
    // What goes with a SYN goes to one server at a time.
    const happyEyeballs = settings.happyEyeballs && settings.fastOpen === undefined;
    this.#race = new AddressRace(host, this, settings, { happyEyeballs });
  }

  /** Begins; nothing is settled before the call that caused it has returned. */
  start(): void {
    if (!this.#watchSignal()) return;
    this.#armTimeout();
    const { hostname } = this.#settings;
    const literal = parseZoned(hostname);
    if (literal !== undefined) {
      this.#race.start([literal.address], literal.zone);
      return;
    }
    this.#runtime.lookup(hostname).then(
      (found) => this.#found(found),
      (error: unknown) => this.#giveUp(lookupError(error, hostname)),
    );
  }

  attempted(connection: TcpConnection): void {
    this.#remote = connection.remote;
    this.#core.attach(connection);
    this.#core.bytesWritten = this.#settings.fastOpen?.data?.length ?? 0;
  }

  won(connection: TcpConnection): void {
    if (this.#settled) return;
    this.#settle();
    connection.owner = this.#core;
    if (this.#core.connection !== connection) this.#core.attach(connection);
    this.#core.open();
    this.#resolve(this.#core.socket);
    this.#core.deliver();
  }

  lost(failure: ConnectFailure, remote: Endpoint): void {
    this.#giveUp(connectError(failure, remote, this.#settings.distinctErrors));
  }

  broken(thrown: unknown): void {
    this.#giveUp(thrown);
  }

  /** The socket is closed: its signal, which may live longer, is not held any more. */
  forget(): void {
    this.#stopWatching?.();
  }

  #found(addresses: readonly IpAddress[]): void {
    if (this.#settled) return;
    if (addresses.length === 0) {
      this.#giveUp(lookupError(undefined, this.#settings.hostname));
      return;
    }
    this.#race.start(addresses);
  }

  /** Row 3: `connectError`, then the rejection with the same error; row 5: or with what the handler threw. */
  #giveUp(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#race.stop();
    this.#stopWatching?.();
    const outcome = this.#core.detach(error);
    this.#reject(outcome.threw ? outcome.error : error);
  }

  /** Gives all attempts up without a word. */
  #abandon(): void {
    this.#race.stop();
    this.#core.abandon();
  }

  #settle(): void {
    this.#settled = true;
    this.#alarm?.clear();
  }

  #armTimeout(): void {
    const { connectTimeout } = this.#settings;
    if (connectTimeout === undefined) return;
    const { scheduler } = this.#host;
    this.#alarm = scheduler.alarm(() => {
      this.#abandon();
      this.#giveUp(connectTimeoutError(this.#remote, connectTimeout));
    });
    this.#alarm.set(after(scheduler.now(), ms(connectTimeout)));
  }

  /** False: aborted before it began. */
  #watchSignal(): boolean {
    const { signal } = this.#settings;
    if (signal === undefined) return true;
    if (signal.aborted) {
      this.#host.scheduler.soon(() => this.#giveUp(signal.reason));
      return false;
    }
    const stop = () => {
      if (this.#settled) {
        this.#core.terminate();
        return;
      }
      this.#abandon();
      this.#host.scheduler.soon(() => this.#giveUp(signal.reason));
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#stopWatching = () => signal.removeEventListener('abort', stop);
    return true;
  }
}
