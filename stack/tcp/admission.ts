/** Whether a listener takes a SYN, and how: RFC 4987, attacks.md A7, A16. */

import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import type { DropReason } from '../drop-reasons.ts';
import { between, seconds } from '../time.ts';
import type { TcpListener } from './listener.ts';

/** For so long after the last cookie one may come back: two time slots. */
const COOKIE_LIFETIME = seconds(128);

/** `queue`: a half-open connection; `cookie`: an answer of which nothing is kept; else why it is dropped. `connections`: there are so many. */
export function admitSyn(
  context: HostContext,
  listener: TcpListener,
  connections: number,
): 'queue' | 'cookie' | DropReason {
  const refused = refusesConnection(context, listener, connections);
  if (refused !== undefined) {
    context.counters.ListenDrops += 1;
    return refused;
  }
  const { synCookies } = context.settings.tcp;
  if (synCookies === 'always') return 'cookie';
  if (!listener.synQueueFull) return 'queue';
  if (synCookies === 'overflow') {
    context.counters.TCPReqQFullDoCookies += 1;
    return 'cookie';
  }
  context.counters.ListenDrops += 1;
  reached(context, 'TCPReqQFullDrop');
  return 'TCP_LISTEN_OVERFLOW';
}

/** Why no connection can be made now, whatever the SYN queue says. */
export function refusesConnection(
  context: HostContext,
  listener: TcpListener,
  connections: number,
): DropReason | undefined {
  if (listener.acceptQueueFull) {
    reached(context, 'ListenOverflows');
    return 'TCP_LISTEN_OVERFLOW';
  }
  return hasRoom(context, connections) ? undefined : 'NOMEM';
}

/** Whether the host may have one more connection. */
export function hasRoom(context: HostContext, connections: number): boolean {
  if (connections >= context.settings.tcp.maxConnections) {
    reached(context, 'ConnectionRefusals');
    return false;
  }
  if (context.memory.refusesConnections) {
    reached(context, 'MemoryRefusals');
    return false;
  }
  return true;
}

/** Whether an ACK for no connection may be the answer to a cookie. */
export function expectsCookie({ settings, now }: HostContext, { cookieSentAt }: TcpListener): boolean {
  if (settings.tcp.synCookies === 'off' || cookieSentAt === undefined) return false;
  return between(cookieSentAt, now) <= COOKIE_LIFETIME;
}
