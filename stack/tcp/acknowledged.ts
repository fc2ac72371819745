import { type Duration, after, between, us } from '../time.ts';
import { mtuProbeSettled } from './path-mtu.ts';
import type { TcpConnection } from './connection.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, geq } from './sequence.ts';

/**
 * An acceptable ACK, in any synchronized state: SND.UNA and SND.WND move, round-trip time, congestion control, loss recovery and the
 * retransmission timer follow [RFC 9293 3.10.7.4, fifth check; RFC 6298 5; RFC 5681].
 */
export function acknowledgmentArrived(
  connection: TcpConnection,
  segment: ArrivedSegment,
  ack: SeqNumber,
): void {
  const { sender, recovery, context, rtt, timers } = connection;
  const { now } = context;
  connection.heardAt = now;
  connection.keepAliveProbes = 0;
  const { flightSize: flightBefore, inFlight: pipeBefore, una } = sender;
  const marks = connection.ecn.arrived(connection, segment, ack);
  const known = geq(ack, una); // an old ACK tells nothing but what its blocks say
  sender.checkAppLimited();
  recovery.takeBlocks(segment, ack, now, rtt.minRtt);
  const acked = known ? sender.acknowledge(ack) : 0;
  const measured = acked > 0 ? measure(connection, segment, ack, flightBefore) : undefined;
  const times = { srtt: rtt.srtt, minRtt: rtt.minRtt, rto: rtt.rto, rtt: measured };
  const restart = recovery.settle({ segment, ack, acked, flightBefore, pipeBefore, now, times });
  connection.ecn.settle(connection, ack, marks, flightBefore);
  const probe = sender.mtuProbeResult;
  sender.mtuProbeResult = undefined;
  if (probe !== undefined) {
    if (probe === 'lost') sender.lossCause = 'mtu-retransmit';
    mtuProbeSettled(connection, probe === 'arrived');
  }
  if (acked > 0) progress(connection, restart);
  // SND.UNA =< SEG.ACK: the window may be updated; an old ACK changes nothing.
  if (known) windowArrived(connection, segment, ack);
  reorderingTimer(connection);
  if (sender.flightSize === 0) timers.clear('loss-probe');
  connection.tellRoom();
}

/** SND.UNA has moved [RFC 6298 5.2, 5.3]. */
function progress(connection: TcpConnection, restart: boolean): void {
  const { sender, rtt, timers, context } = connection;
  connection.retransmissions = 0;
  if (connection.recovery.state !== 'Loss') connection.counts.recovered(context.now);
  connection.progressAt = context.now;
  if (sender.flightSize === 0 && !connection.ecn.waiting) timers.clear('retransmission');
  else if (restart) timers.set('retransmission', after(context.now, rtt.rto));
  timers.clear('user-timeout'); // set again, from now, if anything is left to wait for
}

/** RACK looks again when the reordering window has passed [RFC 8985 6.2, step 5]. */
export function reorderingTimer({ recovery, timers }: TcpConnection): void {
  const { reorderingDeadline } = recovery;
  if (reorderingDeadline === undefined) timers.clear('reordering');
  else timers.set('reordering', reorderingDeadline);
}

/**
 * A measurement of the round-trip time. With timestamps from every ACK that moves SND.UNA, the gains scaled to how many those are per
 * round trip [RFC 7323 4.1, 4.2]; without, from one segment at a time that was not sent again (Karn) [RFC 6298 3].
 */
function measure(
  connection: TcpConnection,
  segment: ArrivedSegment,
  ack: SeqNumber,
  flight: number,
): Duration | undefined {
  const { rtt, sender, context, timed } = connection;
  const { timestamps } = segment.header.options;
  if (connection.timestamps && timestamps !== undefined && timestamps.echo !== 0) {
    const ticks = (connection.timestampNow() - timestamps.echo) >>> 0;
    if (ticks > 0x7fffffff) return undefined;
    const perRoundTrip = Math.max(1, Math.ceil(flight / (2 * sender.mss)));
    rtt.sample(us(ticks * context.settings.tcp.timestampTick), context.now, perRoundTrip);
  } else if (timed !== undefined && geq(ack, timed.end)) {
    connection.timed = undefined;
    rtt.sample(between(timed.at, context.now), context.now);
  } else {
    return undefined;
  }
  traceRtt(connection, rtt.srtt ?? us(0), rtt.rttvar ?? us(0));
  return rtt.lastSample;
}

function traceRtt(connection: TcpConnection, srtt: Duration, rttvar: Duration): void {
  const { context, rtt } = connection;
  if (context.tracer === undefined) return;
  const { computedRto, rto, lastSample } = rtt;
  const facts = { connection: connection.id, sample: lastSample, srtt, rttvar, computedRto, rto };
  context.tracer({ type: 'rtt', at: context.now, host: context.name, ...facts });
}

/** SND.WND from the segment; a window that opens lets data go, one that closes starts the persist timer (`departs.ts`). */
function windowArrived(connection: TcpConnection, segment: ArrivedSegment, ack: SeqNumber): void {
  const { sender, timers } = connection;
  const closed = sender.wnd === 0;
  sender.updateWindow(segment.header.seq, ack, segment.header.window);
  if (sender.wnd > 0) {
    if (closed) connection.progressAt = connection.context.now; // a closed window is no failure [RFC 9293 SHLD-17]
    connection.persistBackoff = 0;
    timers.clear('persist');
  }
}
