import type { TcpConnection } from './connection.ts';
import { negotiate } from './options.ts';
import type { ArrivedSegment } from './segment.ts';
import { add } from './sequence.ts';

/** OPEN, active [RFC 9293 3.10.1, CLOSED state]: SYN-SENT, and a SYN of the form <SEQ=ISS><CTL=SYN>. */
export function openActive(connection: TcpConnection): void {
  connection.enter('SYN-SENT', 'OPEN');
  connection.synDue = true;
  connection.progressAt = connection.context.now;
}

/**
 * SEGMENT ARRIVES, LISTEN, third check [RFC 9293 3.10.7.2]: a SYN makes a connection in SYN-RECEIVED and is answered by
 * <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>. RST and ACK, the first and second check, were the listener's affair.
 */
export function openPassive(connection: TcpConnection, segment: ArrivedSegment): void {
  const { context, receiver, sender } = connection;
  receiver.synArrived(segment.seq);
  negotiate(connection, segment.header.options, context.settings.tcp);
  connection.ecn.synArrived(segment.header, segment.ecn, false);
  sender.setWindow(segment.seq, sender.iss, segment.header.window); // unscaled in a SYN [RFC 7323 2.3]
  connection.enter('SYN-RECEIVED', 'rcv SYN');
  connection.heardAt = context.now;
  connection.progressAt = context.now;
  connection.synDue = true;
  queueText(connection, segment);
}

/**
 * Data and FIN that came with a SYN wait, unacknowledged, until ESTABLISHED is reached [RFC 9293 3.10.7.2]: who sent them may not be who it
 * says. What does not fit into the first window the peer has to send again.
 */
export function queueText(connection: TcpConnection, segment: ArrivedSegment): void {
  const { receiver } = connection;
  segment.trimFront(1); // the SYN
  segment.trimEnd(Math.max(0, segment.sequenceLength - receiver.wnd));
  receiver.holdUntilEstablished(segment);
}

/** The connection is synchronized: congestion control begins, what waited for it happens [RFC 9293 3.10.4]. */
export function established(connection: TcpConnection, cause: string): void {
  const { sender, context, rtt } = connection;
  connection.enter('ESTABLISHED', cause);
  connection.timers.clear('retransmission');
  const synLost = connection.retransmissions > 1;
  connection.retransmissions = 0;
  connection.counts.establishedAt = context.now;
  connection.counts.recovered(context.now);
  connection.progressAt = context.now;
  connection.heardAt = context.now;
  sender.congestion.established(sender.mss, synLost, context.now, rtt.srtt, connection.sack);
  if (connection.synRetransmitted) rtt.synWasRetransmitted();
  connection.tell({ type: 'established' });
  if (connection.closeQueued) {
    connection.closeQueued = false;
    sender.finQueued = true;
    connection.enter('FIN-WAIT-1', 'CLOSE, queued');
  }
  connection.tellRoom();
}

/** Takes the peer's SYN in SYN-SENT [RFC 9293 3.10.7.3, fourth check]. */
export function takeSyn(connection: TcpConnection, segment: ArrivedSegment): void {
  const { receiver, sender, context } = connection;
  receiver.synArrived(segment.seq);
  negotiate(connection, segment.header.options, context.settings.tcp);
  if (segment.header.ack === undefined) connection.ecn.synArrived(segment.header, segment.ecn, true);
  else connection.ecn.synAckArrived(segment.header, segment.ecn);
  sender.setWindow(segment.seq, segment.header.ack ?? sender.iss, segment.header.window);
  receiver.lastAckSent = add(segment.seq, 1);
}
