/** What every packet has to fulfil, whether or not a line speaks of it. */

import { KIND } from '../../stack/wire/tcp-options.ts';
import { type LivePacket, type LiveTcp, timestampsOf } from './live-packet.ts';

/** Options that belong to SYN segments alone. */
const SYN_ONLY: ReadonlySet<number> = new Set([KIND.mss, KIND.windowScale, KIND.sackPermitted]);
const LARGEST_SHIFT = 14;

/** What one connection's packets have to agree with: fed with what was injected and what was sent. */
export class ConnectionChecks {
  /** TSvals that were injected. */
  readonly #injected: Set<number> = new Set();
  #offeredTimestamps: { remote: boolean; local: boolean } = { remote: false, local: false };
  #shift: { remote: number | undefined; local: number | undefined } = { remote: undefined, local: undefined };
  /** Right edge of what the remote side ever allowed. */
  #edge: number | undefined;
  #lastAck: number | undefined;
  /** RCV.NXT can be no further than this: the end of what was injected. */
  #received: number | undefined;
  /** The same for a SYN that came after the stack had acknowledged another one: a stray, or a new connection's. */
  #strayEnd: number | undefined;
  /** SND.NXT can be no further than this. */
  #sentEnd: number | undefined;
  #finAt: number | undefined;

  /** The script has injected a segment. */
  injected(tcp: LiveTcp): void {
    const stamps = timestampsOf(tcp.options);
    if (stamps !== undefined) this.#injected.add(stamps.value);
    if (tcp.flags.syn) {
      this.#shift.remote = shiftOf(tcp);
      this.#offeredTimestamps.remote = stamps !== undefined;
    }
    const size = tcp.payload.length + (tcp.flags.syn ? 1 : 0) + (tcp.flags.fin ? 1 : 0);
    const end = (tcp.sequence + size) >>> 0;
    if (tcp.flags.syn && this.#lastAck !== undefined) this.#strayEnd = end;
    else if (tcp.flags.syn || this.#received === undefined || after(end, this.#received))
      this.#received = end;
    const impossible = this.#sentEnd === undefined || after(tcp.ack, this.#sentEnd);
    if (!tcp.flags.ack || tcp.flags.rst || impossible) return;
    const both = this.#shift.remote !== undefined && this.#shift.local !== undefined;
    const shift = both && !tcp.flags.syn ? (this.#shift.remote ?? 0) : 0;
    const edge = (tcp.ack + tcp.window * 2 ** shift) >>> 0;
    if (this.#edge === undefined || after(edge, this.#edge)) this.#edge = edge;
  }

  /** The stack has sent a segment: what is wrong with it. */
  sent(tcp: LiveTcp): string[] {
    const problems = [...formProblems(tcp)];
    const stamps = timestampsOf(tcp.options);
    if (tcp.flags.syn) {
      this.#shift.local = shiftOf(tcp);
      this.#offeredTimestamps.local = stamps !== undefined;
      if (tcp.flags.ack && tcp.ack === this.#strayEnd) this.#received = this.#strayEnd;
      this.#lastAck = undefined;
      this.#finAt = undefined;
      this.#sentEnd = undefined;
      this.#edge = undefined;
    }
    problems.push(...this.#timestampProblems(tcp));
    if (!tcp.flags.rst) problems.push(...this.#numberProblems(tcp));
    return problems;
  }

  #timestampProblems(tcp: LiveTcp): string[] {
    const stamps = timestampsOf(tcp.options);
    const { remote, local } = this.#offeredTimestamps;
    if (stamps === undefined) {
      const owed = remote && local && !tcp.flags.rst && !tcp.flags.syn;
      return owed ? ['timestamps were agreed, but it has none [RFC 7323 3.2]'] : [];
    }
    if (!tcp.flags.ack || this.#injected.has(stamps.echo)) return [];
    return [`TS ecr ${stamps.echo} is no TSval that was received [RFC 7323 4.3]`];
  }

  #numberProblems(tcp: LiveTcp): string[] {
    const problems: string[] = [];
    const end = (tcp.sequence + tcp.payload.length) >>> 0;
    const next = (end + (tcp.flags.syn ? 1 : 0) + (tcp.flags.fin ? 1 : 0)) >>> 0;
    if (this.#sentEnd === undefined || after(next, this.#sentEnd)) this.#sentEnd = next;
    if (tcp.payload.length > 1 && this.#edge !== undefined && after(end, this.#edge))
      problems.push(
        `data up to ${end} lies beyond the offered window, which ends at ${this.#edge} [RFC 9293 3.8.6]`,
      );
    if (tcp.payload.length > 0 && this.#finAt !== undefined && after(end, this.#finAt))
      problems.push('data beyond the FIN [RFC 9293 3.6]');
    if (tcp.flags.fin) this.#finAt = end;
    if (!tcp.flags.ack) return problems;
    if (this.#received !== undefined && after(tcp.ack, this.#received))
      problems.push(`it acknowledges ${tcp.ack}, but no more than ${this.#received} was sent to it`);
    if (this.#lastAck !== undefined && after(this.#lastAck, tcp.ack))
      problems.push(`its ack number goes back from ${this.#lastAck} to ${tcp.ack}`);
    this.#lastAck = tcp.ack;
    return problems;
  }
}

/** What is wrong with a packet by itself. `mtu`: the largest it may be; `mayFragment`: it may be without DF. */
export function packetProblems(packet: LivePacket, mtu: number, mayFragment: boolean = false): string[] {
  const { ip, tcp, icmp, bytes } = packet;
  if (ip.version !== 4) return [`IP version ${ip.version}`];
  const problems: string[] = [];
  if (!ip.checksumOk) problems.push('wrong IPv4 header checksum [RFC 791 3.1]');
  if (ip.totalLength !== bytes.length)
    problems.push(`IPv4 total length ${ip.totalLength}, but the packet has ${bytes.length} bytes`);
  if (bytes.length > mtu) problems.push(`${bytes.length} bytes, more than the MTU of ${mtu}`);
  if (tcp !== undefined && !ip.dontFragment && !mayFragment) problems.push('TCP without DF [RFC 1191 3]');
  if (tcp !== undefined && !tcp.checksumOk) problems.push('wrong TCP checksum [RFC 9293 3.1]');
  if (icmp !== undefined && !icmp.checksumOk) problems.push('wrong ICMP checksum [RFC 792]');
  if (ip.protocol === 6 && tcp === undefined) problems.push('TCP header cut off');
  return problems;
}

function* formProblems(tcp: LiveTcp): Generator<string> {
  if (tcp.reserved !== 0) yield `reserved bits ${tcp.reserved} [RFC 9293 3.1]`;
  if (tcp.headerLength < 20) yield `data offset of ${tcp.headerLength} bytes`;
  if (tcp.optionsBroken) yield 'malformed options';
  if (!tcp.flags.ack && tcp.ack !== 0) yield `an ack number (${tcp.ack}) without the ACK flag`;
  if (!tcp.flags.urg && tcp.urgent !== 0) yield `an urgent pointer (${tcp.urgent}) without the URG flag`;
  for (const { kind, data } of tcp.options) {
    if (SYN_ONLY.has(kind) && !tcp.flags.syn) yield `option ${kind} on a segment without SYN [RFC 9293 3.2]`;
    if (kind === KIND.windowScale && (data[0] ?? 0) > LARGEST_SHIFT)
      yield `window scale ${data[0]} [RFC 7323 2.3]`;
  }
}

function shiftOf(tcp: LiveTcp): number | undefined {
  return tcp.options.find(({ kind }) => kind === KIND.windowScale)?.data[0];
}

/** `a` comes after `b` in sequence space. */
function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
