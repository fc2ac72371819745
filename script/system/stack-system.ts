import type { Host } from '../../stack/host.ts';
import type { Endpoint } from '../../stack/tcp/events.ts';
import {
  type IpAddress,
  type IPv4Address,
  IPV4_ANY,
  IPv6Address,
  IPV6_ANY,
  isIPv4,
  parseIPv4,
  parseIPv6,
} from '../../stack/wire/address.ts';
import type { IpVersion } from '../run/ip-version.ts';
import type { Position } from '../language/syntax.ts';
import { UnsupportedError } from '../script-error.ts';
import { CLOSED_INFO, LISTENER_INFO, type TcpInfo, tcpInfo } from '../tcp-info.ts';
import { checkOption, errorNumber, SocketOptions } from './socket-options.ts';
import { type Attempt, StackSocket } from './stack-socket.ts';
import {
  type Argument,
  type CallOutcome,
  failure,
  iovecLength,
  isStruct,
  type StructArgument,
  success,
  type SystemCall,
} from './system-call.ts';
import { WORDS } from './words.ts';

const {
  AF_INET = 0,
  AF_INET6 = 0,
  SOCK_STREAM = 0,
  SOCK_NONBLOCK = 0,
  O_RDWR = 0,
  O_NONBLOCK = 0,
  MSG_DONTWAIT = 0,
} = WORDS;
const {
  TCP_FASTOPEN = 0,
  MSG_OOB = 0,
  MSG_FASTOPEN = 0,
  MSG_NOSIGNAL = 0,
  SOL_SOCKET = 0,
  SOL_IPV6 = 0,
  IPV6_V6ONLY = 0,
  SO_ERROR = 0,
  SIOCINQ = 0,
  SIOCOUTQ = 0,
} = WORDS;
/** POLLERR and POLLHUP are reported unasked. */
const ALWAYS = (WORDS['POLLERR'] ?? 0) | (WORDS['POLLHUP'] ?? 0);

/** Where sockets are bound and connect to when the script says `...`. */
export interface Defaults {
  readonly ipVersion: IpVersion;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly bindPort: number;
  readonly connectPort: number;
}

/** Asked again whenever something has changed, until it has an outcome. */
export type Retry = () => CallOutcome | undefined;

/** A call that has begun: its outcome, or how to ask for it. `deadline`: after so many µs it is asked for the last time. */
export type Started =
  | { readonly outcome: CallOutcome }
  | { readonly retry: Retry; readonly timeout?: number; readonly expired?: () => CallOutcome };

/** The calls of a script, carried out on a host of ours. */
export class StackSystem {
  readonly #host: Host;
  readonly #defaults: Defaults;
  readonly #changed: () => void;
  readonly #sockets: Map<number, StackSocket> = new Map();
  #last: StackSocket | undefined;
  #unnamed: number = 1_000_000;

  constructor(host: Host, defaults: Defaults, changed: () => void) {
    this.#host = host;
    this.#defaults = defaults;
    this.#changed = changed;
  }

  /** `tcp_info` of the socket that was made last. */
  info(): TcpInfo {
    const socket = this.#last;
    if (socket?.listening === true) return LISTENER_INFO;
    return socket?.connection === undefined ? CLOSED_INFO : tcpInfo(socket.connection);
  }

  /** Begins a call. Throws `UnsupportedError`. */
  start(call: SystemCall): Started {
    const { name, args, position } = call;
    if (name === 'socket') return { outcome: this.#socket(call) };
    if (name === 'poll') return this.#poll(args);
    const descriptor = args[0];
    const socket = typeof descriptor === 'number' ? this.#sockets.get(descriptor) : undefined;
    if (socket === undefined) return { outcome: failure('EBADF') };
    switch (name) {
      case 'bind': {
        const local = this.#endpoint(socket, args[1], 'bind');
        return { outcome: typeof local === 'string' ? failure(local) : socket.bind(local) };
      }
      case 'listen':
        return { outcome: socket.listen(numberOf(args[1])) };
      case 'accept':
      case 'accept4':
        return this.#accept(socket, call);
      case 'connect':
        return this.#connect(socket, args);
      case 'shutdown':
        return { outcome: socket.shutdown(numberOf(args[1])) };
      case 'close':
        this.#sockets.delete(numberOf(descriptor));
        return { outcome: socket.close() };
      case 'setsockopt':
      case 'getsockopt':
        return { outcome: this.#option(socket, call) };
      case 'fcntl':
        return { outcome: this.#fcntl(socket, args, position) };
      case 'ioctl':
        return { outcome: this.#ioctl(socket, args, position) };
      default:
        return this.#transfer(socket, call);
    }
  }

  #socket({ args, newDescriptor, position }: SystemCall): CallOutcome {
    const type = numberOf(args[1]);
    if ((type & 0xf) !== SOCK_STREAM) throw new UnsupportedError('sockets other than SOCK_STREAM', position);
    const options = new SocketOptions(this.#host.settings.tcp);
    const family = args[0] ?? (this.#defaults.ipVersion === 'ipv4' ? AF_INET : AF_INET6);
    const kind = { v6: family === AF_INET6, nonBlocking: (type & SOCK_NONBLOCK) !== 0 };
    const socket = new StackSocket(this.#host, kind, options, this.#changed);
    return success(this.#adopt(socket, newDescriptor));
  }

  #adopt(socket: StackSocket, descriptor: number | undefined): number {
    const number = descriptor ?? this.#unnamed++;
    this.#sockets.set(number, socket);
    this.#last = socket;
    return number;
  }

  #accept(listener: StackSocket, { args, newDescriptor }: SystemCall): Started {
    const nonBlocking = (numberOf(args[3]) & SOCK_NONBLOCK) !== 0;
    return attempt(listener.nonBlocking, () => {
      const accepted = listener.accept(nonBlocking);
      return accepted instanceof StackSocket ? success(this.#adopt(accepted, newDescriptor)) : accepted;
    });
  }

  #connect(socket: StackSocket, args: readonly Argument[]): Started {
    const remote = this.#endpoint(socket, args[1], 'connect');
    if (typeof remote === 'string') return { outcome: failure(remote) };
    const first = socket.connect(remote);
    if (first !== 'would-block') return { outcome: first };
    if (socket.nonBlocking) return { outcome: failure('EINPROGRESS') };
    return {
      retry: () => {
        const outcome = socket.connectOutcome();
        if (outcome === 'would-block') return undefined;
        socket.connected();
        return outcome;
      },
    };
  }

  /** read, write and their kin. */
  #transfer(socket: StackSocket, { name, args, position }: SystemCall): Started {
    const shape = TRANSFERS[name];
    if (shape === undefined) throw new UnsupportedError(`system call ${name}`, position);
    const { count, flags } = shape.sizes(args);
    const known = MSG_DONTWAIT | MSG_NOSIGNAL | (shape.direction === 'out' ? MSG_OOB | MSG_FASTOPEN : 0);
    const others = flags & ~known;
    if (others !== 0) throw new UnsupportedError(`flags 0x${others.toString(16)} of ${name}`, position);
    const nonBlocking = socket.nonBlocking || (flags & MSG_DONTWAIT) !== 0;
    if (shape.direction === 'in') return attempt(nonBlocking, () => socket.read(count));
    if ((flags & MSG_FASTOPEN) !== 0) return this.#connectWithData(socket, args, count, nonBlocking);
    const urgent = (flags & MSG_OOB) !== 0;
    if (nonBlocking) return attempt(true, () => socket.write(count, urgent));
    return { retry: writeAll(socket, count, 0, urgent) };
  }

  /** MSG_FASTOPEN [RFC 7413 A.1]: a blocking call returns when all is in the send buffer, another one with what the SYN takes. */
  #connectWithData(
    socket: StackSocket,
    args: readonly Argument[],
    count: number,
    nonBlocking: boolean,
  ): Started {
    const remote = this.#endpoint(socket, args[4], 'connect');
    if (typeof remote === 'string') return { outcome: failure(remote) };
    const outcome = socket.connectWithData(remote, count);
    if (outcome !== 'would-block' && outcome.errno !== undefined) return { outcome };
    if (nonBlocking) return { outcome: outcome === 'would-block' ? failure('EINPROGRESS') : outcome };
    const write = writeAll(socket, count, outcome === 'would-block' ? 0 : outcome.result, false);
    return {
      retry: () => {
        const connected = socket.connectOutcome();
        if (connected === 'would-block') return undefined;
        socket.connected();
        return connected.errno === undefined ? write() : connected;
      },
    };
  }

  #option(socket: StackSocket, { name, args, position }: SystemCall): CallOutcome {
    const [, level, option, value] = args;
    const reading = name === 'getsockopt';
    checkOption(level, option, reading, position);
    if (!reading && option === TCP_FASTOPEN && value !== undefined && isStruct(value))
      throw new UnsupportedError('socket option TCP_FASTOPEN', position); // FreeBSD's, with a key
    if (!reading && option === TCP_FASTOPEN && socket.listening)
      throw new UnsupportedError('TCP_FASTOPEN after listen()', position);
    if (level === SOL_IPV6 && !socket.v6) return failure('ENOPROTOOPT');
    if (!reading && level === SOL_IPV6 && option === IPV6_V6ONLY && socket.bound) return failure('EINVAL');
    if (!reading) return socket.options.set(numberOf(level), numberOf(option), value, socket.connection);
    const found =
      level === SOL_SOCKET && option === SO_ERROR
        ? errorNumber(socket.takeError())
        : socket.options.get(numberOf(level), numberOf(option));
    return success(
      0,
      new Map<number, Argument>([
        [3, [found]],
        [4, [4]],
      ]),
    );
  }

  #fcntl(socket: StackSocket, args: readonly Argument[], position: Position): CallOutcome {
    if (args[1] === WORDS['F_GETFL']) return success(O_RDWR | (socket.nonBlocking ? O_NONBLOCK : 0));
    if (args[1] !== WORDS['F_SETFL'])
      throw new UnsupportedError('fcntl other than F_GETFL and F_SETFL', position);
    socket.nonBlocking = (numberOf(args[2]) & O_NONBLOCK) !== 0;
    return success(0);
  }

  #ioctl(socket: StackSocket, args: readonly Argument[], position: Position): CallOutcome {
    const { connection } = socket;
    if (args[1] !== SIOCINQ && args[1] !== SIOCOUTQ)
      throw new UnsupportedError('ioctl other than SIOCINQ and SIOCOUTQ', position);
    if (connection === undefined) return failure('EINVAL');
    const count = args[1] === SIOCINQ ? connection.readable : connection.bytesQueued;
    return success(0, new Map<number, Argument>([[2, [count]]]));
  }

  #poll(args: readonly Argument[]): Started {
    const [list, , timeout] = args;
    const entries = Array.isArray(list) ? list.filter(isStruct) : [];
    const look = (): CallOutcome => {
      const found = entries.map(({ fields }) => {
        const socket = this.#sockets.get(numberOf(fields.get('fd')));
        const wanted = numberOf(fields.get('events'));
        return socket === undefined ? (WORDS['POLLNVAL'] ?? 0) : socket.readiness() & (wanted | ALWAYS);
      });
      const reported = entries.map(({ fields }, index) => ({
        fields: new Map([...fields, ['revents', found[index]] as const]),
        values: [],
      }));
      return success(found.filter((ready) => ready !== 0).length, new Map([[0, reported]]));
    };
    const now = look();
    const wait = numberOf(timeout);
    if (now.result > 0 || wait === 0) return { outcome: now };
    const retry = (): CallOutcome | undefined => {
      const outcome = look();
      return outcome.result > 0 ? outcome : undefined;
    };
    return wait < 0 ? { retry } : { retry, timeout: wait * 1_000, expired: look };
  }

  /** Where to; or the error that Linux has for an address of the other family. */
  #endpoint(socket: StackSocket, given: Argument, call: 'bind' | 'connect'): Endpoint | string {
    const { ipVersion, local, remote, bindPort, connectPort } = this.#defaults;
    const [known, port] = call === 'bind' ? [local, bindPort] : [remote, connectPort];
    const usual = ipVersion === 'ipv4-mapped-ipv6' && isIPv4(known) ? mapped(known) : known;
    const endpoint =
      given === undefined || !isStruct(given)
        ? { address: usual, port }
        : named(given, { address: usual, port });
    if (isIPv4(endpoint.address) !== socket.v6) return endpoint;
    return socket.v6 ? 'EINVAL' : 'EAFNOSUPPORT'; // too short for IPv6; of another family
  }
}

/** What a sockaddr_in or sockaddr_in6 says; what it leaves open is as in `usual`. */
function named({ fields }: StructArgument, usual: Endpoint): Endpoint {
  const v6 = fields.has('sin6_addr') || fields.has('sin6_port');
  const text = fields.get(v6 ? 'sin6_addr' : 'sin_addr');
  const port = fields.get(v6 ? 'sin6_port' : 'sin_port');
  const any = v6 ? IPV6_ANY : IPV4_ANY;
  const address = typeof text === 'string' ? (v6 ? parseIPv6(text) : parseIPv4(text)) : undefined;
  return {
    address: address ?? (typeof text === 'number' ? any : usual.address),
    port: typeof port === 'number' ? port : usual.port,
  };
}

/** ::ffff:a.b.c.d [RFC 4291 2.5.5.2]. */
function mapped(address: IPv4Address): IPv6Address {
  return new IPv6Address(0, 0, 0xffff, address);
}

/** How the calls that move bytes are shaped. */
const TRANSFERS: Readonly<
  Record<
    string,
    { direction: 'in' | 'out'; sizes(args: readonly Argument[]): { count: number; flags: number } }
  >
> = {
  read: { direction: 'in', sizes: (args) => ({ count: numberOf(args[2]), flags: 0 }) },
  recv: { direction: 'in', sizes: (args) => ({ count: numberOf(args[2]), flags: numberOf(args[3]) }) },
  recvfrom: { direction: 'in', sizes: (args) => ({ count: numberOf(args[2]), flags: numberOf(args[3]) }) },
  recvmsg: { direction: 'in', sizes: messageSizes },
  readv: { direction: 'in', sizes: (args) => ({ count: iovecLength(args[1]), flags: 0 }) },
  write: { direction: 'out', sizes: (args) => ({ count: numberOf(args[2]), flags: 0 }) },
  send: { direction: 'out', sizes: (args) => ({ count: numberOf(args[2]), flags: numberOf(args[3]) }) },
  sendto: { direction: 'out', sizes: (args) => ({ count: numberOf(args[2]), flags: numberOf(args[3]) }) },
  sendmsg: { direction: 'out', sizes: messageSizes },
  writev: { direction: 'out', sizes: (args) => ({ count: iovecLength(args[1]), flags: 0 }) },
};

/** What can be called at all. */
export const STACK_CALLS: ReadonlySet<string> = new Set([
  ...Object.keys(TRANSFERS),
  ...['socket', 'bind', 'listen', 'accept', 'accept4', 'connect', 'shutdown', 'close'],
  ...['setsockopt', 'getsockopt', 'fcntl', 'ioctl', 'poll'],
]);

function messageSizes(args: readonly Argument[]): { count: number; flags: number } {
  const message = args[1];
  const iovec = message !== undefined && isStruct(message) ? message.fields.get('msg_iov') : undefined;
  return { count: iovecLength(iovec), flags: numberOf(args[2]) };
}

function numberOf(argument: Argument): number {
  return typeof argument === 'number' ? argument : 0;
}

/** One that fails with EAGAIN, or one that waits. */
function attempt(nonBlocking: boolean, once: () => Attempt): Started {
  if (nonBlocking) {
    const outcome = once();
    return { outcome: outcome === 'would-block' ? failure('EAGAIN') : outcome };
  }
  return {
    retry: () => {
      const outcome = once();
      return outcome === 'would-block' ? undefined : outcome;
    },
  };
}

/** A blocking write returns when all of it is in the send buffer, or with what it had sent before an error. */
function writeAll(socket: StackSocket, count: number, already: number = 0, urgent: boolean = false): Retry {
  let sent = already;
  return () => {
    if (sent >= count && count > 0) return success(sent);
    const outcome = socket.write(count - sent, urgent);
    if (outcome === 'would-block') return undefined;
    if (outcome.errno !== undefined) return sent > 0 ? success(sent) : outcome;
    sent += outcome.result;
    return sent >= count ? success(sent) : undefined;
  };
}
