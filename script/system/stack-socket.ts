import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type {
  CloseReason,
  ConnectionEvent,
  ConnectionOwner,
  Endpoint,
  IcmpErrorKind,
} from '../../stack/tcp/events.ts';
import { notSent } from '../../stack/tcp/sending.ts';
import type { TcpListener } from '../../stack/tcp/listener.ts';
import { StackError } from '../../stack/errors.ts';
import {
  type IpAddress,
  IPV4_ANY,
  IPV6_ANY,
  isIPv4,
  isUnspecified,
  mappedIPv4,
} from '../../stack/wire/address.ts';
import { SocketOptions } from './socket-options.ts';
import { type CallOutcome, failure, success } from './system-call.ts';
import { WORDS } from './words.ts';

const SHUT_RD = 0;
const SHUT_WR = 1;
const ZEROES: Uint8Array = new Uint8Array(0x1_0000);

/** What a socket returns when it has to wait: the caller tries again when something has changed. */
export type Attempt = CallOutcome | 'would-block';

/** A TCP socket as POSIX knows it, over a host of ours; errors as Linux gives them. */
export class StackSocket implements ConnectionOwner {
  readonly options: SocketOptions;
  /** Of AF_INET6. */
  readonly v6: boolean;
  nonBlocking: boolean;
  readonly #host: Host;
  readonly #changed: () => void;
  #bound: Endpoint | undefined;
  #listener: TcpListener | undefined;
  #waiting: number = 0;
  #connection: TcpConnection | undefined;
  /** A connect that the program has not heard the end of. */
  #connecting: boolean = false;
  /** SO_ERROR. */
  #error: string | undefined;
  #readShut: boolean = false;
  #writeShut: boolean = false;
  #closed: boolean = false;

  constructor(
    host: Host,
    { v6, nonBlocking }: { readonly v6: boolean; readonly nonBlocking: boolean },
    options: SocketOptions,
    changed: () => void,
  ) {
    this.#host = host;
    this.v6 = v6;
    this.nonBlocking = nonBlocking;
    this.options = options;
    this.#changed = changed;
  }

  get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  /** It has an address already. */
  get bound(): boolean {
    return this.#bound !== undefined || this.#listener !== undefined || this.#connection !== undefined;
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'closed' && event.reason !== undefined && !this.#closed) {
      const atEnd = this.#connection?.receiver.finReceived ?? false;
      this.#error = errorOf(event.reason, event.detail, atEnd, this.#overIPv6);
    }
    if (event.type === 'soft-error' && event.what !== 'r1' && this.#connecting) this.#softError(event.what);
    this.#changed();
  }

  get #overIPv6(): boolean {
    return this.#connection !== undefined && !isIPv4(this.#connection.remote.address);
  }

  #softError(_kind: IcmpErrorKind): void {
    // Known to the system, told to the program only if the attempt ends for another reason [RFC 9293 SHLD-25].
  }

  bind(local: Endpoint): CallOutcome {
    if (this.#bound !== undefined) return failure('EINVAL');
    if (this.options.v6Only && isMapped(local.address)) return failure('EINVAL');
    const address = isIPv4(local.address) ? local.address : (mappedIPv4(local.address) ?? local.address);
    if (!isUnspecified(address) && !this.#host.ip.isLocal(address)) return failure('EADDRNOTAVAIL');
    this.#bound = local;
    return success(0);
  }

  listen(backlog: number): CallOutcome {
    if (this.#connection !== undefined) return failure('EINVAL');
    if (this.#listener !== undefined) return success(0);
    const fastOpen = this.options.fastOpenListen;
    try {
      const listener = this.#host.tcp.listen(
        {
          ...(fastOpen === undefined ? {} : { fastOpen }),
          port: this.#bound?.port ?? 0,
          backlog: Math.max(1, backlog),
          ipv6Only: this.options.v6Only,
          address: this.#bound?.address ?? (this.v6 ? IPV6_ANY : IPV4_ANY),
        },
        {
          connectionReady: () => {
            this.#waiting += 1;
            this.#changed();
          },
        },
      );
      this.#listener = listener;
      return success(0);
    } catch (error) {
      return stackFailure(error);
    }
  }

  /** A socket for the next connection; `would-block` if none waits. */
  accept(nonBlocking: boolean): StackSocket | Attempt {
    if (this.#listener === undefined) return failure('EINVAL');
    const kind = { v6: this.v6, nonBlocking };
    const socket = new StackSocket(this.#host, kind, this.options.inherited(), this.#changed);
    const connection = this.#listener.accept(socket);
    if (connection === undefined) return 'would-block';
    this.#waiting -= 1;
    socket.#connection = connection;
    socket.options.apply(connection);
    return socket;
  }

  /** The first call begins; what it returns when it has to wait is the caller's question. */
  connect(remote: Endpoint): Attempt {
    if (this.#listener !== undefined) return failure('EISCONN');
    if (this.#connection !== undefined) return this.#connectAgain();
    if (this.options.v6Only && isMapped(remote.address)) return failure('ENETUNREACH');
    try {
      const local = this.#bound;
      this.#connection = this.#host.tcp.connect({ remote, ...(local === undefined ? {} : { local }) }, this);
      this.options.apply(this.#connection);
      this.#connecting = true;
      return 'would-block';
    } catch (error) {
      return stackFailure(error);
    }
  }

  /**
   * `sendto` with MSG_FASTOPEN, which connects: takes what fits into the SYN, or nothing (`would-block`) if there is no cookie for
   * the server; the rest is written when the handshake is over.
   */
  connectWithData(remote: Endpoint, count: number): Attempt {
    const { fastOpen: roles } = this.#host.settings.tcp;
    if (roles !== 'client' && roles !== 'both') return failure('EOPNOTSUPP');
    if (this.#listener !== undefined || this.#connection !== undefined) return failure('EISCONN');
    try {
      const local = this.#bound === undefined ? {} : { local: this.#bound };
      const fastOpen = this.options.fastOpenConnect;
      this.#connection = this.#host.tcp.connect({ remote, fastOpen, ...local }, this);
    } catch (error) {
      return stackFailure(error);
    }
    this.options.apply(this.#connection);
    this.#connecting = true;
    const taken = Math.min(count, this.#connection.fastOpen?.room ?? 0, ZEROES.length);
    return taken === 0 ? 'would-block' : success(this.#connection.send(ZEROES, 0, taken));
  }

  #connectAgain(): CallOutcome {
    const outcome = this.connectOutcome();
    if (outcome === 'would-block') return failure('EALREADY');
    if (!this.#connecting && outcome.errno === undefined) return failure('EISCONN');
    this.#connecting = false;
    return outcome;
  }

  /** How the attempt that is under way ended. */
  connectOutcome(): Attempt {
    const error = this.takeError();
    if (error !== undefined) {
      this.#connection = undefined;
      return failure(error);
    }
    const state = this.#connection?.state;
    if (state === 'SYN-SENT' || state === 'SYN-RECEIVED') return 'would-block';
    return state === undefined ? failure('ENOTCONN') : success(0);
  }

  /** The program has heard that it is connected. */
  connected(): void {
    this.#connecting = false;
  }

  read(count: number): Attempt {
    const connection = this.#connection;
    if (connection === undefined) return this.#deadRead();
    if (connection.readable > 0) return success(count === 0 ? 0 : (connection.receive(count)?.length ?? 0));
    if (connection.atEnd || this.#readShut) return success(0);
    const error = this.takeError();
    if (error !== undefined) return failure(error);
    if (connection.state === 'CLOSED' || connection.state === 'TIME-WAIT') return success(0);
    return 'would-block';
  }

  #deadRead(): CallOutcome {
    return failure(this.takeError() ?? 'ENOTCONN');
  }

  /** Sends zeroes, as many as there is room for; what is left has to wait. */
  write(count: number, urgent: boolean = false): Attempt {
    const connection = this.#connection;
    if (connection === undefined) return failure(this.takeError() ?? 'EPIPE');
    const error = this.takeError();
    if (error !== undefined) return failure(error);
    if (isBeforeData(connection)) return 'would-block';
    if (this.#writeShut || !connection.writable) return failure('EPIPE');
    let sent = 0;
    while (sent < count) {
      const part = Math.min(count - sent, ZEROES.length);
      const taken = urgent ? connection.sendUrgent(ZEROES, 0, part) : connection.send(ZEROES, 0, part);
      sent += taken;
      if (taken < part) break;
    }
    return sent === 0 && count > 0 ? 'would-block' : success(sent);
  }

  shutdown(how: number): CallOutcome {
    const connection = this.#connection;
    const { state } = connection ?? { state: 'CLOSED' };
    if (connection === undefined || state === 'CLOSED' || state === 'TIME-WAIT') return failure('ENOTCONN');
    if (how !== SHUT_WR) this.#readShut = true;
    if (how !== SHUT_RD) {
      this.#writeShut = true;
      connection.shutdown();
    }
    return success(0);
  }

  close(): CallOutcome {
    this.#closed = true;
    this.#listener?.close();
    const connection = this.#connection;
    if (connection !== undefined) {
      if (this.options.lingersZero) connection.abort();
      else connection.close();
    }
    return success(0);
  }

  /** SO_ERROR, which is cleared by being read. */
  takeError(): string | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** What `poll` reports of it, as Linux's `tcp_poll`. */
  readiness(): number {
    const { POLLIN = 0, POLLOUT = 0, POLLERR = 0, POLLHUP = 0, POLLRDHUP = 0 } = WORDS;
    if (this.#listener !== undefined) return this.#waiting > 0 ? POLLIN : 0;
    const connection = this.#connection;
    let ready = this.#error === undefined ? 0 : POLLERR;
    if (connection === undefined) return ready | POLLOUT | POLLHUP;
    const { state } = connection;
    const readShut = this.#readShut || connection.receiver.finReceived || state === 'CLOSED';
    const writeShut = this.#writeShut || state === 'CLOSED';
    if (state === 'CLOSED' || (readShut && writeShut)) ready |= POLLHUP;
    if (readShut) ready |= POLLIN | POLLRDHUP;
    if (isBeforeData(connection)) return ready;
    if (connection.readable > 0) ready |= POLLIN;
    const { queue } = connection.sender;
    const room = queue.length * 2 < queue.limit && notSent(connection) < connection.notSentLowat;
    if (writeShut || room) ready |= POLLOUT;
    return ready;
  }
}

/** The handshake is under way, and the program has to wait for its end. */
function isBeforeData({ state, fastOpened }: TcpConnection): boolean {
  return state === 'SYN-SENT' || (state === 'SYN-RECEIVED' && fastOpened?.accepted !== true);
}

function errorOf(
  reason: CloseReason,
  detail: IcmpErrorKind | undefined,
  afterFin: boolean,
  v6: boolean,
): string | undefined {
  switch (reason) {
    case 'refused':
      return 'ECONNREFUSED';
    case 'reset':
      return afterFin ? 'EPIPE' : 'ECONNRESET';
    case 'timeout':
    case 'keepalive':
      return 'ETIMEDOUT';
    case 'unreachable':
      if (detail === 'admin-prohibited' && v6) return 'EACCES';
      return detail === 'protocol-unreachable' ? 'ENOPROTOOPT' : 'EHOSTUNREACH';
    case 'aborted':
      return undefined;
  }
}

function stackFailure(error: unknown): CallOutcome {
  if (error instanceof StackError) return failure(error.code);
  throw error;
}

function isMapped(address: IpAddress): boolean {
  return !isIPv4(address) && mappedIPv4(address) !== undefined;
}
