/** What happens when a timer goes off: RFC 9293 3.8.3, 3.8.4, 3.8.6.1, 3.10.8; RFC 6298 5. */

import { type Duration, after, between, seconds } from '../time.ts';
import type { TimerName } from '../trace.ts';
import { reorderingTimer } from './acknowledged.ts';
import type { TcpConnection } from './connection.ts';
import { persistInterval } from './departs.ts';
import { suspectBlackHole } from './path-mtu.ts';
import type { AckTimes } from './loss-recovery.ts';
import { isSynchronized } from './states.ts';

/** `timer` went off. */
export function timerFires(connection: TcpConnection, timer: TimerName): void {
  switch (timer) {
    case 'retransmission':
      if (isSynchronized(connection.state)) retransmissionTimeout(connection);
      else synTimeout(connection);
      return;
    case 'loss-probe':
      probeTimeout(connection);
      return;
    case 'reordering':
      connection.recovery.reorderingTimeout(connection.context.now, ackTimes(connection));
      reorderingTimer(connection);
      return;
    case 'pacing':
      return; // what waits leaves in the drain that follows
    case 'persist':
      persistTimeout(connection);
      return;
    case 'delayed-ack':
      if (connection.receiver.ackDue === 'delayed') connection.receiver.ackDue = 'overdue';
      return;
    case 'override':
      connection.sender.pushNow = true;
      return;
    case 'keepalive':
      keepAliveTimeout(connection);
      return;
    case 'user-timeout':
      connection.finish('timeout', 'user timeout');
      return;
    case 'fin-wait-2':
      connection.finish('timeout', 'timeout FIN-WAIT-2');
      return;
    case 'time-wait':
      connection.finish(undefined, 'timeout 2 MSL');
  }
}

/** A SYN's timeout has a ceiling of its own, so that seven retries make 255 s [RFC 9293 MUST-23]. */
export const LARGEST_SYN_RTO: Duration = seconds(128);

/** The SYN or SYN-ACK was not answered: again, up to its own limit [RFC 9293 MUST-22, MUST-23]. */
function synTimeout(connection: TcpConnection): void {
  const { rtt, timers, context, state } = connection;
  const { synRetries, synAckRetries, r1 } = context.settings.tcp;
  const limit = state === 'SYN-RECEIVED' ? synAckRetries : synRetries;
  if (connection.retransmissions >= limit) {
    connection.finish('timeout', 'SYN not answered');
    return;
  }
  connection.counts.timeout(connection.retransmissions === 0, context.now);
  connection.retransmissions += 1;
  if (connection.retransmissions === r1) connection.tell({ type: 'soft-error', what: 'r1' });
  connection.synRetransmitted = true;
  connection.timed = undefined;
  connection.synDue = true;
  rtt.backOff(LARGEST_SYN_RTO);
  timers.set('retransmission', after(context.now, rtt.rto));
}

/** RFC 6298 5.4 to 5.6, with R1 and R2 [RFC 9293 MUST-20]. */
function retransmissionTimeout(connection: TcpConnection): void {
  const { sender, recovery, rtt, timers, context } = connection;
  connection.ecn.timeout();
  if (sender.flightSize === 0) return;
  // A peer that closed its window but still answers is alive, whatever is unacknowledged [RFC 9293 MUST-37, SHLD-17].
  const since =
    sender.wnd === 0 ? Math.max(connection.progressAt, connection.heardAt) : connection.progressAt;
  if (context.now - since >= r2Of(connection)) {
    connection.finish('timeout', 'R2 reached');
    return;
  }
  countRetransmission(connection);
  timers.clear('loss-probe');
  timers.clear('reordering');
  suspectBlackHole(connection);
  recovery.timeout(connection.retransmissions === 1, context.now, ackTimes(connection));
  rtt.backOff();
  timers.set('retransmission', after(context.now, rtt.rto));
}

/** PTO [RFC 8985 7.3]: the tail is probed, and the retransmission timer starts from now. */
function probeTimeout(connection: TcpConnection): void {
  const { recovery, timers, context, rtt, sender } = connection;
  if (sender.flightSize === 0) return;
  recovery.probeTimeout();
  timers.set('retransmission', after(context.now, rtt.rto));
}

function ackTimes({ rtt }: TcpConnection): AckTimes {
  return { srtt: rtt.srtt, minRtt: rtt.minRtt, rto: rtt.rto, rtt: undefined };
}

/** R2: the connection's own if it was given one, shorter or longer than the host's [RFC 9293 MUST-21]. */
function r2Of({ userTimeout, context }: TcpConnection): Duration {
  return userTimeout ?? context.settings.tcp.r2;
}

/** At R1 the program is told [RFC 9293 SHLD-9], and IP that the path may be dead [MUST-20]. */
function countRetransmission(connection: TcpConnection): void {
  connection.counts.timeout(connection.retransmissions === 0, connection.context.now);
  connection.retransmissions += 1;
  if (connection.retransmissions !== connection.context.settings.tcp.r1) return;
  connection.fastOpen?.pathSilent();
  connection.tell({ type: 'soft-error', what: 'r1' });
  connection.pathInDoubt = true;
}

/** A closed window is probed for as long as the peer answers [RFC 9293 MUST-35, MUST-36, MUST-37]. */
function persistTimeout(connection: TcpConnection): void {
  const { sender, timers, context } = connection;
  const silent = Math.min(
    between(connection.heardAt, context.now),
    between(connection.progressAt, context.now),
  );
  if (silent >= r2Of(connection)) {
    connection.finish('timeout', 'R2 reached with the window closed');
    return;
  }
  sender.probeNow = true;
  connection.persistBackoff += 1;
  timers.set('persist', after(context.now, persistInterval(connection)));
}

/**
 * The idle time or a probe's interval is over [RFC 9293 3.8.4]. The deadline is not moved with every segment that arrives; it is looked
 * at again here. Probes leave only when nothing is outstanding [MUST-26], and one that is not answered means nothing [MUST-29].
 */
function keepAliveTimeout(connection: TcpConnection): void {
  const { keepAlive, timers, context, sender, userTimeout } = connection;
  if (keepAlive === undefined) return;
  const quietUntil = after(connection.heardAt, keepAlive.idle);
  if (connection.keepAliveProbes === 0 && quietUntil > context.now) {
    timers.set('keepalive', quietUntil);
    return;
  }
  if (sender.flightSize > 0 || sender.unsent > 0) {
    timers.set('keepalive', after(context.now, keepAlive.idle)); // the retransmission or persist timer watches
    return;
  }
  // Probes that are not answered are no success either: the user timeout ends it before their count does [RFC 5482 4.2; Linux].
  const silent = between(connection.heardAt, context.now);
  const givesUp = connection.keepAliveProbes > 0 && userTimeout !== undefined && silent >= userTimeout;
  if (givesUp || connection.keepAliveProbes >= keepAlive.count) {
    connection.reset('TCP_KEEPALIVE_TIMEOUT', 'keepalive', 'keep-alive probes unanswered');
    return;
  }
  connection.keepAliveProbes += 1;
  connection.keepAliveDue = true;
  timers.set('keepalive', after(context.now, keepAlive.interval));
}
