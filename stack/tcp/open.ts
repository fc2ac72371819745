import { after } from '../time.ts';
import type { TcpConnection } from './connection.ts';
import { settledEcn } from './ecn.ts';
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
  const { options, ae, cwr, ece } = segment.header;
  connection.synOffer = { options, ae, cwr, ece, codepoint: segment.ecn };
  connection.enter('SYN-RECEIVED', 'rcv SYN');
  connection.heardAt = context.now;
  connection.progressAt = context.now;
  connection.synDue = true;
  if (connection.fastOpened?.accepted === true) takeTextAtOnce(connection, segment);
  else queueText(connection, segment);
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

/**
 * Fast Open: the data of the SYN goes to the program now, and the SYN-ACK acknowledges it [RFC 7413 4.2.2]. A FIN waits until the handshake
 * is over. What the program answers may leave before that, in the initial window; so SND.UNA lies behind our SYN from now on.
 */
function takeTextAtOnce(connection: TcpConnection, segment: ArrivedSegment): void {
  const { receiver, sender } = connection;
  queueText(connection, segment);
  if (receiver.takeHeld()) connection.tell({ type: 'readable' });
  receiver.ackDue = 'none'; // the SYN-ACK does it
  sender.una = add(sender.iss, 1);
  sender.congestion.established(sender.mss, false, connection.context.now, undefined, connection.sack);
}

/** The connection is synchronized: congestion control begins, what waited for it happens [RFC 9293 3.10.4]. */
export function established(connection: TcpConnection, cause: string): void {
  const { sender, context, rtt } = connection;
  connection.enter('ESTABLISHED', cause);
  connection.timers.clear('retransmission');
  connection.timers.clear('user-timeout');
  const synLost = connection.retransmissions > 1;
  connection.retransmissions = 0;
  connection.counts.establishedAt = context.now;
  connection.counts.recovered(context.now);
  connection.synOffer = undefined;
  connection.ecn = settledEcn(connection.ecn, context.settings.tcp);
  connection.progressAt = context.now;
  connection.heardAt = context.now;
  if (connection.fastOpened?.accepted !== true)
    sender.congestion.established(sender.mss, synLost, context.now, rtt.srtt, connection.sack);
  connection.fastOpen?.established();
  connection.fastOpened?.over(false, context.now);
  if (sender.flightSize > 0) connection.timers.set('retransmission', after(context.now, rtt.rto)); // left before the handshake was over
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
