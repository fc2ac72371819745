/** A connection's variables under the names and in the units of Linux's `struct tcp_info`, as far as the stack has them. */

import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { CongestionState } from '../stack/tcp/loss-recovery.ts';
import { SackRecovery } from '../stack/tcp/sack-recovery.ts';
import type { TcpState } from '../stack/tcp/states.ts';

/** Names and numbers; a name that is not there is not supported. */
export type TcpInfo = Readonly<Record<string, number>>;

/** Linux's numbers of the states. */
export const STATE_NUMBERS: { readonly [state in TcpState]: number } = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11,
};

const INFINITE_SSTHRESH = 0x7fffffff;
const CA_OPEN = 0;
const CA_DISORDER = 1;
const CA_CWR = 2;
const CA_RECOVERY = 3;
const CA_LOSS = 4;
/** Linux's numbers of the sender's congestion states. */
const CA_NUMBERS: { readonly [state in CongestionState]: number } = {
  Open: CA_OPEN,
  Disorder: CA_DISORDER,
  CWR: CA_CWR,
  Recovery: CA_RECOVERY,
  Loss: CA_LOSS,
};
const OPTION_TIMESTAMPS = 1;
const OPTION_SACK = 2;
const OPTION_WINDOW_SCALE = 4;
const OPTION_ECN = 8;
const OPTION_ECN_SEEN = 16;

/** Words that code blocks know: Linux's, and those of the FreeBSD dialect with the same numbers. */
export const CODE_CONSTANTS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCPI_ESTABLISHED: 1,
  TCPI_SYN_SENT: 2,
  TCPI_SYN_RECEIVED: 3,
  TCPI_FIN_WAIT_1: 4,
  TCPI_FIN_WAIT_2: 5,
  TCPI_TIME_WAIT: 6,
  TCPI_CLOSED: 7,
  TCPI_CLOSE_WAIT: 8,
  TCPI_LAST_ACK: 9,
  TCPI_LISTEN: 10,
  TCPI_CLOSING: 11,
  TCP_CA_Open: CA_OPEN,
  TCP_CA_Disorder: CA_DISORDER,
  TCP_CA_CWR: CA_CWR,
  TCP_CA_Recovery: CA_RECOVERY,
  TCP_CA_Loss: CA_LOSS,
  TCPI_OPT_TIMESTAMPS: OPTION_TIMESTAMPS,
  TCPI_OPT_SACK: OPTION_SACK,
  TCPI_OPT_WSCALE: OPTION_WINDOW_SCALE,
  TCPI_OPT_ECN: OPTION_ECN,
  TCPI_OPT_ECN_SEEN: OPTION_ECN_SEEN,
  TCPI_OPT_SYN_DATA: 32,
  TCPI_OPT_USEC_TS: 64,
  TCPI_OPT_TFO_CHILD: 128,
  TCP_INFINITE_SSTHRESH: INFINITE_SSTHRESH,
};

/** Names without a connection: those that `tcpInfo` gives. */
export const TCP_INFO_NAMES: ReadonlySet<string> = new Set([
  'tcpi_state',
  'tcpi_ca_state',
  'tcpi_retransmits',
  'tcpi_probes',
  'tcpi_backoff',
  'tcpi_options',
  'tcpi_snd_wscale',
  'tcpi_rcv_wscale',
  'tcpi_rto',
  'tcpi_snd_mss',
  'tcpi_rcv_mss',
  'tcpi_advmss',
  'tcpi_unacked',
  'tcpi_sacked',
  'tcpi_lost',
  'tcpi_retrans',
  'tcpi_delivered',
  'tcpi_reordering',
  'tcpi_dsack_dups',
  'tcpi_snd_cwnd',
  'tcpi_snd_ssthresh',
  'tcpi_rtt',
  'tcpi_rttvar',
  'tcpi_min_rtt',
  'tcpi_notsent_bytes',
  'tcpi_snd_wnd',
  'tcpi_bytes_received',
  'tcpi_delivered_ce',
  'tcpi_received_ce',
  'tcpi_delivered_e1_bytes',
  'tcpi_delivered_e0_bytes',
  'tcpi_delivered_ce_bytes',
  'tcpi_received_e1_bytes',
  'tcpi_received_e0_bytes',
  'tcpi_received_ce_bytes',
]);

/** What a listener shows. */
export const LISTENER_INFO: TcpInfo = { tcpi_state: STATE_NUMBERS.LISTEN };
/** What a socket without a connection shows. */
export const CLOSED_INFO: TcpInfo = { tcpi_state: STATE_NUMBERS.CLOSED };

/** The snapshot. Windows and counts are in segments as Linux counts them, times in microseconds. */
export function tcpInfo(connection: TcpConnection): TcpInfo {
  const { sender, receiver, rtt, windowScaling, timestamps } = connection;
  const { cwnd, ssthresh } = sender.congestion;
  const segments = (bytes: number): number => Math.floor(bytes / sender.mss);
  return {
    tcpi_state: STATE_NUMBERS[connection.state],
    tcpi_ca_state: CA_NUMBERS[connection.recovery.state],
    tcpi_retransmits: connection.retransmissions,
    tcpi_probes: connection.persistBackoff + connection.keepAliveProbes,
    tcpi_backoff: Math.max(connection.retransmissions, connection.persistBackoff),
    tcpi_options:
      (timestamps ? OPTION_TIMESTAMPS : 0) |
      (connection.sack ? OPTION_SACK : 0) |
      (windowScaling ? OPTION_WINDOW_SCALE : 0) |
      ecnOptions(connection),
    tcpi_snd_wscale: sender.windShift,
    tcpi_rcv_wscale: receiver.windShift,
    tcpi_rto: rtt.rto,
    tcpi_snd_mss: sender.mss,
    tcpi_rcv_mss: receiver.peerMss,
    tcpi_advmss: connection.announcedMss - (timestamps ? 12 : 0),
    tcpi_unacked: Math.ceil(sender.flightSize / sender.mss),
    tcpi_snd_cwnd: segments(cwnd),
    tcpi_snd_ssthresh:
      ssthresh >= connection.context.settings.tcp.initialSsthresh ? INFINITE_SSTHRESH : segments(ssthresh),
    tcpi_rtt: rtt.srtt === undefined ? 0 : Math.round(rtt.srtt),
    tcpi_rttvar: rtt.rttvar === undefined ? 0 : Math.round(rtt.rttvar),
    tcpi_min_rtt: rtt.minRtt ?? 0,
    tcpi_notsent_bytes: Math.max(0, sender.unsent - (sender.finQueued ? 1 : 0)),
    tcpi_snd_wnd: sender.wnd,
    tcpi_bytes_received: Math.max(
      0,
      (receiver.nxt - receiver.irs - 1 - (receiver.finReceived ? 1 : 0)) >>> 0,
    ),
    ...lossCounters(connection),
    ...ecnCounters(connection),
  };
}

function ecnOptions({ ecn }: TcpConnection): number {
  return (ecn.mode === 'off' ? 0 : OPTION_ECN) | (ecn.seen ? OPTION_ECN_SEEN : 0);
}

function ecnCounters({ ecn }: TcpConnection): TcpInfo {
  const { received, delivered } = ecn.accurate;
  return {
    tcpi_delivered_ce: ecn.deliveredMarks,
    tcpi_received_ce: ecn.receivedMarks,
    tcpi_delivered_e1_bytes: delivered.ect1,
    tcpi_delivered_e0_bytes: delivered.ect0,
    tcpi_delivered_ce_bytes: delivered.ce,
    tcpi_received_e1_bytes: received.ect1,
    tcpi_received_e0_bytes: received.ect0,
    tcpi_received_ce_bytes: received.ce,
  };
}

/**
 * What was SACKed, lost and sent again, in segments. A segment that left again still counts as lost, until it is acknowledged; a tail loss
 * probe never does. A SYN that was acknowledged has been delivered, too.
 */
function lossCounters({ sender, recovery }: TcpConnection): TcpInfo {
  const { scoreboard, mss, deliveryRate } = sender;
  const { sackedSegments, lostBytes, againBytes } = scoreboard;
  const repairing = recovery.state === 'Recovery' || recovery.state === 'Loss';
  const common = {
    tcpi_sacked: sackedSegments,
    tcpi_lost: Math.ceil((lostBytes + (repairing ? againBytes : 0)) / mss),
    tcpi_retrans: Math.ceil(againBytes / mss),
    tcpi_delivered: 1 + Math.ceil(deliveryRate.delivered / mss),
  };
  if (!(recovery instanceof SackRecovery)) return common;
  const { rack, blocks } = recovery;
  return { ...common, tcpi_reordering: rack.reordering, tcpi_dsack_dups: blocks.duplicates };
}
