/** SEND [RFC 9293 3.9.1.2]: what a program writes, how much of it is taken, and when it hears of new room. */

import { sendBufferFor } from './autotuning.ts';
import type { TcpConnection } from './connection.ts';
import { distance } from './sequence.ts';

/** Queues a copy of `bytes[from..to)` as far as there is room; returns the bytes taken. */
export function queueBytes(connection: TcpConnection, bytes: Uint8Array, from: number, to: number): number {
  if (!connection.writable) return 0;
  const { sender, context } = connection;
  const empty = sender.queue.length === 0 && sender.flightSize === 0;
  sender.checkAppLimited(); // before the write: was the program what had limited the sending?
  const count = sender.queue.write(bytes, from, from + Math.min(to - from, notSentRoom(connection)));
  if (count < to - from) connection.writableWanted = true;
  if (empty) connection.progressAt = context.now;
  return count;
}

/** Like `queueBytes`, but takes everything, whatever the limits. */
export function queueAll(connection: TcpConnection, bytes: Uint8Array, from: number, to: number): number {
  const { queue } = connection.sender;
  const { limit } = queue;
  const { notSentLowat } = connection;
  queue.limit = Math.max(limit, queue.length + to - from);
  connection.notSentLowat = Infinity;
  const count = connection.send(bytes, from, to);
  queue.limit = limit;
  connection.notSentLowat = notSentLowat;
  return count;
}

/** Tells the owner of new room, once after a `send` that was cut short; returns whether it did. */
export function tellRoom(connection: TcpConnection): boolean {
  const { sender, context } = connection;
  const { queue, congestion } = sender;
  if (!connection.sendBufferFixed && !context.memory.refusesGrowth)
    queue.limit = sendBufferFor(congestion.cwnd, queue.limit, context.settings.tcp.sendBuffer);
  if (!connection.writableWanted || queue.length * 2 > queue.limit) return false;
  if (notSent(connection) >= connection.notSentLowat) return false;
  connection.writableWanted = false;
  connection.tell({ type: 'writable' });
  return true;
}

/** Bytes of the queue that were never sent. */
export function notSent({ sender }: TcpConnection): number {
  return Math.max(0, distance(sender.nxt, sender.finSeq));
}

/**
 * What may be queued so that, once the windows are used up, no more than the limit waits unsent: what the program writes later goes out
 * sooner then, since nothing old lies before it [Linux TCP_NOTSENT_LOWAT].
 */
function notSentRoom(connection: TcpConnection): number {
  const { notSentLowat, sender } = connection;
  if (notSentLowat === Infinity) return Infinity;
  const leaves = Math.min(sender.wnd - sender.flightSize, sender.congestion.cwnd - sender.inFlight);
  // At least a segment: in smaller pieces each byte that an ACK makes room for would leave as a segment of its own.
  const waits = Math.max(notSentLowat, sender.mss);
  return Math.max(0, waits + Math.max(0, leaves) - notSent(connection));
}
