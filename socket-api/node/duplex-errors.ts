/** Errors as `node:net` reports them: `connect ECONNREFUSED 10.0.0.2:80`, `read ECONNRESET` …, the sentence in `cause`. */

import type { StackError } from '../../stack/errors.ts';
import type { CloseReason, Endpoint, IcmpErrorKind } from '../../stack/tcp/events.ts';
import { formatAddress } from '../../stack/wire/address.ts';
import { closeError, type ConnectFailure, connectError, type SystemError } from '../errors.ts';

/** `getaddrinfo`'s numbers in libuv. */
const LOOKUP = { EAI_AGAIN: -3001, ENOTFOUND: -3008 } as const;
const EPIPE = 32;
const ECANCELED = 125;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;

type Facts = Pick<SystemError, 'errno' | 'code' | 'syscall'> & { readonly [more: string]: unknown };

function nodeError(message: string, facts: Facts, cause?: unknown): SystemError {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  return Object.assign(error, facts);
}

/** `address:port`; no brackets around IPv6 addresses, for Node writes none either. */
function where({ address, port }: Endpoint): string {
  return `${formatAddress(address)}:${port}`;
}

/** Why `connect` failed, at the address that was tried last. */
export function connectFailure(failure: ConnectFailure, remote: Endpoint): SystemError {
  const cause = connectError(failure, remote, true);
  const { code, errno } = cause;
  const address = formatAddress(remote.address);
  const facts = { errno, code, syscall: 'connect', address, port: remote.port };
  return nodeError(`connect ${code} ${where(remote)}`, facts, cause);
}

/** A name without address. */
export function lookupFailure(cause: unknown, hostname: string): SystemError {
  const given = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const code = given === 'EAI_AGAIN' ? 'EAI_AGAIN' : 'ENOTFOUND';
  const facts = { errno: LOOKUP[code], code, syscall: 'getaddrinfo', hostname };
  return nodeError(`getaddrinfo ${code} ${hostname}`, facts, cause);
}

/** Why an established connection died; undefined if we ended it ourselves. */
export function readFailure(
  reason: CloseReason,
  detail: IcmpErrorKind | undefined,
  remote: Endpoint,
  halfClosedByPeer: boolean,
): SystemError | undefined {
  const cause = closeError(reason, detail, { remote, halfClosedByPeer, distinct: true });
  if (cause === undefined) return undefined;
  const { code, errno } = cause;
  const syscall = code === 'EPIPE' ? 'write' : 'read';
  return nodeError(`${syscall} ${code}`, { errno, code, syscall }, cause);
}

/** A write on a connection whose sending side is over. */
export function brokenPipe(): SystemError {
  return nodeError('write EPIPE', { errno: -EPIPE, code: 'EPIPE', syscall: 'write' });
}

/** A write after the peer's end has ended us, without `allowHalfOpen`. */
export function endedByPeer(): Error {
  return Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
}

/** What a write is told that the socket's end overtook. */
export function canceled(): SystemError {
  return nodeError('write ECANCELED', { errno: -ECANCELED, code: 'ECANCELED', syscall: 'write' });
}

/** What `listenDuplex` throws. */
export function listenFailure(cause: StackError, address: string, port: number): SystemError {
  const { code } = cause;
  const errno = code === 'EADDRINUSE' ? -EADDRINUSE : code === 'EADDRNOTAVAIL' ? -EADDRNOTAVAIL : 0;
  const facts = { errno, code, syscall: 'listen', address, port };
  return nodeError(`listen ${code}: ${cause.message} ${address}:${port}`, facts, cause);
}
