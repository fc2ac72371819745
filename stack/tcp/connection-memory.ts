import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import type { TcpConnection } from './connection.ts';

/** What a connection takes without its buffers, rounded up: 2,818 bytes with 100,000 idle ones that never sent, see docs/performance.md. */
export const CONNECTION_BYTES = 2_880;

/** What the record of one transmission takes, in bytes: 220 measured, and its places in the scoreboard's pages. */
export const TRANSMISSION_BYTES = 256;

/** What a connection was last accounted for, in bytes. */
export class AccountedBytes {
  connection: number = 0;
  send: number = 0;
  scoreboard: number = 0;
  receive: number = 0;
  outOfOrder: number = 0;
}

/**
 * Tells the host's account what the connection holds now; nothing if it is `gone`. If that is more than before and the host has no more, the
 * connection is aborted: true, it has a RST to send.
 */
export function accountFor(connection: TcpConnection, context: HostContext, gone: boolean): boolean {
  const { memory } = context;
  const { accounted, sender, receiver } = connection;
  const before = sum(accounted);
  const own = gone ? 0 : CONNECTION_BYTES;
  const send = gone ? 0 : sender.queue.capacity;
  const scoreboard = gone ? 0 : sender.scoreboard.length * TRANSMISSION_BYTES;
  const receive = gone ? 0 : receiver.queue.held;
  const outOfOrder = gone ? 0 : receiver.assembler.cost;
  memory.add('connections', own - accounted.connection);
  if (send !== accounted.send) memory.add('send', send - accounted.send);
  if (scoreboard !== accounted.scoreboard) memory.add('scoreboard', scoreboard - accounted.scoreboard);
  if (receive !== accounted.receive) memory.add('receive', receive - accounted.receive);
  if (outOfOrder !== accounted.outOfOrder) memory.add('outOfOrder', outOfOrder - accounted.outOfOrder);
  accounted.connection = own;
  accounted.send = send;
  accounted.scoreboard = scoreboard;
  accounted.receive = receive;
  accounted.outOfOrder = outOfOrder;
  const more = sum(accounted) > before;
  if (!more || !memory.exhausted || connection.isOver) return false;
  reached(context, 'TCPAbortOnMemory', connection.id);
  connection.reset('TCP_ABORT_ON_MEMORY', 'aborted', 'out of memory');
  return true;
}

function sum({ connection, send, scoreboard, receive, outOfOrder }: AccountedBytes): number {
  return connection + send + scoreboard + receive + outOfOrder;
}
