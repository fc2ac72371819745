import type { WorldEvent } from '../world-event.ts';
import { type SeenSegment, segmentsOf } from './segments.ts';

/** What a text trace leaves out, so that it is the same whatever the seed: sequence numbers are counted from the SYNs anyway. */
export interface WireTextOptions {
  /** `ports`: ephemeral ones (from 1024 on) are numbered. `timestamps`: their values. `times`: virtual time. All three at first but `times`. */
  readonly masks?: readonly ('ports' | 'timestamps' | 'times')[];
  /** Only what this host sees; else what each sends. */
  readonly host?: string;
}

/** The segments of a trace and the packets that links lost, one line each: for snapshots. */
export function wireText(events: readonly WorldEvent[], options: WireTextOptions = {}): string {
  const masks = new Set(options.masks ?? ['ports', 'timestamps']);
  const ports = new Map<string, string>();
  const lines: string[] = [];
  const time = (at: number): string => (masks.has('times') ? '' : `${(at / 1_000_000).toFixed(6)} `);
  const segments = new Map(segmentsOf(events).map((segment) => [segment.event, segment]));
  for (const [number, event] of events.entries()) {
    if (event.type === 'link-loss')
      lines.push(`${time(event.at)}${event.by} #${event.index} lost: ${event.reason}`);
    const segment = segments.get(number);
    if (segment === undefined) continue;
    const wanted = options.host === undefined ? segment.direction === 'out' : segment.host === options.host;
    if (wanted) lines.push(time(segment.at) + lineOf(segment, masks, ports));
  }
  return `${lines.join('\n')}\n`;
}

function lineOf(segment: SeenSegment, masks: ReadonlySet<string>, ports: Map<string, string>): string {
  const end = (address: string): string => (masks.has('ports') ? masked(address, ports) : address);
  const { flags, seq, ack, length, window } = segment;
  const parts = [`${end(segment.from)} > ${end(segment.to)}: [${flags}] seq ${seq}`];
  if (length > 0) parts.push(`length ${length}`);
  if (ack !== undefined) parts.push(`ack ${ack}`);
  parts.push(`win ${window}`, ...optionTexts(segment, masks.has('timestamps')));
  return parts.join(', ');
}

function masked(address: string, ports: Map<string, string>): string {
  const colon = address.lastIndexOf(':');
  if (Number(address.slice(colon + 1)) < 1024) return address;
  const name = ports.get(address) ?? `${address.slice(0, colon)}:port${ports.size + 1}`;
  ports.set(address, name);
  return name;
}

function optionTexts({ options }: SeenSegment, maskTimestamps: boolean): readonly string[] {
  const { mss, windowScale, sackPermitted, sack, timestamps } = options;
  return [
    ...(mss === undefined ? [] : [`mss ${mss}`]),
    ...(windowScale === undefined ? [] : [`wscale ${windowScale}`]),
    ...(sackPermitted ? ['sackOK'] : []),
    ...(sack === undefined ? [] : [`sack ${sack.length}`]),
    ...(timestamps === undefined
      ? []
      : [maskTimestamps ? 'TS' : `TS val ${timestamps.value} ecr ${timestamps.echo}`]),
  ];
}
