/** The TCP connections of a capture, and their segments as a script says them. */

import { formatAddress } from '../stack/wire/address.ts';
import { KIND } from '../stack/wire/tcp-options.ts';
import { CaptureError, ipPacketOf, readCapture } from '../trace/capture-reader.ts';
import { optionLength } from './language/parse-options.ts';
import type { BlockSpec, EcnWord, OptionSpec, PacketAction } from './language/syntax.ts';
import { type LiveOption, type LiveTcp, readPacket, timestampsOf, word32 } from './packets/live-packet.ts';
import { hexOf } from './packets/render.ts';
import type { Instant } from '../stack/time.ts';

/** A segment of a connection. */
export interface FlowSegment {
  readonly frame: number;
  /** µs since the connection's first segment. */
  readonly at: number;
  readonly from: 'client' | 'server';
  readonly tcp: LiveTcp;
  /** Payload on the wire; the capture may have less. */
  readonly length: number;
  readonly ecn: number;
  readonly seen: 'in' | 'out' | undefined;
}

/** A connection. */
export interface Flow {
  /** ADDRESS:PORT. */
  readonly client: string;
  readonly server: string;
  readonly segments: readonly FlowSegment[];
}

/** All of a capture. */
export interface CapturedFlows {
  readonly flows: readonly Flow[];
  /** What of the capture is in no flow. */
  readonly notes: readonly string[];
}

interface OpenFlow extends Flow {
  readonly segments: FlowSegment[];
  readonly begin: bigint;
  clientIsn: number | undefined;
}

/** The connections of a file, by their first segment. Throws `CaptureError`. */
export function flowsOf(file: Uint8Array): CapturedFlows {
  const { frames, cutShortAt } = readCapture(file);
  const notes = cutShortAt === undefined ? [] : [`the capture ends inside a packet, at byte ${cutShortAt}`];
  const flows: OpenFlow[] = [];
  const latest = new Map<string, OpenFlow>();
  const skipped = { ipv6: 0, fragments: 0 };
  for (const frame of frames) {
    const bytes = ipPacketOf(frame);
    if (bytes === undefined) continue;
    const { ip, tcp } = readPacket(bytes, 0 as Instant);
    if (ip.version === 6) skipped.ipv6 += 1;
    else if (ip.fragment) skipped.fragments += 1;
    if (tcp === undefined || ip.version !== 4) continue;
    if (frame.time === undefined) throw new CaptureError(`packet ${frame.number} has no time`);
    const source = `${formatAddress(ip.source)}:${tcp.sourcePort}`;
    const destination = `${formatAddress(ip.destination)}:${tcp.destinationPort}`;
    const key = [source, destination].sort().join(' ');
    let flow = latest.get(key);
    if (flow === undefined || reopens(flow, tcp)) {
      const answers = tcp.flags.syn && tcp.flags.ack;
      const [client, server] = answers ? [destination, source] : [source, destination];
      flow = { client, server, segments: [], begin: frame.time, clientIsn: undefined };
      flows.push(flow);
      latest.set(key, flow);
    }
    if (tcp.flags.syn && !tcp.flags.ack) flow.clientIsn ??= tcp.sequence;
    flow.segments.push({
      frame: frame.number,
      at: Math.max(Number((frame.time - flow.begin) / 1000n), flow.segments.at(-1)?.at ?? 0),
      from: source === flow.client ? 'client' : 'server',
      tcp,
      length: Math.max(0, ip.totalLength - ip.headerLength - tcp.headerLength),
      ecn: ip.tos & 3,
      seen: frame.direction,
    });
  }
  if (skipped.ipv6 > 0) notes.push(`${skipped.ipv6} packets of IPv6 are left out`);
  if (skipped.fragments > 0) notes.push(`${skipped.fragments} IP fragments are left out`);
  return { flows, notes };
}

/** A SYN with another number: the ports are used again. */
function reopens({ clientIsn }: OpenFlow, { flags, sequence }: LiveTcp): boolean {
  return flags.syn && !flags.ack && clientIsn !== undefined && clientIsn !== sequence;
}

const ECN: readonly (EcnWord | undefined)[] = [undefined, 'ect1', 'ect0', 'ce'];
/** What the first timestamp of either side becomes. */
const FIRST_TIMESTAMP = 1000;

/** Makes lines of segments: all numbers count from the SYN of their side, which is 0. */
export class SegmentWriter {
  readonly #isn: Map<FlowSegment['from'], number> = new Map();
  readonly #stamp: Map<FlowSegment['from'], number> = new Map();
  readonly #local: FlowSegment['from'];
  /** TS val of the expected side so far: what an injected `ecr` can name. */
  readonly #expected: Set<number> = new Set();

  constructor({ segments }: Flow, local: FlowSegment['from']) {
    this.#local = local;
    for (const { from, tcp } of segments) {
      if (tcp.flags.syn && !this.#isn.has(from)) this.#isn.set(from, tcp.sequence);
      const stamps = timestampsOf(tcp.options);
      if (stamps !== undefined && !this.#stamp.has(from)) this.#stamp.set(from, stamps.value);
    }
  }

  /** Where a segment begins, and what it acknowledges. */
  numbers({ from, tcp }: FlowSegment): { readonly start: number; readonly ack: number } {
    const other = from === 'client' ? 'server' : 'client';
    return {
      start: (tcp.sequence - (this.#isn.get(from) ?? 0)) >>> 0,
      ack: (tcp.ack - (this.#isn.get(other) ?? 0)) >>> 0,
    };
  }

  /** The line; `notes` takes what it cannot say. */
  packet(segment: FlowSegment, notes: string[]): PacketAction {
    const { from, tcp, length, ecn } = segment;
    const out = from === this.#local;
    const { start, ack } = this.numbers(segment);
    const word = ECN[ecn];
    const known = tcp.flags.ack || (out && tcp.ack !== 0);
    return {
      type: 'packet',
      direction: out ? 'out' : 'in',
      ip: {
        ...{ tos: undefined, dscp: undefined, ttl: undefined, flowLabel: undefined },
        ecn: word,
        wrong: [],
      },
      connection: undefined,
      ports: undefined,
      body: {
        kind: 'tcp',
        flags: tcp.flags,
        sequence: { mode: 'mapped', start },
        length,
        ack: known ? exactly(ack) : undefined,
        window: out ? 'any' : exactly(tcp.window),
        urgent: tcp.flags.urg ? tcp.urgent : undefined,
        options: { mode: 'exact', list: this.#options(segment, notes) },
        udp: undefined,
      },
    };
  }

  /** Padded, also where the capture has less than the header says. */
  #options(segment: FlowSegment, notes: string[]): OptionSpec[] {
    const list = segment.tcp.options.map((option) => this.#option(option, segment, notes));
    const length = list.reduce((sum, option) => sum + optionLength(option), 0);
    if (segment.tcp.optionsBroken || length % 4 !== 0) notes.push('its options are broken or cut off');
    const padding = Array.from({ length: (4 - (length % 4)) % 4 }, (): OptionSpec => ({ name: 'eol' }));
    return [...list, ...padding];
  }

  #option({ kind, data }: LiveOption, segment: FlowSegment, notes: string[]): OptionSpec {
    if (kind === KIND.nop) return { name: 'nop' };
    if (kind === KIND.eol) return { name: 'eol' };
    if (kind === KIND.mss && data.length === 2)
      return { name: 'mss', value: exactly(word32(data, 0) >>> 16) };
    if (kind === KIND.windowScale && data.length === 1)
      return { name: 'wscale', value: exactly(data[0] ?? 0) };
    if (kind === KIND.sackPermitted && data.length === 0) return { name: 'sackOK' };
    if (kind === KIND.sack && data.length > 0 && data.length % 8 === 0)
      return { name: 'sack', blocks: this.#blocks(data, segment) };
    if (kind === KIND.timestamps && data.length === 8) return this.#timestamps(data, segment, notes);
    return { name: 'opt', kind, hex: hexOf(data) };
  }

  #blocks(data: Uint8Array, { from }: FlowSegment): BlockSpec[] {
    const isn = this.#isn.get(from === 'client' ? 'server' : 'client') ?? 0;
    const blocks: BlockSpec[] = [];
    for (let at = 0; at < data.length; at += 8)
      blocks.push({ left: (word32(data, at) - isn) >>> 0, right: (word32(data, at + 4) - isn) >>> 0 });
    return blocks;
  }

  #timestamps(data: Uint8Array, { from, tcp }: FlowSegment, notes: string[]): OptionSpec {
    const other = from === 'client' ? 'server' : 'client';
    const shifted = (live: number, side: FlowSegment['from']): number =>
      (live - (this.#stamp.get(side) ?? 0) + FIRST_TIMESTAMP) >>> 0;
    const value = shifted(word32(data, 0), from);
    const live = word32(data, 4);
    const echo = live === 0 ? 0 : shifted(live, other);
    const local = from === this.#local;
    if (local) this.#expected.add(value);
    const named = local || !tcp.flags.ack || this.#expected.has(echo);
    if (!named && live !== 0) notes.push('its ecr is of no segment in the capture');
    return {
      name: 'TS',
      value: exactly(value),
      echo: exactly(named ? echo : 0),
      absoluteEcho: !named,
    };
  }
}

function exactly(value: number): { readonly min: number; readonly max: number } {
  return { min: value, max: value };
}
