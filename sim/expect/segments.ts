import type { ResetReason } from '../../stack/drop-reasons.ts';
import type { SendCause } from '../../stack/trace.ts';
import type { TcpHeader } from '../../stack/wire/tcp.ts';
import type { TcpOptions } from '../../stack/wire/tcp-options.ts';
import { formatAddress } from '../../stack/wire/address.ts';
import type { WorldEvent } from '../world-event.ts';

/** A segment of the trace as tests speak of it: sequence numbers counted from each side's SYN. */
export interface SeenSegment {
  /** Its number among the trace's events. */
  readonly event: number;
  /** Virtual µs. */
  readonly at: number;
  readonly host: string;
  readonly direction: 'in' | 'out';
  readonly connection: number;
  /** tcpdump's letters: `S`, `S.`, `.`, `P.`, `F.`, `R`. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number | undefined;
  /** Payload bytes. */
  readonly length: number;
  /** As on the wire. */
  readonly window: number;
  readonly options: TcpOptions;
  readonly cause: SendCause | undefined;
  readonly reset: ResetReason | undefined;
  readonly from: string;
  readonly to: string;
}

/** All segments of a trace, in order. */
export function segmentsOf(events: readonly WorldEvent[]): readonly SeenSegment[] {
  const first = new Map<string, number>();
  const seen: SeenSegment[] = [];
  for (const [number, event] of events.entries()) {
    if (event.type !== 'segment') continue;
    const { header } = event;
    const from = `${formatAddress(event.source)}:${header.sourcePort}`;
    const to = `${formatAddress(event.destination)}:${header.destinationPort}`;
    if (header.syn) first.set(from, header.seq);
    const own = first.get(from) ?? header.seq;
    const peer = first.get(to);
    seen.push({
      event: number,
      at: event.at,
      host: event.host,
      direction: event.direction,
      connection: event.connection,
      flags: flagsOf(header),
      seq: (header.seq - own) >>> 0,
      ack: header.ack === undefined ? undefined : (header.ack - (peer ?? header.ack)) >>> 0,
      length: event.length,
      window: header.window,
      options: header.options,
      cause: event.cause,
      reset: event.reset,
      from,
      to,
    });
  }
  return seen;
}

/** tcpdump's letters for the flags of a header. */
export function flagsOf(header: TcpHeader): string {
  const letters: readonly (readonly [boolean, string])[] = [
    [header.fin, 'F'],
    [header.syn, 'S'],
    [header.rst, 'R'],
    [header.psh, 'P'],
    [header.ack !== undefined, '.'],
    [header.urgentPointer !== undefined, 'U'],
    [header.ece, 'E'],
    [header.cwr, 'W'],
    [header.ae, 'e'],
  ];
  return letters.map(([set, letter]) => (set ? letter : '')).join('');
}

/** A segment in one line. */
export function segmentLine(segment: SeenSegment): string {
  const { at, host, direction, flags, seq, ack, length, window, cause } = segment;
  const time = (at / 1_000_000).toFixed(6);
  const arrow = direction === 'out' ? 'sends' : 'gets';
  const place = length > 0 ? `${seq}:${seq + length}` : String(seq);
  const why = cause === undefined ? '' : ` (${cause})`;
  return `${time} ${host} ${arrow} [${flags}] seq ${place} ack ${ack ?? '-'} win ${window} length ${length}${why}`;
}
