/** A connection's variables under the names and in the units of Linux's `struct tcp_info`, for scripts; `stack/tcp/info.ts` has the values. */

import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { FastOpenFailure } from '../stack/tcp/fast-open-client.ts';
import type { TcpInfoOptions } from '../stack/tcp/info.ts';
import type { CongestionState } from '../stack/tcp/loss-recovery.ts';
import type { TcpState } from '../stack/tcp/states.ts';
import type { Duration } from '../stack/time.ts';

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
const CA_RECOVERY = 3;
const CA_LOSS = 4;
const OPTION_TIMESTAMPS = 1;
const OPTION_SACK = 2;
const OPTION_WINDOW_SCALE = 4;
const OPTION_ECN = 8;
const OPTION_ECN_SEEN = 16;
const OPTION_SYN_DATA = 32;

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
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: CA_RECOVERY,
  TCP_CA_Loss: CA_LOSS,
  TCPI_OPT_TIMESTAMPS: OPTION_TIMESTAMPS,
  TCPI_OPT_SACK: OPTION_SACK,
  TCPI_OPT_WSCALE: OPTION_WINDOW_SCALE,
  TCPI_OPT_ECN: OPTION_ECN,
  TCPI_OPT_ECN_SEEN: OPTION_ECN_SEEN,
  TCPI_OPT_SYN_DATA: OPTION_SYN_DATA,
  TCPI_OPT_USEC_TS: 64,
  TCPI_OPT_TFO_CHILD: 128,
  TCP_INFINITE_SSTHRESH: INFINITE_SSTHRESH,
};

/** Names without a connection: those that `tcpInfo` gives. */
export const TCP_INFO_NAMES: ReadonlySet<string> = new Set(
  `state ca_state retransmits probes backoff options snd_wscale rcv_wscale delivery_rate_app_limited fastopen_client_fail rto ato
  snd_mss rcv_mss unacked sacked lost retrans last_data_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh
  snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans pacing_rate bytes_acked bytes_received segs_out segs_in notsent_bytes
  min_rtt data_segs_in data_segs_out delivery_rate busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent
  bytes_retrans dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd total_rto total_rto_recoveries total_rto_time received_ce
  delivered_e1_bytes delivered_e0_bytes delivered_ce_bytes received_e1_bytes received_e0_bytes received_ce_bytes`
    .split(/\s+/)
    .map((name) => `tcpi_${name}`),
);

/** What a listener shows. */
export const LISTENER_INFO: TcpInfo = { tcpi_state: STATE_NUMBERS.LISTEN };
/** What a socket without a connection shows. */
export const CLOSED_INFO: TcpInfo = { tcpi_state: STATE_NUMBERS.CLOSED };

/** The snapshot, in Linux's units: the numbers of the states, flags as bits, what is long ago in milliseconds. */
export function tcpInfo(connection: TcpConnection): TcpInfo {
  const info = connection.tcpInfo();
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(info)) {
    if (typeof value === 'number' || typeof value === 'boolean') numbers[`tcpi_${name}`] = Number(value);
  }
  return {
    ...numbers,
    tcpi_state: STATE_NUMBERS[info.state],
    tcpi_ca_state: CONGESTION_STATES.indexOf(info.ca_state),
    tcpi_fastopen_client_fail: FAST_OPEN_FAILURES.indexOf(info.fastopen_client_fail),
    tcpi_options: optionBits(info.options),
    tcpi_snd_ssthresh: info.snd_ssthresh ?? INFINITE_SSTHRESH,
    tcpi_pacing_rate: info.pacing_rate ?? UNLIMITED_RATE,
    tcpi_last_data_sent: milliseconds(info.last_data_sent),
    tcpi_last_data_recv: milliseconds(info.last_data_recv),
    tcpi_last_ack_recv: milliseconds(info.last_ack_recv),
    tcpi_total_rto_time: milliseconds(info.total_rto_time),
    tcpi_bytes_acked: info.bytes_acked + controlsAcked(connection),
    tcpi_bytes_received: info.bytes_received + (connection.receiver.finReceived ? 1 : 0),
  };
}

/** In the order of Linux's numbers. */
const CONGESTION_STATES: readonly CongestionState[] = ['Open', 'Disorder', 'CWR', 'Recovery', 'Loss'];
const FAST_OPEN_FAILURES: readonly (FastOpenFailure | undefined)[] = [
  undefined,
  'cookie-unavailable',
  'data-not-acked',
  'syn-retransmitted',
];
/** ~0UL, as far as a number can tell. */
const UNLIMITED_RATE = 2 ** 64;

function optionBits({
  timestamps,
  sack,
  wscale,
  ecn,
  ecn_seen: seen,
  syn_data: synData,
}: TcpInfoOptions): number {
  return (
    (timestamps ? OPTION_TIMESTAMPS : 0) |
    (sack ? OPTION_SACK : 0) |
    (wscale ? OPTION_WINDOW_SCALE : 0) |
    (ecn ? OPTION_ECN : 0) |
    (seen ? OPTION_ECN_SEEN : 0) |
    (synData ? OPTION_SYN_DATA : 0)
  );
}

function milliseconds(time: Duration): number {
  return Math.floor(time / 1_000);
}

/** Linux counts the SYN of an active open and the FIN; of what is received the FIN. */
function controlsAcked({ passive, sender }: TcpConnection): number {
  const syn = !passive && sender.una !== sender.iss ? 1 : 0;
  return syn + (sender.finAcknowledged ? 1 : 0);
}
