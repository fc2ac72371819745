import { ms, seconds } from '../../stack/time.ts';
import type { TcpSettings } from '../../stack/settings.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { FastOpenConnect } from '../../stack/tcp/fast-open-client.ts';
import type { FastOpenListen } from '../../stack/tcp/fast-open.ts';
import { isIPv4 } from '../../stack/wire/address.ts';
import type { Position } from '../language/syntax.ts';
import { UnsupportedError } from '../script-error.ts';
import { type Argument, type CallOutcome, failure, isStruct, success } from './system-call.ts';
import { ERRNO, WORDS } from './words.ts';

const { SOL_SOCKET = 0, SOL_TCP = 0, SOL_IP = 0, SOL_IPV6 = 0 } = WORDS;

/** Names that are taken, by level: what a script may set here. */
const SETTABLE: Readonly<Record<number, readonly string[]>> = {
  [SOL_SOCKET]: ['SO_REUSEADDR', 'SO_REUSEPORT', 'SO_KEEPALIVE', 'SO_LINGER', 'SO_OOBINLINE'],
  [SOL_TCP]: [
    'TCP_NODELAY',
    'TCP_KEEPIDLE',
    'TCP_KEEPINTVL',
    'TCP_KEEPCNT',
    'TCP_USER_TIMEOUT',
    'TCP_FASTOPEN',
    'TCP_FASTOPEN_NO_COOKIE',
    'TCP_NOTSENT_LOWAT',
  ],
  [SOL_IP]: ['IP_TOS'],
  [SOL_IPV6]: ['IPV6_TCLASS', 'IPV6_V6ONLY'],
};

const PREFIX: Readonly<Record<number, RegExp>> = {
  [SOL_SOCKET]: /^SO_/,
  [SOL_TCP]: /^TCP_/,
  [SOL_IP]: /^IP_/,
  [SOL_IPV6]: /^IPV6_/,
};

/** The options of a socket: kept, and given to its connection. */
export class SocketOptions {
  readonly #settings: TcpSettings;
  readonly #values: Map<string, number>;
  #linger: { readonly on: boolean; readonly seconds: number } = { on: false, seconds: 0 };

  constructor(settings: TcpSettings, values: ReadonlyMap<string, number> = new Map()) {
    this.#settings = settings;
    this.#values = new Map(values);
  }

  /** For a socket that a listener accepted. */
  inherited(): SocketOptions {
    const options = new SocketOptions(this.#settings, this.#values);
    options.#linger = this.#linger;
    return options;
  }

  /** SO_LINGER is on with a time of 0: `close` aborts. */
  get lingersZero(): boolean {
    return this.#linger.on && this.#linger.seconds === 0;
  }

  /** IPV6_V6ONLY: no IPv4 over this socket. */
  get v6Only(): boolean {
    return (this.#values.get('IPV6_V6ONLY') ?? 0) !== 0;
  }

  /** How to connect with Fast Open. */
  get fastOpenConnect(): FastOpenConnect {
    return { cookie: (this.#values.get('TCP_FASTOPEN_NO_COOKIE') ?? 0) === 0 };
  }

  /** How to listen with it; undefined: without. */
  get fastOpenListen(): FastOpenListen | undefined {
    const queue = this.#values.get('TCP_FASTOPEN') ?? 0;
    return queue > 0 ? { ...this.fastOpenConnect, queue } : undefined;
  }

  /** `setsockopt`. */
  set(level: number, option: number, value: Argument, connection: TcpConnection | undefined): CallOutcome {
    const name = optionName(level, option);
    if (name === 'SO_LINGER') {
      if (!isStruct(value)) return failure('EINVAL');
      this.#linger = {
        on: value.fields.get('onoff') === 1,
        seconds: Number(value.fields.get('linger') ?? 0),
      };
      return success(0);
    }
    const given = Array.isArray(value) ? value[0] : value;
    if (typeof given !== 'number') return failure('EINVAL');
    if (name === 'TCP_USER_TIMEOUT' && given < 0) return failure('EINVAL');
    this.#values.set(name, given);
    if (connection !== undefined) this.#applyOne(name, connection);
    return success(0);
  }

  /** `getsockopt` of what is not the socket's own state. */
  get(level: number, option: number): number | undefined {
    const name = optionName(level, option);
    const value = this.#values.get(name);
    const flag = level === SOL_SOCKET || name === 'TCP_NODELAY';
    if (value !== undefined) return flag ? Number(value !== 0) : value;
    switch (name) {
      case 'TCP_KEEPIDLE':
        return this.#settings.keepAliveIdle / 1_000_000;
      case 'TCP_KEEPINTVL':
        return this.#settings.keepAliveInterval / 1_000_000;
      case 'TCP_KEEPCNT':
        return this.#settings.keepAliveCount;
      default:
        return 0;
    }
  }

  /** Gives all options to a new connection. */
  apply(connection: TcpConnection): void {
    for (const name of this.#values.keys()) this.#applyOne(name, connection);
  }

  #applyOne(name: string, connection: TcpConnection): void {
    const value = this.#values.get(name) ?? 0;
    switch (name) {
      case 'TCP_NODELAY':
        return connection.setNoDelay(value !== 0);
      case 'TCP_USER_TIMEOUT':
        return connection.setUserTimeout(value === 0 ? undefined : ms(value));
      case 'TCP_NOTSENT_LOWAT':
        return connection.setNotSentLowat(value === 0 ? undefined : value);
      case 'IP_TOS':
        if (isIPv4(connection.remote.address)) connection.setTypeOfService(value);
        return;
      case 'IPV6_TCLASS':
        if (!isIPv4(connection.remote.address)) connection.setTypeOfService(value === -1 ? 0 : value);
        return;
      case 'SO_KEEPALIVE':
      case 'TCP_KEEPIDLE':
      case 'TCP_KEEPINTVL':
      case 'TCP_KEEPCNT':
        return this.#applyKeepAlive(connection);
      default:
    }
  }

  #applyKeepAlive(connection: TcpConnection): void {
    if ((this.#values.get('SO_KEEPALIVE') ?? 0) === 0) {
      if (connection.keepAlive !== undefined) connection.setKeepAlive(undefined);
      return;
    }
    const { keepAliveIdle, keepAliveInterval, keepAliveCount } = this.#settings;
    const idle = this.#values.get('TCP_KEEPIDLE');
    const interval = this.#values.get('TCP_KEEPINTVL');
    connection.setKeepAlive({
      idle: idle === undefined ? keepAliveIdle : seconds(idle),
      interval: interval === undefined ? keepAliveInterval : seconds(interval),
      count: this.#values.get('TCP_KEEPCNT') ?? keepAliveCount,
    });
  }
}

/** The name of an option that is taken here; empty: it is not. */
function optionName(level: number, option: number): string {
  return SETTABLE[level]?.find((name) => WORDS[name] === option) ?? '';
}

/** Throws `UnsupportedError` unless the option can be set (or, for SO_ERROR, read) here. */
export function checkOption(level: Argument, option: Argument, reading: boolean, position: Position): void {
  if (typeof level !== 'number' || typeof option !== 'number')
    throw new UnsupportedError('a socket option without level and name', position);
  if (optionName(level, option) !== '') return;
  if (reading && level === SOL_SOCKET && option === WORDS['SO_ERROR']) return;
  const prefix = PREFIX[level];
  const known = Object.entries(WORDS).find(
    ([name, number]) => number === option && prefix?.test(name) === true,
  );
  throw new UnsupportedError(`socket option ${known?.[0] ?? `${option} of level ${level}`}`, position);
}

/** The number of an error as SO_ERROR gives it. */
export function errorNumber(name: string | undefined): number {
  return name === undefined ? 0 : (ERRNO[name] ?? 0);
}
