import type { HostContext } from '../context.ts';
import type { Route } from '../ip/routes.ts';
import type { TcpConnection } from './connection.ts';
import type { Endpoint } from './events.ts';
import type { SeqNumber } from './sequence.ts';

/** What a connection is made with. */
export interface ConnectionSetup {
  readonly id: number;
  readonly context: HostContext;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The way that its segments take; the host's affair. */
  readonly route: Route;
  readonly passive: boolean;
  readonly iss: SeqNumber;
  /** The MSS to announce: the interface's MTU less IP and TCP headers [RFC 9293 MUST-67]. */
  readonly announcedMss: number;
  /** What the peer takes if it does not say: 536 over IPv4, 1220 over IPv6 [RFC 9293 MUST-15]. */
  readonly defaultMss: number;
  /** The largest packet that gets to the peer, as far as is known: the interface's MTU, or less [RFC 1191 6.2]. */
  readonly pathMtu: number;
  /** The device cuts super-segments. */
  readonly deviceCuts: boolean;
  /** Bytes that the device's queue towards us holds: the window stays below it (performance.md); undefined: no such limit. */
  readonly deviceQueue: number | undefined;
  readonly timestampOffset: number;
  /** Called when the connection has something to do although no input came from the network. */
  readonly touched: (connection: TcpConnection) => void;
}
