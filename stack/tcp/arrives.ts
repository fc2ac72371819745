/**
 * SEGMENT ARRIVES: RFC 9293 3.10.7.3 and 3.10.7.4, one function a check, in the RFC's order. (3.10.7.1, CLOSED, is in `tcp.ts`; 3.10.7.2,
 * LISTEN, in `listener.ts`.) A check returns the reason if the segment goes no further.
 *
 * The third check, security and compartment, is left out: no system in use sets them [RFC 9293 A.1].
 */

import { reached } from '../counters.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type Duration, between, us } from '../time.ts';
import { acknowledgmentArrived } from './acknowledged.ts';
import { enterTimeWait, enteredFinWait2, startTimeWait } from './closing.ts';
import type { TcpConnection } from './connection.ts';
import { established, queueText, takeSyn } from './open.ts';
import { crossedProbe, isOldData } from './old-segments.ts';
import type { ArrivedSegment } from './segment.ts';
import { add, distance, gt, inWindow, leq, lt, min } from './sequence.ts';
import { canReceive } from './states.ts';
import { traceDrop } from './tracing.ts';

/** Why a segment goes no further; undefined: go on with the next check. */
type Verdict = DropReason | 'done' | undefined;

/** A segment for this connection arrived; returns why it was dropped, if it was. */
export function segmentArrives(connection: TcpConnection, segment: ArrivedSegment): DropReason | undefined {
  const verdict =
    connection.state === 'SYN-SENT' ? synSent(connection, segment) : otherStates(connection, segment);
  if (verdict === undefined || verdict === 'done') return undefined;
  traceDrop(connection.context, verdict, connection);
  return verdict;
}

/** RFC 9293 3.10.7.3. */
function synSent(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { sender, timers } = connection;
  const { header } = segment;
  // First, check the ACK bit. An unacceptable ACK is answered by a RST, which the host sends (`resetFor`).
  if (header.ack !== undefined && (leq(header.ack, sender.iss) || gt(header.ack, sender.nxt))) {
    return 'TCP_INVALID_ACK_SEQUENCE';
  }
  // Second, check the RST bit.
  if (header.rst) {
    if (header.ack === undefined) return 'TCP_INVALID_SEQUENCE';
    connection.finish('refused', 'rcv RST');
    return 'done';
  }
  // Fourth, check the SYN bit. Fifth: neither SYN nor RST.
  if (!segment.syn) return 'TCP_FLAGS';
  takeSyn(connection, segment);
  if (header.ack === undefined) {
    queueText(connection, segment);
    connection.enter('SYN-RECEIVED', 'rcv SYN'); // simultaneous open [RFC 9293 3.5, MUST-10]
    connection.synDue = true;
    timers.clear('retransmission');
    return 'done';
  }
  measureHandshake(connection, segment);
  connection.fastOpen?.answered(segment);
  sender.acknowledge(header.ack);
  connection.receiver.ackDue = 'now';
  established(connection, 'rcv SYN,ACK');
  segment.trimFront(1); // the SYN; other controls and text go on at the sixth step
  segment.trimEnd(Math.max(0, distance(connection.receiver.edge, segment.end)));
  return checkUrgent(connection, segment) ?? acceptText(connection, segment) ?? checkFin(connection, segment);
}

/** RFC 9293 3.10.7.4. */
function otherStates(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  return (
    checkSequence(connection, segment) ??
    checkReset(connection, segment) ??
    checkSyn(connection, segment) ??
    checkAck(connection, segment) ??
    checkUrgent(connection, segment) ??
    acceptText(connection, segment) ??
    checkFin(connection, segment)
  );
}

/** First, check sequence number: PAWS [RFC 7323 5.3], Table 6, and the trimming to what is new and inside the window. */
function checkSequence(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { receiver, state } = connection;
  const { header } = segment;
  if (isOwnSynAgain(connection, segment)) return sequenceOfSyn(connection, segment);
  const paws = checkTimestamp(connection, segment);
  if (paws !== undefined) return paws;
  const { nxt, wnd } = receiver;
  const length = segment.sequenceLength;
  const first = wnd === 0 ? segment.seq === nxt : inWindow(segment.seq, nxt, wnd);
  const last = length > 0 && wnd > 0 && inWindow(add(segment.seq, length - 1), nxt, wnd);
  if (!first && !last) return unacceptable(connection, segment);
  if (wnd === 0 && length > 0 && !header.rst) {
    // The window is closed, but ACK, URG and RST are still valid [RFC 9293 MUST-66]; the text is not taken.
    segment.trimEnd(length);
    receiver.ackDue = 'now';
    traceDrop(connection.context, 'TCP_ZEROWINDOW', connection);
  }
  const old = distance(segment.seq, nxt);
  if (old > 0) {
    if (segment.length > 0) receiver.cameTwice(segment.seq, min(nxt, segment.end));
    segment.trimFront(old);
  }
  const beyond = distance(receiver.edge, segment.end);
  if (beyond > 0) segment.trimEnd(beyond);
  return state === 'CLOSED' ? 'TCP_CLOSED' : undefined;
}

/**
 * In SYN-RECEIVED the peer's SYN comes again: alone if our SYN-ACK was lost, with an ACK if both sides opened at once. By the letter of
 * Table 6 it lies one below RCV.NXT and is unacceptable; RFC 9293 A.2 leaves the cure to us: the lone SYN gets the
 * SYN-ACK again, and of the SYN-ACK only the ACK is looked at, so a simultaneous open takes four segments (Figure 7).
 */
function isOwnSynAgain(connection: TcpConnection, segment: ArrivedSegment): boolean {
  return (
    connection.state === 'SYN-RECEIVED' &&
    segment.syn &&
    !segment.header.rst &&
    segment.seq === connection.receiver.irs
  );
}

function sequenceOfSyn(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  if (segment.header.ack === undefined) {
    connection.synDue = true;
    connection.synRetransmitted = true; // so its round-trip time cannot be told any more (Karn)
    connection.timed = undefined;
    connection.ecn.synArrivedAgain(segment.header);
    return 'TCP_OLD_DATA';
  }
  connection.ecn.crossedSynAckArrived(segment.header);
  segment.trimFront(1);
  return undefined;
}

/** PAWS [RFC 7323 5.3, R1], and segments without the timestamp that was agreed on [RFC 7323 3.2]. */
function checkTimestamp(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { receiver, context } = connection;
  if (!connection.timestamps || segment.header.rst) return undefined;
  const { timestamps } = segment.header.options;
  if (timestamps === undefined) return segment.syn ? undefined : 'TCP_RFC7323_TIMESTAMP_MISSING';
  const tooOld = between(receiver.tsRecentAt, context.now) > context.settings.tcp.pawsIdle;
  if (receiver.tsRecent === undefined || tooOld) return undefined;
  if (((timestamps.value - receiver.tsRecent) | 0) >= 0) return undefined;
  if (segment.syn) return undefined; // is challenged below
  acknowledgeUnacceptable(connection, segment);
  return 'TCP_RFC7323_PAWS';
}

/**
 * TS.Recent <- SEG.TSval, if the segment covers Last.ACK.sent [RFC 7323 4.3, 5.3 R3]. Only once the ACK was found to be acceptable: else a
 * blind attacker could lock the peer out with a timestamp of the future (attacks.md A3).
 */
function takeTimestamp(connection: TcpConnection, segment: ArrivedSegment): void {
  const { receiver, context } = connection;
  const { timestamps } = segment.header.options;
  if (!connection.timestamps || timestamps === undefined) return;
  if (gt(segment.header.seq, receiver.lastAckSent)) return;
  const tooOld = between(receiver.tsRecentAt, context.now) > context.settings.tcp.pawsIdle;
  if (receiver.tsRecent === undefined || tooOld || ((timestamps.value - receiver.tsRecent) | 0) >= 0) {
    receiver.tsRecent = timestamps.value;
    receiver.tsRecentAt = context.now;
  }
}

/** Outside of the window: answered by an ACK, unless it is a RST. */
function unacceptable(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  if (segment.header.rst) return 'TCP_INVALID_SEQUENCE';
  if (connection.state === 'TIME-WAIT' && segment.fin) startTimeWait(connection); // its FIN again: our ACK was lost
  if (isOldData(connection, segment)) takeTimestamp(connection, segment);
  acknowledgeUnacceptable(connection, segment);
  const { nxt } = connection.receiver;
  if (segment.length > 0 && lt(segment.seq, nxt))
    connection.receiver.cameTwice(segment.seq, min(nxt, segment.end));
  if (segment.syn) return 'TCP_INVALID_SYN';
  const { ack } = segment.header;
  if (ack !== undefined && crossedProbe(connection, segment, ack)) {
    acknowledgmentArrived(connection, segment, ack);
    afterAck(connection);
  }
  if (segment.sequenceLength > 0 && leq(segment.end, connection.receiver.nxt)) return 'TCP_OLD_DATA';
  if (segment.sequenceLength > 0) return connection.receiver.wnd === 0 ? 'TCP_ZEROWINDOW' : 'TCP_OVERWINDOW';
  return 'TCP_INVALID_SEQUENCE';
}

/**
 * <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. Data is always answered; what could be part of an ACK storm only at the rate of challenge ACKs
 * (attacks.md B2), as Linux does.
 */
function acknowledgeUnacceptable(connection: TcpConnection, segment: ArrivedSegment): void {
  if (segment.sequenceLength > 0 && !segment.syn) connection.receiver.ackDue = 'now';
  else challenge(connection);
}

/** A challenge ACK, at most one per connection and interval [RFC 5961 7]: no counter that an outsider could read (A4). */
function challenge(connection: TcpConnection): void {
  const { now, settings } = connection.context;
  if (between(connection.lastChallenge, now) < settings.tcp.challengeAckInterval)
    return reached(connection.context, 'TCPACKSkippedChallenge', connection.id);
  connection.lastChallenge = now;
  connection.challengeDue = true;
}

/** Second, check the RST bit [RFC 9293 3.10.7.4; RFC 5961 3.2]. A RST may carry data [SHLD-2]. */
function checkReset(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  if (!segment.header.rst) return undefined;
  if (segment.header.seq !== connection.receiver.nxt) {
    challenge(connection);
    return 'TCP_RESET';
  }
  switch (connection.state) {
    case 'SYN-RECEIVED':
      // Back to LISTEN: the listener has never left it, so the connection just ends. The active opener is refused.
      connection.finish(connection.passive ? 'reset' : 'refused', 'rcv RST');
      return 'done';
    case 'TIME-WAIT':
      if (connection.context.settings.tcp.rfc1337) return 'TCP_TIMEWAIT';
      connection.finish(undefined, 'rcv RST');
      return 'done';
    default: // in CLOSING and LAST-ACK too the program hears of it: what it sent last may be lost [RFC 9293 MUST-12]
      connection.finish('reset', 'rcv RST');
      return 'done';
  }
}

/**
 * Fourth, check the SYN bit: a challenge ACK whatever its number [RFC 5961 4.2]; in SYN-RECEIVED after a passive open back to LISTEN. In
 * TIME-WAIT, `tcp.ts` has looked first.
 */
function checkSyn(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  if (!segment.syn) return undefined;
  if (connection.state === 'SYN-RECEIVED' && connection.passive) {
    connection.finish('reset', 'rcv SYN');
    return 'TCP_INVALID_SYN';
  }
  challenge(connection);
  return 'TCP_INVALID_SYN';
}

/** Fifth, check the ACK field. */
function checkAck(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { ack } = segment.header;
  const { sender, state } = connection;
  if (ack === undefined) return 'TCP_FLAGS';
  if (state === 'SYN-RECEIVED') {
    // An unacceptable ACK is answered by a RST, which the host sends (`resetFor`).
    if (!gt(ack, sender.iss) || gt(ack, sender.nxt)) return 'TCP_INVALID_ACK_SEQUENCE'; // SND.UNA = ISS; ISS+1 after Fast Open
    // With a simultaneous open this is a SYN-ACK, whose window is never scaled [RFC 7323 2.3].
    const shift = segment.header.syn ? 0 : sender.windShift;
    sender.setWindow(segment.seq, ack, segment.header.window << shift);
    measureHandshake(connection, segment);
    if (!segment.header.syn) connection.ecn.thirdAckArrived(segment.header);
    sender.acknowledge(ack); // so the SYN neither is measured twice nor opens cwnd
    established(connection, 'rcv ACK of SYN');
  }
  if (gt(ack, sender.highestSent)) {
    challengeOrAck(connection, segment);
    return 'TCP_ACK_UNSENT_DATA';
  }
  if (lt(ack, add(sender.una, -sender.maxWnd))) {
    challenge(connection); // RFC 5961 5.2, MAY-12
    return 'TCP_TOO_OLD_ACK';
  }
  takeTimestamp(connection, segment);
  acknowledgmentArrived(connection, segment, ack);
  return afterAck(connection);
}

function challengeOrAck(connection: TcpConnection, segment: ArrivedSegment): void {
  if (segment.length > 0) connection.receiver.ackDue = 'now';
  else challenge(connection);
}

/** What an ACK of our FIN means in each state. */
function afterAck(connection: TcpConnection): Verdict {
  if (!connection.sender.finAcknowledged) return undefined;
  switch (connection.state) {
    case 'FIN-WAIT-1':
      connection.enter('FIN-WAIT-2', 'rcv ACK of FIN');
      enteredFinWait2(connection);
      return undefined;
    case 'CLOSING':
      enterTimeWait(connection, 'rcv ACK of FIN');
      return 'done';
    case 'LAST-ACK':
      connection.finish(undefined, 'rcv ACK of FIN');
      return 'done';
    default:
      return undefined;
  }
}

/** Sixth, check the URG bit: the data stays in line, the program is told [RFC 9293 3.8.5, MUST-32]. */
function checkUrgent(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { urgentPointer, seq } = segment.header;
  if (urgentPointer === undefined || urgentPointer === 0 || !canReceive(connection.state)) return undefined;
  if (connection.receiver.urgent(add(seq, urgentPointer))) connection.tell({ type: 'urgent' });
  return undefined;
}

/** Seventh, process the segment text. */
function acceptText(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { receiver } = connection;
  takeTextOfSyn(connection, segment);
  if (segment.length === 0) return undefined;
  if (!canReceive(connection.state)) return 'TCP_OLD_DATA'; // after the peer's FIN: should not occur, is ignored
  if (receiver.discarding) {
    connection.reset('TCP_ABORT_ON_DATA', 'aborted', 'rcv data after the program gave up reading');
    return 'TCP_ABORT_ON_DATA';
  }
  if (gt(segment.seq, receiver.nxt)) {
    if (connection.context.memory.refusesGrowth) return prune(connection);
    const stored = receiver.hold(segment);
    if (segment.fin && stored >= 0) receiver.finAt = add(segment.seq, segment.length);
    segment.fin = false; // its turn comes when what is missing has come
    if (stored < 0) {
      reached(connection.context, 'OfoPruned', connection.id);
      return 'TCP_OFO_QUEUE_PRUNE';
    }
    connection.counts.more.outOfOrder += segment.wireSegments;
    return stored === 0 ? 'TCP_OFOMERGE' : 'done';
  }
  receiver.accept(segment);
  receiver.tuning.arrived(receiver.nxt, receiver.wnd, connection.context.now, echoAge(connection, segment));
  connection.tell({ type: 'readable' });
  return undefined;
}

/** How long ago the timestamp left that this segment echoes; undefined: it has none. */
function echoAge(connection: TcpConnection, { header }: ArrivedSegment): Duration | undefined {
  const { timestamps } = header.options;
  if (!connection.timestamps || timestamps === undefined || timestamps.echo === 0) return undefined;
  const ticks = (connection.timestampNow() - timestamps.echo) >>> 0;
  return ticks > 0x7fffffff ? undefined : us(ticks * connection.context.settings.tcp.timestampTick);
}

/** Under memory pressure what is out of order goes first: the peer has it still [RFC 2018 8; `maxMemory`]. */
function prune(connection: TcpConnection): Verdict {
  connection.receiver.prune();
  reached(connection.context, 'PruneCalled', connection.id);
  return 'TCP_OFO_QUEUE_PRUNE';
}

/** What came with the SYN is next in order, and may have come again with this segment. */
function takeTextOfSyn(connection: TcpConnection, segment: ArrivedSegment): void {
  const { receiver } = connection;
  if (!receiver.takeHeld()) return;
  connection.tell({ type: 'readable' });
  const old = distance(segment.seq, receiver.nxt);
  if (old > 0) segment.trimFront(old);
}

/** Eighth, check the FIN bit: of this segment, or of one that was held until now. */
function checkFin(connection: TcpConnection, segment: ArrivedSegment): Verdict {
  const { receiver } = connection;
  if (segment.fin && gt(add(segment.seq, segment.length), receiver.nxt)) {
    receiver.finAt = segment.seq;
    receiver.duplicateAcks += 1; // a lone FIN that came too early
    receiver.sack?.held(segment.seq, add(segment.seq, 1));
    return 'done';
  }
  if (!segment.fin && receiver.finAt !== receiver.nxt) return undefined;
  if (connection.state === 'TIME-WAIT') startTimeWait(connection);
  if (receiver.finReceived) return undefined;
  receiver.acceptFin();
  connection.tell({ type: 'end' });
  switch (connection.state) {
    case 'ESTABLISHED':
      connection.enter('CLOSE-WAIT', 'rcv FIN');
      break;
    case 'FIN-WAIT-1':
      connection.enter('CLOSING', 'rcv FIN'); // our FIN is not acknowledged: the fifth check would have seen it
      break;
    case 'FIN-WAIT-2':
      enterTimeWait(connection, 'rcv FIN');
      break;
    default:
  }
  return undefined;
}

/** The round-trip time of SYN and ACK, if the SYN left only once or timestamps tell which one came back [RFC 6298 3]. */
function measureHandshake(connection: TcpConnection, segment: ArrivedSegment): void {
  const { timestamps } = segment.header.options;
  const { context, timed, rtt } = connection;
  connection.timed = undefined;
  if (connection.handshakeUntimed) return;
  if (timed !== undefined && !connection.synRetransmitted) {
    rtt.sample(between(timed.at, context.now), context.now);
  } else if (connection.timestamps && timestamps !== undefined && timestamps.echo !== 0) {
    const ticks = (connection.timestampNow() - timestamps.echo) >>> 0;
    if (ticks < 0x7fffffff) rtt.sample((ticks * context.settings.tcp.timestampTick) as Duration, context.now);
  }
}
