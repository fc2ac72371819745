/**
 * What a connection tells its owner. Events are queued while an input is handled and handed over in the drain, so an owner may
 * call the connection from inside a handler without re-entering anything.
 */

import type { IpAddress } from '../wire/address.ts';
import type { Duration } from '../time.ts';

/** One end of a connection. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** Why a connection ended other than by both FINs [RFC 9293 MUST-12]. */
export type CloseReason =
  /** A RST came; before the connection was established on an active open: refused. */
  | 'refused'
  | 'reset'
  /** R2, the user timeout, or the SYN's last retry. */
  | 'timeout'
  /** Keep-alive probes unanswered. */
  | 'keepalive'
  /** ICMP said so before the handshake was over; `detail` in the event. */
  | 'unreachable'
  /** We aborted it: `abort()`, or `close()` with unread data. */
  | 'aborted';

export type ConnectionEvent =
  /** The handshake is over. */
  | { readonly type: 'established' }
  /** Bytes in order can be read: `receive()`. */
  | { readonly type: 'readable' }
  /** There is room again after `send` took less than it was given. */
  | { readonly type: 'writable' }
  /** The peer's FIN was received; data that came before it may still wait in `receive()`. */
  | { readonly type: 'end' }
  /** Urgent data is pending, or the urgent pointer moved on [RFC 9293 MUST-32]; `urgentBytes` tells how much is left. */
  | { readonly type: 'urgent' }
  /** R1 was reached, or a soft ICMP error came [RFC 9293 SHLD-9, MUST-47]; the connection goes on. */
  | { readonly type: 'soft-error'; readonly what: 'r1' | IcmpErrorKind }
  /**
   * The connection exists no more for its owner: both FINs are exchanged and ours is acknowledged (TIME-WAIT may still run),
   * or `reason` says why not. Always the last event. Received bytes can still be read after it.
   */
  | { readonly type: 'closed'; readonly reason?: CloseReason; readonly detail?: IcmpErrorKind };

/** ICMP errors as a transport sees them. */
export type IcmpErrorKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'protocol-unreachable'
  | 'port-unreachable'
  | 'fragmentation-needed'
  | 'source-route-failed'
  | 'admin-prohibited'
  | 'time-exceeded'
  | 'parameter-problem';

/** Who owns a connection: the socket layer. */
export interface ConnectionOwner {
  connectionEvent(event: ConnectionEvent): void;
}

/** Who owns a listener. */
export interface ListenerOwner {
  /** A connection is established and waits in the accept queue: `listener.accept()`. */
  connectionReady(): void;
}

/** Keep-alive parameters of one connection. */
export interface KeepAlive {
  readonly idle: Duration;
  readonly interval: Duration;
  readonly count: number;
}
