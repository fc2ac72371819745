import { add, type SeqNumber } from '../stack/tcp/sequence.ts';
import type {
  CallEvent,
  ConnectionEvent,
  FrameEvent,
  RttEvent,
  SegmentEvent,
  TraceEvent,
  Tracer,
  VariablesEvent,
} from '../stack/trace.ts';
import { formatAddress, type IpAddress } from '../stack/wire/address.ts';
import type { TcpHeader } from '../stack/wire/tcp.ts';
import type { TcpOptions } from '../stack/wire/tcp-options.ts';
import {
  causeSentence,
  dropSentence,
  limitSentence,
  durationText,
  endpointText,
  stateSentence,
  timerSentence,
  timeText,
} from './describe.ts';
import { RelativeSequence } from './relative.ts';

/** Settings of `textTrace`. */
export interface TextOptions {
  /** Which events get a line; by default all but frames, variables, and timers set or cleared. */
  readonly events?: readonly TraceEvent['type'][];
  /** Sequence numbers from each side's SYN on, as tcpdump has them (`true` by default). */
  readonly relative?: boolean;
}

const DEFAULT_EVENTS: readonly TraceEvent['type'][] = [
  'drop',
  'connection',
  'segment',
  'state',
  'timer',
  'rtt',
  'call',
  'note',
  'limit',
];

/** Writes a line an event; segments as tcpdump does. */
export function textTrace(write: (line: string) => void, options: TextOptions = {}): Tracer {
  const wanted = new Set(options.events ?? DEFAULT_EVENTS);
  // Who asks for frames, or names the events, gets all timers; else only those that went off.
  const everyTimer = options.events !== undefined;
  const sequence = options.relative === false ? undefined : new RelativeSequence();
  return (event) => {
    if (!wanted.has(event.type)) return;
    if (event.type === 'timer' && event.action !== 'fired' && !everyTimer) return;
    write(`${timeText(event.at)} ${event.host} ${eventText(event, sequence)}`);
  };
}

/** The event in one line, without time and host. */
export function eventText(event: TraceEvent, sequence?: RelativeSequence): string {
  switch (event.type) {
    case 'segment':
      return segmentText(event, sequence);
    case 'drop':
      return `${numbered(event.connection)}${event.layer} ${dropSentence(event.reason)}`;
    case 'state':
      return `${numbered(event.connection)}${stateSentence(event)}`;
    case 'timer': {
      const due = event.deadline === undefined ? '' : `, due at ${timeText(event.deadline)}`;
      return `${numbered(event.connection)}${timerSentence(event)}${due}`;
    }
    case 'limit':
      return `${numbered(event.connection)}${limitSentence(event.limit)}`;
    case 'note':
      return `${numbered(event.connection)}note: ${event.text}`;
    case 'connection':
      return connectionText(event);
    case 'call':
      return callText(event);
    case 'rtt':
      return rttText(event);
    case 'variables':
      return variablesText(event);
    case 'frame':
      return frameText(event);
  }
}

/** `10.0.0.1.49152 > 10.0.0.2.80: Flags [S], seq 123, win 65535, options [mss 1460], length 0` */
export function segmentText(event: SegmentEvent, sequence?: RelativeSequence): string {
  const { header, length } = event;
  const to = `${dotted(event.destination, header.destinationPort)}: Flags [${flagLetters(header)}]`;
  const parts = [`${dotted(event.source, header.sourcePort)} > ${to}`];
  const relative = sequence?.of(event);
  const ofPeer = relative?.ofPeer ?? ((n: SeqNumber): number => n);
  // As tcpdump: a SYN shows the initial number itself, and an empty ACK has no place in sequence space worth showing.
  const start = relative === undefined || header.syn ? header.seq : relative.seq;
  const end = relative === undefined || header.syn ? add(header.seq, length) : relative.seq + length;
  if (length > 0) parts.push(`seq ${start}:${end}`);
  else if (header.syn || header.fin || header.rst) parts.push(`seq ${start}`);
  if (header.ack !== undefined) parts.push(`ack ${header.syn ? header.ack : (relative?.ack ?? header.ack)}`);
  parts.push(`win ${header.window}`);
  if (header.urgentPointer !== undefined) parts.push(`urg ${header.urgentPointer}`);
  const options = optionTexts(header.options, ofPeer);
  if (options.length > 0) parts.push(`options [${options.join(',')}]`);
  parts.push(`length ${length}`);
  if (event.segmentSize > 0 && length > event.segmentSize) {
    parts.push(`${Math.ceil(length / event.segmentSize)} segments of ${event.segmentSize}`);
  }
  const cause = event.direction === 'out' ? causeSentence(event) : undefined;
  return cause === undefined ? parts.join(', ') : `${parts.join(', ')} (${cause})`;
}

/** tcpdump's letters: `S.`, `P.`, `F.`, `R`, `.`. */
export function flagLetters(header: TcpHeader): string {
  const letters = [
    header.fin ? 'F' : '',
    header.syn ? 'S' : '',
    header.rst ? 'R' : '',
    header.psh ? 'P' : '',
    header.ack === undefined ? '' : '.',
    header.urgentPointer === undefined ? '' : 'U',
    header.ece ? 'E' : '',
    header.cwr ? 'W' : '',
    header.ae ? 'e' : '',
  ].join('');
  return letters === '' ? 'none' : letters;
}

/** The options in tcpdump's words. Their order and padding on the wire are not part of a header, so no `nop` is shown. */
export function optionTexts(options: TcpOptions, ofPeer: (n: SeqNumber) => number): readonly string[] {
  const texts: string[] = [];
  if (options.mss !== undefined) texts.push(`mss ${options.mss}`);
  if (options.sackPermitted) texts.push('sackOK');
  if (options.timestamps !== undefined) {
    texts.push(`TS val ${options.timestamps.value} ecr ${options.timestamps.echo}`);
  }
  if (options.windowScale !== undefined) texts.push(`wscale ${options.windowScale}`);
  if (options.sack !== undefined) {
    const blocks = options.sack.map(({ left, right }) => `{${ofPeer(left)}:${ofPeer(right)}}`);
    texts.push(`sack ${blocks.length} ${blocks.join('')}`);
  }
  if (options.fastOpen !== undefined) {
    const cookie = [...options.fastOpen].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    texts.push(cookie === '' ? 'tfo cookiereq' : `tfo cookie ${cookie}`);
  }
  for (const { kind } of options.others ?? []) texts.push(`unknown-${kind}`);
  return texts;
}

function dotted(address: IpAddress, port: number): string {
  return `${formatAddress(address)}.${port}`;
}

function numbered(connection: number | undefined): string {
  return connection === undefined || connection === 0 ? '' : `#${connection} `;
}

function connectionText(event: ConnectionEvent): string {
  const local = endpointText(event.localAddress, event.localPort);
  const remote = endpointText(event.remoteAddress, event.remotePort);
  return `#${event.connection} ${event.passive ? 'accepts' : 'opens'} ${local} ${event.passive ? '←' : '→'} ${remote}`;
}

function callText(event: CallEvent): string {
  const details: string[] = [];
  if (event.detail !== undefined) details.push(event.detail);
  if (event.data !== undefined) details.push(`${event.data.length} bytes`);
  if (event.count !== undefined) details.push(`${event.count} taken`);
  const call = event.call.toUpperCase();
  return `${numbered(event.connection)}${call}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

function rttText(event: RttEvent): string {
  const { sample, srtt, rttvar, rto } = event;
  const values = `srtt ${durationText(srtt)}, rttvar ${durationText(rttvar)}, rto ${durationText(rto)}`;
  return `${numbered(event.connection)}rtt ${durationText(sample)}: ${values}`;
}

function variablesText(event: VariablesEvent): string {
  const changes = Object.entries(event.changes).map(([name, value]) => `${name}=${value ?? '-'}`);
  return `${numbered(event.connection)}${changes.join(' ')}`;
}

function frameText(event: FrameEvent): string {
  const cut = event.segmentSize > 0 ? `, to be cut to ${event.segmentSize}` : '';
  const partial = event.partialChecksum ? ', checksum partial' : '';
  return `frame ${event.direction} ${event.device}: ${event.tail - event.head} bytes${cut}${partial}`;
}
