/**
 * What a connection sends next: RFC 9293 3.7, 3.8. Asked after every input until it answers "nothing", whereupon the timers that wait for
 * something are set.
 */

import { type Duration, after, earlier, us } from '../time.ts';
import { RETRANSMISSIONS, type SendCause } from '../trace.ts';
import { BARE_HEADER, type TcpHeader } from '../wire/tcp.ts';
import { mtuProbeDue, mtuProbeSent } from './path-mtu.ts';
import type { TcpConnection } from './connection.ts';
import { ackOptions, segmentOptions, synOptions } from './options.ts';
import type { OutgoingSegment } from './segment.ts';
import { type SendPlan, blocked } from './send-plan.ts';
import { type SeqNumber, add } from './sequence.ts';
import { isSynchronized } from './states.ts';
import { urgentDue, urgentPointer } from './urgent.ts';

/** The next segment, or undefined. */
export function nextSegment(connection: TcpConnection): OutgoingSegment | undefined {
  const { state } = connection;
  if (state === 'CLOSED') return resetSegment(connection);
  const handshake = !isSynchronized(state) && (connection.synDue || connection.fastOpened?.accepted !== true);
  const segment = handshake ? synSegment(connection) : synchronizedSegment(connection);
  if (segment !== undefined) return segment;
  setTimers(connection);
  if (connection.notSentLowat < Infinity) connection.tellRoom(); // what has left made room
  return segment;
}

/** SYN and SYN-ACK [RFC 9293 3.10.1, 3.10.7.2]; in SYN-RECEIVED also the ACK for what is unacceptable. */
function synSegment(connection: TcpConnection): OutgoingSegment | undefined {
  const { receiver, sender, context, timers, rtt, ecn } = connection;
  const answer = connection.state === 'SYN-RECEIVED';
  if (!connection.synDue) {
    const cause = answer ? takeAckDue(connection) : undefined;
    return cause === undefined ? undefined : pureAck(connection, cause);
  }
  connection.synDue = false;
  connection.challengeDue = false;
  if (connection.timed === undefined && !connection.synRetransmitted) {
    connection.timed = { end: sender.nxt, at: context.now };
  }
  if (!timers.isSet('retransmission')) timers.set('retransmission', after(context.now, rtt.rto));
  // Before the options: what leaves again may leave without some of them.
  const flags = answer
    ? ecn.synAckFlags(connection.retransmissions)
    : ecn.synFlags(connection.retransmissions);
  const plain = synOptions(connection, context.settings.tcp);
  const { options, length } =
    connection.fastOpen === undefined || answer
      ? { options: plain, length: 0 }
      : connection.fastOpen.syn(plain);
  const header: TcpHeader = {
    ...base(connection, sender.iss),
    ack: answer ? receiver.nxt : undefined,
    syn: true,
    ...flags,
    window: Math.min(answer ? receiver.wnd : receiver.buffer, 0xffff), // never scaled [RFC 7323 2.3]
    options,
  };
  return { header, offset: 0, length, segmentSize: 0, cause: answer ? 'syn-ack' : 'syn' };
}

/** Duplicate ACKs first, since only ACKs without data count as such [RFC 5681 2]; then data, which carries the ACK; else the ACK. */
function synchronizedSegment(connection: TcpConnection): OutgoingSegment | undefined {
  const { receiver, sender } = connection;
  if (receiver.duplicateAcks > 0) return pureAck(connection, duplicateCause(connection));
  if (connection.state !== 'TIME-WAIT' && !connection.ecn.waiting) {
    const plan = nextPlan(connection);
    if (plan !== undefined) return dataSegment(connection, plan);
    sender.pushNow = false;
  }
  const cause = takeAckDue(connection);
  if (cause !== undefined) return pureAck(connection, cause);
  if (urgentDue(connection)) return pureAck(connection, 'ack');
  if (receiver.windowUpdateDue()) return pureAck(connection, 'window-update');
  if (connection.keepAliveDue) {
    connection.keepAliveDue = false;
    return pureAck(connection, 'keepalive-probe', add(sender.nxt, -1)); // an old number and no data: it has to be answered [RFC 9293 SHLD-12]
  }
  return undefined;
}

/** What of the queue leaves next; nobody is asked if there is nothing that could. */
function nextPlan(connection: TcpConnection): SendPlan | undefined {
  const { sender, context, rtt } = connection;
  sender.pacedUntil = undefined;
  const { una, nxt, unsent, retransmitNow, probeTail } = sender;
  if (una === nxt && unsent === 0 && retransmitNow === undefined && !probeTail) return undefined;
  connection.watchForLosses();
  sender.mtuProbe = mtuProbeDue(connection);
  return sender.next(context.now, rtt);
}

/** The first ACK after a segment came out of order may still acknowledge something new. */
function duplicateCause({ receiver }: TcpConnection): SendCause {
  return receiver.lastAckSent === receiver.nxt ? 'duplicate-ack' : 'ack';
}

/** Why an ACK has to leave now; undefined if none has to. */
function takeAckDue(connection: TcpConnection): SendCause | undefined {
  const { ackDue } = connection.receiver;
  const challenge = connection.challengeDue;
  connection.challengeDue = false;
  if (challenge) {
    connection.context.counters.TCPChallengeACK += 1; // the segment's cause tells the trace
    return 'challenge-ack';
  }
  if (ackDue === 'overdue') return 'delayed-ack';
  return ackDue === 'now' ? 'ack' : undefined;
}

/** <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, or with an older number. */
function pureAck(connection: TcpConnection, cause: SendCause, seq?: SeqNumber): OutgoingSegment {
  const header = acknowledging(connection, seq ?? connection.sender.nxt, 0, false, false);
  return { header, offset: 0, length: 0, segmentSize: 0, cause };
}

function dataSegment(connection: TcpConnection, plan: SendPlan): OutgoingSegment {
  const { sender, context, timers, rtt, ecn } = connection;
  const newData = plan.cause === 'data' && plan.length > 0;
  const header = acknowledging(connection, plan.seq, plan.length, plan.psh, plan.fin, newData);
  const again = plan.cause !== 'data' && RETRANSMISSIONS.includes(plan.cause);
  if (again) {
    connection.timed = undefined; // Karn [RFC 6298 3]
  } else if (connection.timed === undefined && !connection.timestamps && plan.cause === 'data') {
    connection.timed = { end: sender.nxt, at: context.now };
  }
  // RFC 6298 5.1; a probe is the persist timer's affair.
  if (plan.cause !== 'window-probe' && !timers.isSet('retransmission')) {
    timers.set('retransmission', after(context.now, rtt.rto));
    timers.clear('override');
  }
  // The first segment left again, so the timer waits for that one now (as Linux has it).
  if (plan.cause === 'fast-retransmit' && connection.sack && plan.seq === sender.una) {
    timers.set('retransmission', after(context.now, rtt.rto));
  }
  const cause: SendCause = plan.cause === 'data' && plan.length === 0 ? 'fin' : plan.cause;
  if (plan.cause === 'mtu-probe') mtuProbeSent(connection);
  const { length } = plan;
  const segmentSize = length > sender.mss && plan.cause !== 'mtu-probe' ? sender.mss : 0;
  return { header, offset: sender.offsetOf(plan.seq), length, segmentSize, ecn: ecn.codepoint(plan), cause };
}

/** A RST for a connection that has just ended: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>. */
function resetSegment(connection: TcpConnection): OutgoingSegment | undefined {
  const { resetDue, receiver, sender } = connection;
  if (resetDue === undefined) return undefined;
  connection.resetDue = undefined;
  const header = { ...base(connection, sender.nxt), ack: receiver.nxt, rst: true };
  return { header, offset: 0, length: 0, segmentSize: 0, cause: 'reset', reset: resetDue };
}

function acknowledging(
  connection: TcpConnection,
  seq: SeqNumber,
  length: number,
  psh: boolean,
  fin: boolean,
  newData: boolean = false,
): TcpHeader {
  const { receiver, sender, timers, ecn } = connection;
  const { ece, cwr, ae } = ecn.flags(seq, length, newData, newData ? connection.recovery.reductions : 0);
  const header: TcpHeader = {
    sourcePort: connection.local.port,
    destinationPort: connection.remote.port,
    seq,
    ack: receiver.nxt,
    syn: false,
    fin,
    rst: false,
    psh,
    urgentPointer: urgentPointer(sender, seq),
    ece,
    cwr,
    ae,
    window: receiver.offerWindow(),
    options: ackOptions(connection, length),
  };
  if (header.urgentPointer !== undefined) connection.urgentTold = sender.up;
  receiver.ackSent();
  timers.clear('delayed-ack');
  return header;
}

function base(connection: TcpConnection, seq: SeqNumber): TcpHeader {
  const { local, remote } = connection;
  return {
    ...BARE_HEADER,
    sourcePort: local.port,
    destinationPort: remote.port,
    seq,
    options: segmentOptions(connection),
  };
}

/** Nothing more may leave now: sets the timers for what is waited for. */
function setTimers(connection: TcpConnection): void {
  const { timers, receiver, context, keepAlive, userTimeout, sender } = connection;
  const { tcp } = context.settings;
  if (receiver.ackDue === 'delayed' && !timers.isSet('delayed-ack')) {
    timers.set('delayed-ack', after(context.now, tcp.delayedAck));
  }
  if (connection.state === 'SYN-SENT' && userTimeout !== undefined && !timers.isSet('user-timeout'))
    timers.set('user-timeout', after(connection.progressAt, userTimeout)); // it holds in any state [RFC 9293 3.10.8]
  if (!isSynchronized(connection.state) || connection.state === 'TIME-WAIT' || connection.ecn.waiting) return;
  setProbeTimers(connection);
  setLossTimers(connection);
  const waiting = sender.flightSize > 0 || sender.unsent > 0;
  if (userTimeout !== undefined && waiting && !timers.isSet('user-timeout')) {
    timers.set('user-timeout', after(connection.progressAt, userTimeout));
  }
  if (keepAlive !== undefined && !timers.isSet('keepalive')) {
    timers.set('keepalive', after(connection.heardAt, keepAlive.idle));
  }
}

/** The tail's probe, from the last new data or the last ACK for new data on [RFC 8985 7.2]; and the pacer's next turn. */
function setLossTimers(connection: TcpConnection): void {
  const { timers, sender, rtt, context } = connection;
  if (sender.pacedUntil === undefined) timers.clear('pacing');
  else timers.set('pacing', sender.pacedUntil);
  if (sender.flightSize === 0) return timers.clear('loss-probe');
  const { recovery } = connection;
  const delay = recovery.probeDelay({ srtt: rtt.srtt, minRtt: rtt.minRtt, rto: rtt.rto, rtt: undefined });
  if (delay === undefined) return timers.clear('loss-probe');
  if (!recovery.probeRestart) return;
  recovery.probeRestart = false;
  const due = after(context.now, delay);
  timers.set('loss-probe', earlier(due, timers.deadline('retransmission')));
}

/**
 * With nothing in flight no ACK will come and let the rest go: a closed window is probed [RFC 9293 3.8.6.1], what silly-window avoidance
 * holds back goes after a while [RFC 9293 3.8.6.2.1, MUST-60].
 */
function setProbeTimers(connection: TcpConnection): void {
  const { timers, sender, context } = connection;
  if (sender.flightSize > 0 || sender.unsent <= 0) {
    timers.clear('persist');
    timers.clear('override');
    return;
  }
  const why = blocked(sender);
  if (why === 'window') {
    timers.clear('override');
    if (!timers.isSet('persist')) timers.set('persist', after(context.now, persistInterval(connection)));
  } else if (!timers.isSet('override')) {
    timers.set('override', after(context.now, context.settings.tcp.override));
  }
}

/** RTO, doubled for each probe [RFC 9293 SHLD-29, SHLD-30]. */
export function persistInterval(connection: TcpConnection): Duration {
  const { maxPersist } = connection.context.settings.tcp;
  return us(Math.min(connection.rtt.rto * 2 ** Math.min(connection.persistBackoff, 16), maxPersist));
}
