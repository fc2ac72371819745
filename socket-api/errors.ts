/**
 * The one place that gives the stack's reasons their names in the world of `errno`. Two faces: what Bun reports (the
 * table's rows 3, 7, 9, 44, 57, 58, 65), with the true reason in `cause`; or, with `distinctErrors`, the true reason itself.
 */

import { StackError } from '../stack/errors.ts';
import type { CloseReason, Endpoint, IcmpErrorKind } from '../stack/tcp/events.ts';
import { formatAddress } from '../stack/wire/address.ts';

/** An error as system calls report them. */
export interface SystemError extends Error {
  readonly code: string;
  /** Linux's number: negative, but positive where Bun has it so (row 57). */
  readonly errno: number;
  readonly syscall: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

const ERRNO = {
  EACCES: 13,
  EINVAL: 22,
  EPIPE: 32,
  EPROTO: 71,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;

type Code = keyof typeof ERRNO;

/** What an ICMP error means to a program, as Linux's icmp_err_convert has it. */
const ICMP: { readonly [kind in IcmpErrorKind]: Code } = {
  'net-unreachable': 'ENETUNREACH',
  'host-unreachable': 'EHOSTUNREACH',
  'protocol-unreachable': 'ENOPROTOOPT',
  'port-unreachable': 'ECONNREFUSED',
  'fragmentation-needed': 'EMSGSIZE',
  'source-route-failed': 'EOPNOTSUPP',
  'admin-prohibited': 'EHOSTUNREACH',
  'time-exceeded': 'EHOSTUNREACH',
  'parameter-problem': 'EPROTO',
};

/** Codes that Bun's connect passes on; it calls all others ECONNREFUSED (row 9). */
const KEPT_BY_BUN: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EACCES', 'EINVAL', 'ENOENT']);

function systemError(
  message: string,
  facts: {
    readonly code: string;
    readonly errno: number;
    readonly syscall: string;
    readonly [more: string]: unknown;
  },
  cause?: Error,
): SystemError {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  return Object.assign(error, facts);
}

function numberOf(code: string): number {
  return code in ERRNO ? ERRNO[code as Code] : 0;
}

function at(endpoint: Endpoint): { readonly address: string; readonly port: number } {
  return { address: formatAddress(endpoint.address), port: endpoint.port };
}

/** Why a connection never came about. */
export type ConnectFailure =
  | { readonly reason: CloseReason; readonly detail?: IcmpErrorKind }
  /** `connect` itself refused. */
  | { readonly thrown: StackError };

/** The error for `connectError` and the rejection (rows 3, 8, 9). `remote` is the address that was tried last. */
export function connectError(failure: ConnectFailure, remote: Endpoint, distinct: boolean): SystemError {
  const { code, why } = connectReason(failure);
  const { address, port } = at(remote);
  const exact = systemError(`Connecting to ${address}:${port} failed: ${why}`, {
    code,
    errno: -numberOf(code),
    syscall: 'connect',
    address,
    port,
  });
  if (distinct) return exact;
  const bunCode = KEPT_BY_BUN.has(code) ? code : 'ECONNREFUSED';
  return systemError(
    'Failed to connect',
    { code: bunCode, errno: -numberOf(bunCode), syscall: 'connect' },
    exact,
  );
}

function connectReason(failure: ConnectFailure): { readonly code: string; readonly why: string } {
  if ('thrown' in failure) return { code: failure.thrown.code, why: failure.thrown.message };
  switch (failure.reason) {
    case 'refused':
    case 'reset':
      return { code: 'ECONNREFUSED', why: 'the peer answered with RST, nobody listens there' };
    case 'timeout':
    case 'keepalive':
      return { code: 'ETIMEDOUT', why: 'no answer to any SYN' };
    case 'unreachable': {
      const { detail } = failure;
      if (detail === undefined) return { code: 'EHOSTUNREACH', why: 'the host cannot be reached' };
      return { code: ICMP[detail], why: `a router or the host reported ${detail}` };
    }
    case 'aborted':
      return { code: 'ECONNABORTED', why: 'the attempt was abandoned on this side' };
  }
}

/** `connectTimeout` ran out. */
export function connectTimeoutError(remote: Endpoint | undefined, milliseconds: number): SystemError {
  const where = remote === undefined ? {} : at(remote);
  return systemError(`No connection within ${milliseconds} ms (connectTimeout)`, {
    code: 'ETIMEDOUT',
    errno: -ERRNO.ETIMEDOUT,
    syscall: 'connect',
    ...where,
  });
}

/** A name without address (row 7): EAI_AGAIN if the resolver said so, else ENOTFOUND; numbers as Bun's. */
export function lookupError(cause: unknown, hostname: string): SystemError {
  const code = codeOf(cause) === 'EAI_AGAIN' ? 'EAI_AGAIN' : 'ENOTFOUND';
  return systemError(
    `getaddrinfo ${code} ${hostname}`,
    { code, errno: code === 'EAI_AGAIN' ? -3001 : 4, syscall: 'getaddrinfo', hostname },
    cause instanceof Error ? cause : undefined,
  );
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** How an established connection stood when it ended. */
export interface EndState {
  readonly remote: Endpoint;
  /** The peer's FIN had come, and we might still write: Linux then reports a RST as EPIPE (row 32). */
  readonly halfClosedByPeer: boolean;
  readonly distinct: boolean;
}

/** What `close` is given when a connection ended with `reason`; undefined if the end was ours (rows 32, 44, 65). */
export function closeError(
  reason: CloseReason,
  detail: IcmpErrorKind | undefined,
  end: EndState,
): SystemError | undefined {
  const found = closeReason(reason, detail, end.halfClosedByPeer);
  if (found === undefined) return undefined;
  const { address, port } = at(end.remote);
  const errno = -ERRNO[found.code];
  const sentence = `The connection with ${address}:${port} ended: ${found.why}`;
  if (end.distinct) return systemError(sentence, { code: found.code, errno, syscall: 'read', address, port });
  return systemError(
    `read ${found.code}`,
    { code: found.code, errno, syscall: 'read' },
    systemError(sentence, { code: found.code, errno, syscall: 'read', address, port }),
  );
}

function closeReason(
  reason: CloseReason,
  detail: IcmpErrorKind | undefined,
  halfClosedByPeer: boolean,
): { readonly code: Code; readonly why: string } | undefined {
  switch (reason) {
    case 'refused':
    case 'reset':
      if (halfClosedByPeer)
        return { code: 'EPIPE', why: 'the peer had closed it and reset what we still sent' };
      return { code: 'ECONNRESET', why: 'the peer reset it' };
    case 'timeout':
      return { code: 'ETIMEDOUT', why: 'the peer acknowledged nothing for too long' };
    case 'keepalive':
      return { code: 'ETIMEDOUT', why: 'no answer to any keep-alive probe' };
    case 'unreachable':
      return {
        code: detail === undefined ? 'EHOSTUNREACH' : ICMP[detail],
        why: `ICMP: ${detail ?? 'unreachable'}`,
      };
    case 'aborted':
      return undefined;
  }
}

/** What `listen` throws (rows 57, 58); errno is positive here, as in Bun. */
export function listenError(thrown: unknown, hostname: string, port: number): unknown {
  if (!(thrown instanceof StackError)) return thrown;
  return systemError(
    `Failed to listen at ${hostname}`,
    { code: thrown.code, errno: numberOf(thrown.code), syscall: 'listen', address: hostname, port },
    thrown,
  );
}

/** A name given to `listen` that means no address (row 58): an Error without code. */
export function unknownListenName(hostname: string): Error {
  return new Error(`Failed to listen at ${hostname}`);
}

/** TypeError `ERR_INVALID_ARG_TYPE` (rows 10, 27, 61). */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** RangeError `ERR_OUT_OF_RANGE` in Node's words (rows 10, 26, 66). */
export function outOfRange(
  name: string,
  from: number,
  to: number | undefined,
  received: unknown,
): RangeError {
  const range = to === undefined ? `>= ${from}` : `>= ${from} and <= ${to}`;
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${String(received)}`;
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}
