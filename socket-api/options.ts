/** Checks what `listen`, `connect` and `reload` are given (rows 10, 56, 59, 61) and gives it back in a settled form. */

import { type Duration, ms } from '../stack/time.ts';
import { type IpAddress, parseAddress } from '../stack/wire/address.ts';
import type { FastOpenConnect } from '../stack/tcp/fast-open-client.ts';
import type { FastOpenListen } from '../stack/tcp/fast-open.ts';
import { invalidArgument, outOfRange } from './errors.ts';
import { fastOpenOfConnect, fastOpenOfListen } from './fast-open.ts';
import { type Handlers, handlersFrom } from './handlers.ts';

/** What both kinds of socket are made with. */
export interface SocketSettings {
  readonly handlers: Handlers;
  readonly data: unknown;
  readonly allowHalfOpen: boolean;
  readonly distinctErrors: boolean;
  /** Undefined: not buffered. Else the bytes below which `drain` comes. */
  readonly highWaterMark: number | undefined;
  readonly idleTimeout: Duration | undefined;
  readonly notSentLowat: number | undefined;
}

export interface ListenSettings extends SocketSettings {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
  readonly fastOpen: FastOpenListen | undefined;
}

export interface ConnectSettings extends SocketSettings {
  readonly hostname: string;
  readonly port: number;
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number | undefined;
  readonly connectTimeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly fastOpen: FastOpenConnect | undefined;
  /** Addresses are tried beside each other [RFC 8305], not one after the other. */
  readonly happyEyeballs: boolean;
}

/** A record of unknown contents: what a caller from JavaScript may really have given. */
type Given = { readonly [key: string]: unknown };

const DEFAULT_HIGH_WATER_MARK = 64 * 1024;

/** The settled options of `listen`. Throws TypeError, RangeError. */
export function listenSettings(options: unknown): ListenSettings {
  const given = objectOf(options);
  const common = socketSettings(given);
  return {
    ...common,
    ...where(given),
    reusePort: given['reusePort'] === true && given['exclusive'] !== true, // row 59
    ipv6Only: given['ipv6Only'] === true,
    fastOpen: fastOpenOfListen(given['fastOpen']),
  };
}

/** The settled options of `connect`. Throws TypeError, RangeError. */
export function connectSettings(options: unknown): ConnectSettings {
  const given = objectOf(options);
  const common = socketSettings(given);
  const { localPort, signal } = given;
  if (signal !== undefined && !isAbortSignal(signal))
    throw invalidArgument('Expected "signal" to be an AbortSignal');
  return {
    ...common,
    ...where(given),
    localAddress: localAddress(given['localAddress']),
    localPort: localPort === undefined ? undefined : portOf(localPort, 'localPort'),
    connectTimeout: milliseconds(given['connectTimeout'], 'connectTimeout'),
    signal,
    fastOpen: fastOpenOfConnect(given['fastOpen']),
    happyEyeballs: given['happyEyeballs'] !== false,
  };
}

/** The handlers in `reload`'s argument. Throws TypeError (row 56). */
export function reloadHandlers(options: unknown): Handlers {
  const given = objectOf(options);
  const { socket } = given;
  if (socket === undefined || socket === null) throw invalidArgument('Expected "socket" option');
  if (typeof socket !== 'object') throw invalidArgument('Expected "socket" object');
  return handlersFrom(socket);
}

function objectOf(options: unknown): Given {
  if (typeof options !== 'object' || options === null) throw invalidArgument('Expected options object');
  return options as Given;
}

function socketSettings(given: Given): SocketSettings {
  const { socket, buffered } = given;
  if (typeof socket !== 'object' || socket === null)
    throw invalidArgument('SocketOptions.socket is required');
  const handlers = handlersFrom(socket);
  refuseWhatIsMissing(given);
  const idleTimeout = milliseconds(given['idleTimeout'], 'idleTimeout');
  return {
    handlers,
    data: given['data'],
    allowHalfOpen: given['allowHalfOpen'] === true,
    distinctErrors: given['distinctErrors'] === true,
    highWaterMark: highWaterMark(buffered),
    idleTimeout: idleTimeout === undefined ? undefined : ms(idleTimeout),
    notSentLowat: notSentLowat(given['notSentLowat']),
  };
}

function refuseWhatIsMissing(given: Given): void {
  const { tls, unix, fd, quirks } = given;
  if (unix !== undefined) throw new TypeError('Unix sockets do not exist on a userspace TCP/IP stack');
  if (fd !== undefined) throw new TypeError('File descriptors do not exist on a userspace TCP/IP stack');
  if (tls !== undefined && tls !== null && tls !== false) {
    if (tls !== true && typeof tls !== 'object') throw invalidArgument('TLSOptions must be an object'); // row 61
    throw new Error('TLS is not implemented yet (see README)');
  }
  if (quirks !== undefined) throw new Error('quirks mode is not implemented yet');
}

function where(given: Given): { readonly hostname: string; readonly port: number } {
  const { hostname, port } = given;
  if (typeof hostname !== 'string' || hostname === '')
    throw invalidArgument('Expected either "hostname" or "unix"');
  if (port === undefined || port === null) throw invalidArgument('Missing "port"');
  return { hostname, port: portOf(port, 'port') };
}

/** 0..65535; numeric strings are taken as numbers (row 11). */
function portOf(given: unknown, name: string): number {
  const port = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof port !== 'number')
    throw invalidArgument(`Expected "${name}" to be a number between 0 and 65535`);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw outOfRange(name, 0, 65_535, given);
  return port;
}

function localAddress(given: unknown): IpAddress | undefined {
  if (given === undefined) return undefined;
  const address = typeof given === 'string' ? parseAddress(given) : undefined;
  if (address === undefined) throw invalidArgument('Expected "localAddress" to be an IP address');
  return address;
}

/** A length of time in milliseconds; undefined and 0: none. */
function milliseconds(given: unknown, name: string): number | undefined {
  if (given === undefined || given === 0) return undefined;
  if (typeof given !== 'number') throw invalidArgument(`Expected "${name}" to be a number of milliseconds`);
  if (!(given > 0 && Number.isFinite(given))) throw outOfRange(name, 0, undefined, given);
  return given;
}

/** Bytes, at least 1; undefined: as the host's settings have it. */
function notSentLowat(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'number') throw invalidArgument('Expected "notSentLowat" to be a number of bytes');
  if (!(given >= 1)) throw outOfRange('notSentLowat', 1, undefined, given);
  return given;
}

function highWaterMark(buffered: unknown): number | undefined {
  if (buffered === undefined || buffered === false) return undefined;
  if (typeof buffered !== 'object' || buffered === null) return DEFAULT_HIGH_WATER_MARK;
  const mark = (buffered as Given)['highWaterMark'];
  if (mark === undefined) return DEFAULT_HIGH_WATER_MARK;
  if (typeof mark !== 'number') throw invalidArgument('Expected "highWaterMark" to be a number of bytes');
  if (!(mark >= 0)) throw outOfRange('highWaterMark', 0, undefined, mark);
  return mark;
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
