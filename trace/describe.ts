/** The words in which readers of the trace speak: shared by captures, text and ladders. */
import { COUNTERS, type CounterName } from '../stack/counters.ts';
import { DROP_REASONS, type DropReason, RESET_REASONS } from '../stack/drop-reasons.ts';
import { isIPv4, type IpAddress, formatAddress } from '../stack/wire/address.ts';
import type { TcpHeader } from '../stack/wire/tcp.ts';
import {
  RETRANSMISSIONS,
  type SegmentEvent,
  type SendCause,
  type StateEvent,
  type TimerEvent,
  type TimerName,
} from '../stack/trace.ts';

/** Why a segment was sent, where a reader would ask; undefined for the ordinary run of things. */
export const CAUSES: { readonly [cause in SendCause]: string | undefined } = {
  syn: undefined,
  'syn-ack': undefined,
  data: undefined,
  fin: undefined,
  ack: undefined,
  'delayed-ack': undefined,
  'duplicate-ack': 'duplicate ACK: the segment that came was not the one expected [RFC 5681 4.2]',
  'challenge-ack': 'challenge ACK: a suspicious segment is answered with what is expected [RFC 5961]',
  'window-update': 'window update: the program has read',
  'retransmit-timeout': 'retransmission: the retransmission timer went off [RFC 6298 5.4]',
  'fast-retransmit': 'fast retransmission: ACKs show that the segment is lost [RFC 5681 3.2]',
  'partial-ack-retransmit': 'retransmission: a partial ACK shows the next hole [RFC 6582 3.2]',
  'loss-probe': 'tail loss probe: new data beyond cwnd, since no ACK came for two round trips [RFC 8985 7.3]',
  'loss-probe-retransmit':
    'tail loss probe: the last segment again, since no ACK came for two round trips [RFC 8985 7.3]',
  'mtu-probe': 'probe of the path MTU: larger than what is known to arrive [RFC 4821 7]',
  'mtu-retransmit': 'retransmission: it was too large for the path [RFC 1191 6.5]',
  'window-probe': 'window probe: the peer’s window is closed [RFC 9293 3.8.6.1]',
  'keepalive-probe': 'keep-alive probe: the connection was idle [RFC 9293 3.8.4]',
  reset: undefined,
};

/** The timers in words. */
export const TIMERS: { readonly [timer in TimerName]: string } = {
  retransmission: 'retransmission timer',
  'loss-probe': 'probe timer (TLP)',
  reordering: 'reordering timer (RACK)',
  pacing: 'pacing timer',
  persist: 'persist timer',
  'delayed-ack': 'delayed-ACK timer',
  override: 'override timer (sender’s SWS avoidance)',
  keepalive: 'keep-alive timer',
  'user-timeout': 'user timeout',
  'fin-wait-2': 'FIN-WAIT-2 timer',
  'time-wait': 'TIME-WAIT timer (2 MSL)',
};

const OUTGOING: ReadonlySet<DropReason> = new Set<DropReason>([
  'IP_OUTNOROUTES',
  'PKT_TOO_BIG',
  'NEIGH_FAILED',
  'NEIGH_QUEUEFULL',
  'DEVICE_QUEUE_FULL',
]);

/** Whether the packet dropped for this reason was one that we wanted to send. */
export function isOutgoingDrop(reason: DropReason): boolean {
  return OUTGOING.has(reason);
}

/** Whether the segment was sent before. */
export function isRetransmission(cause: SendCause | undefined): boolean {
  return cause !== undefined && RETRANSMISSIONS.includes(cause);
}

/** `dropped: TCP_CSUM: the TCP checksum is wrong [RFC 9293 3.1, MUST-3]` */
export function limitSentence(limit: CounterName): string {
  return `${limit}: ${COUNTERS[limit]}`;
}

/** Why a packet was dropped. */
export function dropSentence(reason: DropReason): string {
  return `dropped: ${reason}: ${DROP_REASONS[reason]}`;
}

/** `ESTABLISHED → CLOSE-WAIT (rcv FIN)` */
export function stateSentence(event: StateEvent): string {
  return `${event.from} → ${event.to} (${event.cause})`;
}

/** `retransmission timer fired` */
export function timerSentence(event: TimerEvent): string {
  return `${TIMERS[event.timer]} ${event.action}`;
}

/** Why this segment was sent, if that is worth a word. */
export function causeSentence(event: SegmentEvent): string | undefined {
  if (event.reset !== undefined) return `reset: ${event.reset}: ${RESET_REASONS[event.reset]}`;
  return event.cause === undefined ? undefined : CAUSES[event.cause];
}

/** Seconds with six digits: `0.412003`. */
export function timeText(at: number): string {
  return (at / 1_000_000).toFixed(6);
}

/** A length of time as people say it: `350 µs`, `200 ms`, `1.5 s`. */
export function durationText(duration: number): string {
  if (duration < 1_000) return `${duration} µs`;
  if (duration < 1_000_000) return `${Number((duration / 1_000).toFixed(2))} ms`;
  return `${Number((duration / 1_000_000).toFixed(3))} s`;
}

/** `10.0.0.1:80`, `[::1]:80` */
export function endpointText(address: IpAddress, port: number): string {
  return isIPv4(address) ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
}

/** The flags as words: `SYN,ACK`; ACK alone is `ACK`. */
export function flagWords(header: TcpHeader): string {
  const words: string[] = [];
  if (header.syn) words.push('SYN');
  if (header.fin) words.push('FIN');
  if (header.rst) words.push('RST');
  if (header.psh) words.push('PSH');
  if (header.urgentPointer !== undefined) words.push('URG');
  if (header.ack !== undefined) words.push('ACK');
  if (header.ece) words.push('ECE');
  if (header.cwr) words.push('CWR');
  if (header.ae) words.push('AE');
  return words.length === 0 ? 'none' : words.join(',');
}
