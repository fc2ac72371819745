import type { Host } from '../stack/host.ts';
import { connectSocket } from './connect.ts';
import { Listener } from './listener.ts';
import { connectSettings, listenSettings } from './options.ts';
import { bareRuntime, type Runtime } from './runtime.ts';
import type { SocketApi } from './types.ts';

/** Settings of the whole API. */
export interface SocketApiOptions {
  /** Bun's deviations from its documents; not implemented yet: throws. */
  readonly quirks?: 'bun-1.4';
}

/**
 * Bun's `listen` and `connect` over a host of this stack. `runtime` tells what depends on the platform: `nodeRuntime` of
 * `socket-api/node/runtime.ts` on Node; what is given by default suits a browser.
 */
export function createSocketApi(
  host: Host,
  runtime: Runtime = bareRuntime,
  options: SocketApiOptions = {},
): SocketApi {
  if (options.quirks !== undefined) throw new Error('quirks mode is not implemented yet');
  const api = {
    listen: (given: unknown): unknown => new Listener(host, runtime, listenSettings(given)),
    // Not an async function: bad options throw at once (row 10).
    connect: (given: unknown): unknown => connectSocket(host, runtime, connectSettings(given)),
  };
  return api as SocketApi;
}
