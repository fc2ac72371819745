/** How a connection comes to its end: CLOSE, ABORT, TIME-WAIT [RFC 9293 3.6, 3.10.4, 3.10.5]. */

import { type Duration, after } from '../time.ts';
import type { TcpConnection } from './connection.ts';
import { isSynchronized } from './states.ts';

/** CLOSE: the FIN follows the queued data. What it does in each state [RFC 9293 3.10.4]. */
export function closeWriteSide(connection: TcpConnection): void {
  const { sender, context } = connection;
  if (sender.finQueued || connection.closeQueued) return;
  if (sender.queue.length === 0 && sender.flightSize === 0) connection.progressAt = context.now; // the FIN waits from now on
  switch (connection.state) {
    case 'SYN-SENT':
      connection.finish(undefined, 'CLOSE');
      return;
    case 'SYN-RECEIVED':
      connection.closeQueued = true; // until ESTABLISHED is reached
      return;
    case 'ESTABLISHED':
      connection.sender.finQueued = true;
      connection.enter('FIN-WAIT-1', 'CLOSE');
      return;
    case 'CLOSE-WAIT':
      connection.sender.finQueued = true;
      connection.enter('LAST-ACK', 'CLOSE');
      return;
    default:
  }
}

/** Half-duplex close: nobody will read any more [RFC 9293 MAY-1, SHLD-3]. */
export function giveUp(connection: TcpConnection): void {
  const { receiver, state } = connection;
  if (receiver.queue.length > 0 && isSynchronized(state) && state !== 'TIME-WAIT') {
    connection.reset('TCP_ABORT_ON_CLOSE', 'aborted', 'CLOSE with unread data');
    return;
  }
  connection.receiver.discard();
  connection.orphaned = true;
  closeWriteSide(connection);
  if (connection.state === 'FIN-WAIT-2') enteredFinWait2(connection);
}

/**
 * ABORT [RFC 9293 3.10.5]: no RST before the peer was heard, nor when both FINs are sent. (The RFC's LAST-ACK means that; here the state
 * is entered by CLOSE, when data and FIN may still wait.)
 */
export function abort(connection: TcpConnection): void {
  const { state, sender } = connection;
  if (state === 'CLOSED') return;
  const bothFins = state === 'TIME-WAIT' || ((state === 'CLOSING' || state === 'LAST-ACK') && sender.finSent);
  if (state === 'SYN-SENT' || bothFins) connection.finish('aborted', 'ABORT');
  else connection.reset('TCP_ABORT_ON_LINGER', 'aborted', 'ABORT');
}

/** FIN-WAIT-2 without anybody who waits for the peer's FIN lasts only so long. */
export function enteredFinWait2(connection: TcpConnection): void {
  const { context, orphaned, timers } = connection;
  if (!orphaned || timers.isSet('fin-wait-2')) return;
  timers.set('fin-wait-2', after(context.now, context.settings.tcp.finWait2Timeout));
}

/** Both FINs are exchanged: waits for two MSL [RFC 9293 MUST-13]. */
export function enterTimeWait(connection: TcpConnection, cause: string): void {
  connection.enter('TIME-WAIT', cause);
  connection.timers.clearAll();
  startTimeWait(connection);
  connection.tell({ type: 'closed' });
}

/** Starts the 2 MSL timer, or starts it again. */
export function startTimeWait(connection: TcpConnection): void {
  const { msl } = connection.context.settings.tcp;
  connection.timers.set('time-wait', after(connection.context.now, (2 * msl) as Duration));
}
