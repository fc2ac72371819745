/** From capture to script: one side of a TCP connection injected, the other one expected, with the calls it must have made. */

import type { PROFILES } from '../stack/settings.ts';
import { KIND } from '../stack/wire/tcp-options.ts';
import { CaptureError } from '../trace/capture-reader.ts';
import { type Flow, type FlowSegment, flowsOf, SegmentWriter } from './capture-flows.ts';
import { formatWithTrivia } from './format-text.ts';
import { parseCall } from './language/parse-call.ts';
import { Scanner } from './language/scanner.ts';
import type { Action, CallAction, Script, ScriptEvent, ScriptOption } from './language/syntax.ts';

/** What of a capture is to become a script. */
export interface FromCaptureOptions {
  /** How the first line calls it: the file's path. */
  readonly name?: string;
  /** The expected side: `client`, `server` or ADDRESS:PORT; by default where the capture was taken, or the server. */
  readonly side?: string;
  /** Which connection, from 1; by default the first one (with ADDRESS:PORT: of that side). */
  readonly flow?: number;
  /** Written into the script; by default none, which means `linux`. */
  readonly profile?: keyof typeof PROFILES;
}

const NOWHERE = { line: 1, column: 1 } as const;
/** µs without a packet after which the program is taken to have read what had come. */
const PAUSE = 1000;

/** The script's text. Throws `CaptureError` if there is no such connection, or its beginning is missing. */
export function scriptFromCapture(file: Uint8Array, options: FromCaptureOptions = {}): string {
  const { flows, notes } = flowsOf(file);
  const { flow, number } = choose(flows, options);
  const side = sideOf(flow, options.side);
  const local = flow.segments.filter(({ from }) => from === side);
  if (!flow.segments.some(({ tcp, from }) => tcp.flags.syn && from === 'client'))
    throw new CaptureError(`flow ${number}, ${flow.client} > ${flow.server}, begins without its SYN`);
  if (local.length === 0) throw new CaptureError(`flow ${number} has no segment of the ${side}`);
  const settings = settingsFor(flow, side, options);
  const maker = new ScriptMaker(flow, side);
  const events = maker.make();
  const script: Script = { ...settings, events, cleanup: undefined };
  const first = settings.options.length + (settings.init === undefined ? 0 : 1);
  const before = new Map([...maker.before].map(([index, texts]) => [index + first, texts.map(comment)]));
  const head = [
    `From ${options.name ?? 'a capture'}, flow ${number} of ${flows.length}: ${flow.client} > ${flow.server}.`,
    `Expected: the ${side}. Calls are inferred, with their times.`,
    ...[...notes, ...placeNotes(flow, side), ...maker.notes].map((note) => `Note: ${note}.`),
  ].map(comment);
  const lead = before.get(0) ?? [];
  before.set(0, [...head, ...lead]);
  return formatWithTrivia(script, { before, behind: new Map() });
}

function comment(text: string): string {
  return `// ${text}`;
}

function choose(
  flows: readonly Flow[],
  { side, flow: number }: FromCaptureOptions,
): { readonly flow: Flow; readonly number: number } {
  if (flows.length === 0) throw new CaptureError('there is no TCP over IPv4 in this capture');
  const named = side !== undefined && side !== 'client' && side !== 'server';
  const index =
    number === undefined
      ? flows.findIndex(({ client, server }) => !named || client === side || server === side)
      : number - 1;
  const flow = flows[index];
  if (flow !== undefined) return { flow, number: index + 1 };
  const list = flows.map(({ client, server }, at) => `${at + 1}: ${client} > ${server}`);
  const more = list.length > 10 ? ', …' : '';
  throw new CaptureError(`there is no such flow; there are ${list.slice(0, 10).join(', ')}${more}`, 0);
}

function sideOf({ client, server, segments }: Flow, side: string | undefined): FlowSegment['from'] {
  if (side === 'client' || side === client) return 'client';
  if (side === 'server' || side === server) return 'server';
  if (side !== undefined)
    throw new CaptureError(`${side} is no side of ${client} > ${server}: give client, server or one of them`);
  return segments.find(({ seen }) => seen === 'out')?.from ?? 'server';
}

/** What the place of the capture spoils. */
function placeNotes({ segments }: Flow, side: FlowSegment['from']): string[] {
  const elsewhere = segments.some(({ from, seen }) => (from === side ? 'in' : 'out') === seen);
  return elsewhere ? ['captured at the other side, so times are those of there'] : [];
}

/** The settings that the expected side's SYN gives away. */
function settingsFor(
  { segments }: Flow,
  side: FlowSegment['from'],
  { profile }: FromCaptureOptions,
): Pick<Script, 'options' | 'init'> {
  const options: ScriptOption[] = [];
  const sysctls: string[] = [];
  if (profile !== undefined) options.push({ name: 'profile', value: profile, position: NOWHERE });
  const own = segments.find(({ from, tcp }) => from === side && tcp.flags.syn)?.tcp;
  const peer = segments.find(({ from, tcp }) => from !== side && tcp.flags.syn)?.tcp;
  if (own === undefined) return { options, init: undefined };
  const data = (kind: number): Uint8Array | undefined =>
    own.options.find((option) => option.kind === kind)?.data;
  const mss = data(KIND.mss);
  const mtu = mss === undefined ? 1500 : (((mss[0] ?? 0) << 8) | (mss[1] ?? 0)) + 40;
  if (mtu !== 1500) options.push({ name: 'mtu', value: String(mtu), position: NOWHERE });
  /** It could have used the option and did not. */
  const off = (kind: number): boolean =>
    data(kind) === undefined &&
    (!own.flags.ack || peer?.options.some((option) => option.kind === kind) === true);
  if (off(KIND.timestamps)) sysctls.push('net.ipv4.tcp_timestamps=0');
  if (off(KIND.sackPermitted)) sysctls.push('net.ipv4.tcp_sack=0');
  if (off(KIND.windowScale)) sysctls.push('net.ipv4.tcp_window_scaling=0');
  const scale = data(KIND.windowScale)?.[0];
  if (scale !== undefined && scale !== 7)
    sysctls.push(`net.ipv4.tcp_rmem="4096 ${Math.min(131_072, 65_535 * 2 ** scale)} ${65_535 * 2 ** scale}"`);
  if (sysctls.length === 0) return { options, init: undefined };
  return { options, init: { type: 'shell', command: `sysctl -q ${sysctls.join(' ')}`, position: NOWHERE } };
}

/** Goes through the segments and says what the program did. */
class ScriptMaker {
  /** By the event in front of which they stand. */
  readonly before: Map<number, string[]> = new Map();
  readonly notes: string[] = [];
  readonly #events: ScriptEvent[] = [];
  readonly #segments: readonly FlowSegment[];
  readonly #side: FlowSegment['from'];
  readonly #writer: SegmentWriter;
  readonly #active: boolean;
  readonly #descriptor: number;
  #now: number = 0;
  /** When the next event is. */
  #due: number = 0;
  #state: 'opening' | 'open' | 'shut' | 'closed' = 'opening';
  /** The end of what was seen of the expected side, and of what it must have written. */
  #sent: number = 1;
  #written: number = 1;
  /** In order up to here; what came beyond; what was read. */
  #received: number = 1;
  readonly #beyond: [number, number][] = [];
  #read: number = 1;
  #lastData: number = 0;

  constructor(flow: Flow, side: FlowSegment['from']) {
    this.#segments = flow.segments;
    this.#side = side;
    this.#writer = new SegmentWriter(flow, side);
    this.#active = side === 'client';
    this.#descriptor = this.#active ? 3 : 4;
  }

  make(): readonly ScriptEvent[] {
    this.#begin();
    for (const [index, segment] of this.#segments.entries()) {
      if (this.#received > this.#read && segment.at - this.#lastData > PAUSE) this.#readAll();
      if (segment.from === this.#side) this.#out(segment, index);
      else this.#in(segment);
    }
    if (this.#state !== 'opening') this.#readAll();
    if (this.#state === 'shut') this.#close();
    return this.#events;
  }

  #begin(): void {
    const answer = this.#segments.find(({ from }) => from === this.#side)?.tcp.flags;
    if (!this.#active && answer?.syn !== true) {
      this.notes.push('the port is closed: nothing listens');
      return;
    }
    this.#call('socket(..., SOCK_STREAM, IPPROTO_TCP) = 3');
    if (this.#active) return this.#connect();
    this.#call('bind(3, ..., ...) = 0');
    this.#call('listen(3, 1) = 0');
  }

  #connect(): void {
    const reply = this.#segments.find(
      ({ from, tcp }) => from !== this.#side && tcp.flags.ack && (tcp.flags.syn || tcp.flags.rst),
    );
    if (this.#noDelay()) this.#call('setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0');
    if (reply === undefined) {
      this.notes.push('nothing answers the SYN');
      this.#call('fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0');
      this.#call('connect(3, ..., ...) = -1 EINPROGRESS');
    } else {
      const result = reply.tcp.flags.rst ? '-1 ECONNREFUSED' : '0';
      this.#call(`connect(3, ..., ...) = ${result}`, reply.at);
    }
  }

  /** Something short left while other data was unacknowledged, which Nagle's algorithm forbids. */
  #noDelay(): boolean {
    const own = this.#segments.filter(({ from }) => from === this.#side);
    const full = Math.max(...own.map(({ length }) => length));
    let sent = 1;
    let acknowledged = 1;
    for (const segment of this.#segments) {
      const { start, ack } = this.#writer.numbers(segment);
      if (segment.from !== this.#side) acknowledged = Math.max(acknowledged, ack);
      else if (!segment.tcp.flags.syn && segment.length > 0 && start >= sent) {
        if (segment.length < full && acknowledged < sent && !segment.tcp.flags.fin) return true;
        sent = start + segment.length;
      }
    }
    return false;
  }

  #in(segment: FlowSegment): void {
    this.#packet(segment);
    const { tcp, length } = segment;
    const { start } = this.#writer.numbers(segment);
    if (tcp.flags.rst) {
      this.#state = this.#state === 'opening' ? 'opening' : 'closed';
      return;
    }
    if (tcp.flags.syn) {
      if (this.#active && tcp.flags.ack && this.#state === 'opening') this.#state = 'open';
      if (length > 0) this.notes.push('the injected SYN carries data; Fast Open is not inferred');
      return;
    }
    this.#accept(tcp.flags.ack);
    if (length === 0) return;
    this.#beyond.push([start, start + length]);
    this.#beyond.sort(([a], [b]) => a - b);
    const before = this.#received;
    for (const [from, to] of this.#beyond)
      if (from <= this.#received) this.#received = Math.max(this.#received, to);
    if (this.#received > before) this.#lastData = segment.at;
    while ((this.#beyond[0]?.[1] ?? Infinity) <= this.#received) this.#beyond.shift();
  }

  /** The handshake of a passive open is over with the first ACK. */
  #accept(acknowledges: boolean): void {
    if (this.#active || this.#state !== 'opening' || !acknowledges) return;
    if (!this.#segments.some(({ from, tcp }) => from === this.#side && tcp.flags.syn)) return;
    this.#call('accept(3, ..., ...) = 4');
    if (this.#noDelay()) this.#call('setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0');
    this.#state = 'open';
  }

  #out(segment: FlowSegment, index: number): void {
    const { tcp, length, at } = segment;
    const { start } = this.#writer.numbers(segment);
    const end = start + length;
    if (tcp.flags.rst) this.#reset(segment);
    else if (!tcp.flags.syn) {
      if (length > 0 && start > this.#sent)
        this.#note(`bytes ${this.#sent} to ${start - 1} left before this and are not in the capture`);
      this.#sent = Math.max(this.#sent, end);
      if (end > this.#written && length > 0) this.#write(index, end, at);
      if (tcp.flags.fin && this.#state === 'open') this.#finish(index, at);
    }
    this.#packet(segment);
  }

  /** One write as far as the next PSH or FIN. */
  #write(index: number, end: number, at: number): void {
    if (this.#state !== 'open') {
      this.#note('data that no call explains');
      this.#written = end;
      return;
    }
    this.#readAll();
    let last = end;
    let finish: number | undefined;
    for (const [behind, segment] of this.#segments.slice(index).entries()) {
      if (segment.from !== this.#side || segment.tcp.flags.syn) continue;
      const until = this.#writer.numbers(segment).start + segment.length;
      if (segment.length > 0) last = Math.max(last, until);
      if (segment.tcp.flags.fin && segment.length > 0) finish = behind;
      if (segment.tcp.flags.rst || segment.tcp.flags.fin || (segment.tcp.flags.psh && until >= last)) break;
    }
    const size = last - this.#written;
    this.#advance(at);
    if (size > 65_536) this.#note('as one write this may be more than the send buffer takes');
    this.#call(`write(${this.#descriptor}, ..., ${size}) = ${size}`);
    this.#written = last;
    if (finish === undefined) return;
    if (finish === 0) this.#note('its FIN left with the data; here it may leave alone');
    this.#finish(index + finish, at);
  }

  #finish(index: number, at: number): void {
    this.#readAll();
    this.#advance(at);
    const more = this.#segments
      .slice(index + 1)
      .some((segment) => segment.from !== this.#side && segment.length > 0 && !segment.tcp.flags.rst);
    if (!more) return this.#close();
    this.#call(`shutdown(${this.#descriptor}, SHUT_WR) = 0`);
    this.#state = 'shut';
  }

  #close(): void {
    this.#call(`close(${this.#descriptor}) = 0`);
    this.#state = 'closed';
  }

  #reset({ at }: FlowSegment): void {
    if (this.#state === 'closed' || this.#state === 'opening') return;
    this.#advance(at);
    this.#note('taken for an abort: close with a linger time of 0');
    this.#call(`setsockopt(${this.#descriptor}, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0`);
    this.#close();
  }

  #readAll(): void {
    const size = this.#received - this.#read;
    if (size <= 0 || this.#state === 'closed' || this.#state === 'opening') return;
    this.#call(`read(${this.#descriptor}, ..., ${size}) = ${size}`);
    this.#read = this.#received;
  }

  #packet(segment: FlowSegment): void {
    const notes: string[] = [];
    const action = this.#writer.packet(segment, notes);
    this.#advance(segment.at);
    for (const note of notes) this.#note(`frame ${segment.frame}: ${note}`);
    this.#event(action);
  }

  /** The next event is at `at`. */
  #advance(at: number): void {
    this.#due = Math.max(at, this.#now);
  }

  #call(text: string, returnsAt?: number): void {
    const action: CallAction = parseCall(new Scanner(text));
    this.#event(action, returnsAt);
  }

  #event(action: Action, returnsAt?: number): void {
    const first = this.#events.length === 0;
    const time = {
      kind: first ? 'absolute' : 'relative',
      from: this.#due - this.#now,
      until: undefined,
    } as const;
    this.#now = this.#due;
    this.#events.push({ time, returnsAt, action, position: NOWHERE, text: '' });
  }

  #note(text: string): void {
    const index = this.#events.length;
    this.before.set(index, [...(this.before.get(index) ?? []), text]);
  }
}
