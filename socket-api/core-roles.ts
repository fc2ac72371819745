import type { Host } from '../stack/host.ts';
import type { SocketCore } from './core.ts';
import type { HandlerSet } from './handlers.ts';
import type { SocketSettings } from './options.ts';
import type { Runtime } from './runtime.ts';
import type { SocketListener } from './types.ts';

/** What a socket shares with others, and what it was made with. */
export interface CoreSettings {
  readonly host: Host;
  readonly runtime: Runtime;
  /** Shared by all sockets of a listener. */
  readonly handlers: HandlerSet;
  readonly data: unknown;
  /** Accepted by a listener on `::`: IPv4 addresses read `::ffff:a.b.c.d`, of family IPv6 (row 60). */
  readonly mapped: boolean;
  readonly options: SocketSettings;
}

/** Who accepted a socket. */
export interface Acceptor {
  /** What `socket.listener` gives: undefined once the listener is closed (row 55). */
  readonly publicListener: SocketListener | undefined;
  /** The socket is closed. */
  forget(core: SocketCore): void;
}
