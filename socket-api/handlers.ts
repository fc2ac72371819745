/** The user's callbacks: their check, their call, and where their errors go. */

import { invalidArgument } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { BinaryType, Socket, SocketHandler } from './types.ts';

type AnyHandler = SocketHandler<unknown, BinaryType>;

/** Handlers once checked. Which `Data` they expect is between their author and `options.data`. */
export type Handlers = Readonly<AnyHandler> & { readonly binaryType: BinaryType };

/** What a listener and all its sockets hold together, so that `reload` reaches everyone (row 56). */
export interface HandlerSet {
  current: Handlers;
}

/** The names of the callbacks, and what Bun calls them in its complaints (row 10). */
const CALLBACKS = {
  open: 'onOpen',
  close: 'onClose',
  error: 'onError',
  data: 'onData',
  drain: 'onDrain',
  handshake: 'onHandshake',
  end: 'onEnd',
  connectError: 'onConnectError',
  timeout: 'onTimeout',
} as const;

/** Takes the callbacks out of what the user gave; later changes to that object have no effect, as in Bun. Throws TypeError (rows 10, 61). */
export function handlersFrom(given: object): Handlers {
  const source = given as { readonly [key: string]: unknown };
  const found: { [key: string]: unknown } = {};
  for (const [name, bunName] of Object.entries(CALLBACKS)) {
    const callback = source[name];
    if (callback === undefined || callback === null) continue;
    if (typeof callback !== 'function')
      throw invalidArgument(`Expected "${bunName}" callback to be a function`);
    found[name] = callback;
  }
  if (found['data'] === undefined && found['drain'] === undefined) {
    throw invalidArgument('Expected at least "data" or "drain" callback');
  }
  return { ...(found as AnyHandler), binaryType: binaryType(source['binaryType']) };
}

function binaryType(given: unknown): BinaryType {
  switch (given) {
    case undefined:
    case null:
      return 'buffer';
    case 'arraybuffer':
    case 'buffer':
    case 'uint8array':
      return given;
    default:
      throw invalidArgument('SocketHandler.binaryType must be "arraybuffer", "buffer", or "uint8array"');
  }
}

/** A chunk in the form that the handlers want (row 71); over the same memory wherever that can be. */
export function inBinaryType(chunk: Uint8Array, wanted: BinaryType, runtime: Runtime): unknown {
  const bytes = chunk as Uint8Array<ArrayBuffer>; // fresh memory of the connection's, never shared
  switch (wanted) {
    case 'buffer':
      return runtime.makeBuffer(bytes);
    case 'uint8array':
      return bytes;
    case 'arraybuffer':
      return bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }
}

/** The outcome of a call: what was thrown, if anything was. */
export type Outcome =
  | { readonly threw: false; readonly returned: unknown }
  | { readonly threw: true; readonly error: unknown };

const NOT_CALLED: Outcome = { threw: false, returned: undefined };

/**
 * Calls one callback. A rejected promise that it returns stays unhandled (row 18): nobody waits for async handlers.
 */
export function call<Rest extends readonly unknown[]>(
  callback: ((socket: Socket<unknown>, ...rest: Rest) => unknown) | undefined,
  socket: Socket<unknown>,
  ...rest: Rest
): Outcome {
  if (callback === undefined) return NOT_CALLED;
  try {
    return { threw: false, returned: callback.call(socket, socket, ...rest) };
  } catch (error) {
    return { threw: true, error };
  }
}

/** Hands what a callback threw to `error`; without one, or if that throws as well, it is uncaught (rows 14-17). */
export function routeError(
  handlers: Handlers,
  socket: Socket<unknown>,
  error: unknown,
  runtime: Runtime,
): void {
  if (handlers.error === undefined) {
    runtime.uncaught(error);
    return;
  }
  const outcome = call(handlers.error, socket, error as Error);
  if (outcome.threw) runtime.uncaught(outcome.error);
}
