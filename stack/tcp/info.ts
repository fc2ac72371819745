import { type Duration, type Instant, between, us } from '../time.ts';
import { type DataCounts, limitTimes } from './counts.ts';
import type { TcpConnection } from './connection.ts';
import type { FastOpenFailure } from './fast-open-client.ts';
import type { CongestionState } from './loss-recovery.ts';
import type { Transmission } from './transmission.ts';
import type { TcpState } from './states.ts';

/** What was agreed on in the handshake, and what of it was seen since: Linux's tcpi_options. */
export interface TcpInfoOptions {
  /** TCPI_OPT_TIMESTAMPS [RFC 7323 3]. */
  readonly timestamps: boolean;
  /** TCPI_OPT_SACK [RFC 2018]. */
  readonly sack: boolean;
  /** TCPI_OPT_WSCALE [RFC 7323 2]. */
  readonly wscale: boolean;
  /** TCPI_OPT_ECN [RFC 3168; RFC 9768]. */
  readonly ecn: boolean;
  /** TCPI_OPT_SYN_DATA: data came, or was taken, with the SYN [RFC 7413]. */
  readonly syn_data: boolean;
  /** TCPI_OPT_ECN_SEEN: a packet came with ECT or CE. */
  readonly ecn_seen: boolean;
}

/**
 * A snapshot of a connection under the names of Linux's `struct tcp_info`, less the prefix `tcpi_`. Times are in microseconds, sizes in bytes,
 * windows and counts in segments of the wire, rates in bytes per second; each is a whole number. `docs/tcp-info.md` tells what is
 * left out, and why.
 */
export interface TcpInfo {
  readonly state: TcpState;
  /** What the sender takes the path for: Linux's names. */
  readonly ca_state: CongestionState;
  /** Expiries of the retransmission timer since SND.UNA last moved. */
  readonly retransmits: number;
  /** Zero-window and keep-alive probes that were not answered. */
  readonly probes: number;
  /** How often the timer in use was doubled. */
  readonly backoff: number;
  readonly options: TcpInfoOptions;
  /** Snd.Wind.Shift and Rcv.Wind.Shift [RFC 7323 2.2]. */
  readonly snd_wscale: number;
  readonly rcv_wscale: number;
  /** `delivery_rate` may be the program's pace, not the path's. */
  readonly delivery_rate_app_limited: boolean;
  /** Why no data went through with our SYN [RFC 7413]; undefined: it did, or none was to. Linux: 1, 2, 3 and 0. */
  readonly fastopen_client_fail: FastOpenFailure | undefined;
  /** The retransmission timeout, backed off [RFC 6298 5]. */
  readonly rto: Duration;
  /** How long an ACK is delayed at most: the setting; Linux adapts it to the gaps between segments. */
  readonly ato: Duration;
  /** Payload bytes of a full segment that leaves [RFC 9293 MUST-16]. */
  readonly snd_mss: number;
  /** Payload bytes of the largest segment that came, at least 536. */
  readonly rcv_mss: number;
  /** Segments that are out and not acknowledged cumulatively; SYN and FIN count. */
  readonly unacked: number;
  /** Of them: those that SACK reported [RFC 2018]; without SACK, duplicate ACKs stand for them. */
  readonly sacked: number;
  /** Of them: those that count as lost, whether they left again or not. */
  readonly lost: number;
  /** Of them: those that left again and are in flight. */
  readonly retrans: number;
  /** Since payload last left, last came, and since an acceptable ACK last came; or since the handshake. Linux: milliseconds. */
  readonly last_data_sent: Duration;
  readonly last_data_recv: Duration;
  readonly last_ack_recv: Duration;
  /** The largest IP packet that gets through, as far as is known [RFC 1191; RFC 8899]. */
  readonly pmtu: number;
  /** The largest window that would be offered now, were the receive buffer empty; autotuning raises it. */
  readonly rcv_ssthresh: number;
  /** SRTT and RTTVAR [RFC 6298 2]; 0 before the first measurement. */
  readonly rtt: Duration;
  readonly rttvar: Duration;
  /** ssthresh in segments, rounded down; undefined: nothing has limited slow start yet. Linux: 0x7fffffff. */
  readonly snd_ssthresh: number | undefined;
  /** cwnd in segments, rounded down: here it is kept in bytes. */
  readonly snd_cwnd: number;
  /** The MSS that was offered to the peer, less timestamps. */
  readonly advmss: number;
  /** By how many segments one was ever overtaken, at least DupThresh. */
  readonly reordering: number;
  /** The receiver's own estimate of the round-trip time; 0: none yet. */
  readonly rcv_rtt: Duration;
  /** Bytes the program read in the largest round trip so far: autotuning makes the buffer larger than twice that. */
  readonly rcv_space: number;
  /** Segments that left again so far, SYNs and FINs among them [RFC 4898 tcpEStatsPerfSegsRetrans]. */
  readonly total_retrans: number;
  /** What leaves is spread to so many bytes per second, or would be if the connection were paced; undefined: not known yet. */
  readonly pacing_rate: number | undefined;
  /** Payload bytes acknowledged so far [RFC 4898]; Linux counts SYN and FIN as well. */
  readonly bytes_acked: number;
  /** Payload bytes received in order so far [RFC 4898]. */
  readonly bytes_received: number;
  /** Segments out and in, of all kinds [RFC 4898]. */
  readonly segs_out: number;
  readonly segs_in: number;
  /** Bytes the program wrote that have not left yet. */
  readonly notsent_bytes: number;
  /** The smallest round-trip time of the last minutes; 0: none yet. Linux: ~0. */
  readonly min_rtt: Duration;
  /** Segments with payload, in and out [RFC 4898]. */
  readonly data_segs_in: number;
  readonly data_segs_out: number;
  /** How fast the path delivered last [draft-ietf-ccwg-bbr 4.1]; 0: not known. */
  readonly delivery_rate: number;
  /** How long anything was out or waited in all; of that: for the peer's window, and for room in the send buffer. */
  readonly busy_time: Duration;
  readonly rwnd_limited: Duration;
  readonly sndbuf_limited: Duration;
  /** Segments delivered so far, in or out of order; SYN and FIN count. */
  readonly delivered: number;
  /** Of them, those with CE, as far as the peer told [RFC 3168; RFC 9768]. */
  readonly delivered_ce: number;
  /** Payload bytes that left, and that left again [RFC 4898]. */
  readonly bytes_sent: number;
  readonly bytes_retrans: number;
  /** Segments that came twice, as D-SACKs told [RFC 2883]. */
  readonly dsack_dups: number;
  /** ACKs that told of reordering [RFC 8985 6.2]. */
  readonly reord_seen: number;
  /** Segments that came before their turn. */
  readonly rcv_ooopack: number;
  /** The peer's window, scaled, and the one last offered to it. */
  readonly snd_wnd: number;
  readonly rcv_wnd: number;
  /** Expiries of the retransmission timer so far, the recoveries they began, and the time these took (Linux: in milliseconds). */
  readonly total_rto: number;
  readonly total_rto_recoveries: number;
  readonly total_rto_time: Duration;
  /** Segments that came with CE. */
  readonly received_ce: number;
  /** Accurate ECN's byte counters: of what we sent, and of what came; ECT(1), ECT(0), CE [RFC 9768 3.2.3]. */
  readonly delivered_e1_bytes: number;
  readonly delivered_e0_bytes: number;
  readonly delivered_ce_bytes: number;
  readonly received_e1_bytes: number;
  readonly received_e0_bytes: number;
  readonly received_ce_bytes: number;
}

/** The snapshot. What costs more than reading a number costs one step for each transmission that is out. */
export function tcpInfo(connection: TcpConnection): TcpInfo {
  const { sender, rtt, recovery } = connection;
  const { cwnd, ssthresh } = sender.congestion;
  const segments = (bytes: number): number => Math.floor(bytes / sender.mss);
  const limited = ssthresh < connection.context.settings.tcp.initialSsthresh;
  const sample = sender.deliveryRate.latest;
  return {
    ...handshakeInfo(connection),
    ca_state: recovery.state,
    retransmits: connection.retransmissions,
    probes: connection.persistBackoff + connection.keepAliveProbes,
    backoff: Math.max(connection.retransmissions, connection.persistBackoff),
    rto: rtt.rto,
    snd_mss: sender.mss,
    pmtu: connection.pathMtu,
    rtt: us(rtt.srtt ?? 0),
    rttvar: us(rtt.rttvar ?? 0),
    min_rtt: us(rtt.minRtt ?? 0),
    snd_cwnd: segments(cwnd),
    snd_ssthresh: limited ? segments(ssthresh) : undefined,
    pacing_rate: rounded(sender.pacer.estimate(sender.congestion, rtt.srtt)),
    delivery_rate: Math.round(sample?.deliveryRate ?? 0),
    delivery_rate_app_limited: sample?.appLimited ?? true,
    notsent_bytes: Math.max(0, sender.unsent - (sender.finQueued && !sender.finSent ? 1 : 0)),
    snd_wnd: sender.wnd,
    reordering: recovery.rack?.reordering ?? connection.context.settings.tcp.dupThresh,
    reord_seen: recovery.rack?.reorderings ?? 0,
    dsack_dups: recovery.blocks?.duplicates ?? 0,
    delivered: sender.deliveryRate.segments + (sender.una === sender.iss ? 0 : 1), // and the SYN
    ...outInfo(connection),
    ...receivingInfo(connection),
    ...countInfo(connection),
    ...ecnInfo(connection),
  };
}

type Part<Name extends keyof TcpInfo> = Pick<TcpInfo, Name>;

function handshakeInfo(
  connection: TcpConnection,
): Part<'state' | 'options' | 'fastopen_client_fail' | 'snd_wscale' | 'rcv_wscale' | 'advmss'> {
  const { state, timestamps, sack, windowScaling, ecn, sender, receiver, fastOpen, fastOpened } = connection;
  const common = { timestamps, sack, wscale: windowScaling, ecn: ecn.mode !== 'off', ecn_seen: ecn.seen };
  return {
    state,
    options: { ...common, syn_data: fastOpen?.taken === true || fastOpened?.accepted === true },
    fastopen_client_fail: fastOpen?.failure,
    snd_wscale: sender.windShift,
    rcv_wscale: receiver.windShift,
    advmss: connection.announcedMss - (timestamps ? 12 : 0),
  };
}

/** What became of each segment that is out. */
function outInfo({
  state,
  sender,
  recovery,
}: TcpConnection): Part<'unacked' | 'sacked' | 'lost' | 'retrans'> {
  if (state === 'SYN-SENT' || state === 'SYN-RECEIVED') return { unacked: 1, sacked: 0, lost: 0, retrans: 0 };
  let [unacked, sacked, lost, retrans] = [0, 0, 0, 0];
  // A tail loss probe leaves again without any loss.
  const repairing = recovery.state === 'Recovery' || recovery.state === 'Loss';
  for (
    let record: Transmission | undefined = sender.scoreboard.first;
    record !== undefined;
    record = record.next
  ) {
    const { segments, isSacked, isLost, retransmissions } = record;
    unacked += segments;
    if (isSacked) sacked += segments;
    else if (isLost) lost += segments;
    else if (retransmissions > 0) [lost, retrans] = [lost + (repairing ? segments : 0), retrans + segments];
  }
  if (recovery.blocks === undefined) sacked = Math.min(recovery.dupAcks, Math.max(0, unacked - 1));
  return { unacked, sacked, lost, retrans };
}

function receivingInfo({
  receiver,
  context,
}: TcpConnection): Part<'ato' | 'rcv_mss' | 'rcv_rtt' | 'rcv_space' | 'rcv_ssthresh' | 'rcv_wnd'> {
  return {
    ato: context.settings.tcp.delayedAck,
    rcv_mss: receiver.peerMss,
    rcv_rtt: us(receiver.tuning.rtt ?? 0),
    rcv_space: receiver.tuning.space,
    rcv_ssthresh: receiver.buffer,
    rcv_wnd: receiver.wnd,
  };
}

type CountNames =
  | 'segs_in'
  | 'segs_out'
  | 'data_segs_in'
  | 'data_segs_out'
  | 'bytes_sent'
  | 'bytes_retrans'
  | 'bytes_acked'
  | 'bytes_received'
  | 'total_retrans'
  | 'rcv_ooopack'
  | 'last_data_sent'
  | 'last_data_recv'
  | 'last_ack_recv'
  | 'total_rto'
  | 'total_rto_recoveries'
  | 'total_rto_time'
  | 'busy_time'
  | 'rwnd_limited'
  | 'sndbuf_limited';

/** All of it 0, for connections that never had data. */
function countInfo({ counts, context, heardAt }: TcpConnection): Part<CountNames> {
  const { now } = context;
  const { segmentsIn, segmentsOut, establishedAt, data } = counts;
  const { busy, window, buffer } = limitTimes(data, now);
  return {
    segs_in: segmentsIn,
    segs_out: segmentsOut,
    data_segs_in: data?.segmentsIn ?? 0,
    data_segs_out: data?.segmentsOut ?? 0,
    bytes_sent: data?.bytesOut ?? 0,
    bytes_retrans: data?.bytesAgain ?? 0,
    bytes_acked: data?.bytesAcked ?? 0,
    bytes_received: data?.bytesReceived ?? 0,
    total_retrans: data?.segmentsAgain ?? 0,
    rcv_ooopack: data?.outOfOrder ?? 0,
    last_data_sent: between(data?.sentAt ?? establishedAt, now),
    last_data_recv: between(data?.receivedAt ?? establishedAt, now),
    last_ack_recv: between(heardAt, now),
    total_rto: data?.timeouts ?? 0,
    total_rto_recoveries: data?.timeoutRecoveries ?? 0,
    total_rto_time: timeoutTime(data, now),
    busy_time: busy,
    rwnd_limited: window,
    sndbuf_limited: buffer,
  };
}

/** With the recovery that is under way. */
function timeoutTime(data: DataCounts | undefined, now: Instant): Duration {
  if (data === undefined) return us(0);
  const running = data.timeoutSince === undefined ? 0 : between(data.timeoutSince, now);
  return us(data.timeoutTime + running);
}

type EcnNames =
  | 'delivered_ce'
  | 'received_ce'
  | `delivered_${'e1' | 'e0' | 'ce'}_bytes`
  | `received_${'e1' | 'e0' | 'ce'}_bytes`;

function ecnInfo({ ecn }: TcpConnection): Part<EcnNames> {
  const { received, delivered } = ecn.accurate;
  return {
    delivered_ce: ecn.deliveredMarks,
    received_ce: ecn.receivedMarks,
    delivered_e1_bytes: delivered.ect1,
    delivered_e0_bytes: delivered.ect0,
    delivered_ce_bytes: delivered.ce,
    received_e1_bytes: received.ect1,
    received_e0_bytes: received.ect0,
    received_ce_bytes: received.ce,
  };
}

function rounded(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : Math.round(rate);
}
