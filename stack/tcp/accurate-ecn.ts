/**
 * What Accurate ECN counts and says: the ACE field (AE, CWR and ECE as one number of three bits) and the AccECN options.
 *
 * Source: RFC 9768 (draft-ietf-tcpm-accurate-ecn), from memory: its text was not at hand when this was written. Section numbers are the
 * draft's.
 */

import { KIND, type RawOption, type TcpOptions } from '../wire/tcp-options.ts';

/** The ECN codepoints of IP [RFC 3168 5]: Not-ECT, ECT(1), ECT(0), CE. */
export const NOT_ECT = 0;
export const ECT_1 = 1;
export const ECT_0 = 2;
export const CE = 3;

/** Where the packet counter begins: not at 0, so that a middlebox that clears the flags is noticed [RFC 9768 3.2.1]. */
const INITIAL_CEP = 5;
/** CE-marked segments with data after which an ACK leaves at once, and pure ACKs so marked [RFC 9768 3.2.2.5.1: n is 2 to 6; 3 to 6]. */
const DATA_MARKS = 2;
const ACK_MARKS = 3;
const MOST_MARKS = 6;
const BYTES_MODULUS = 0x100_0000;
/** Counters of an option that lie further ahead than this lie behind: it was overtaken. */
const HALF = 0x80_0000;

/** Payload bytes by the codepoint that they came with. */
interface ByteCounters {
  ect0: number;
  ect1: number;
  ce: number;
}

/** The ACE field that tells the codepoint of a SYN (in the SYN-ACK) or of a SYN-ACK (in the ACK of it) [RFC 9768 3.1.1, Table 3]. */
const HANDSHAKE_ACE: readonly number[] = [0b010, 0b011, 0b100, 0b110];

/** The field for a SYN or SYN-ACK that came with `codepoint`. */
export function handshakeAce(codepoint: number): number {
  return HANDSHAKE_ACE[codepoint] ?? 0b010;
}

/** Which codepoint it tells of; what is not in use tells of none [RFC 9768 3.1.3, Table 4]. */
export function handshakeCodepoint(ace: number): number {
  return Math.max(0, HANDSHAKE_ACE.indexOf(ace));
}

/** The counters of one connection, in both directions. Byte counters begin at 0 here; on the wire those of ECT at 1. */
export class AccurateEcn {
  /** r.cep: packets that came with CE, from 5 on. */
  receivedPackets: number = INITIAL_CEP;
  readonly received: ByteCounters = { ect0: 0, ect1: 0, ce: 0 };
  /** s.cep: packets of ours that the peer saw with CE, as far as we know. */
  deliveredPackets: number = INITIAL_CEP;
  readonly delivered: ByteCounters = { ect0: 0, ect1: 0, ce: 0 };
  /** An option that can be believed has come. */
  optionSeen: boolean = false;
  /** The path has cleared the options' counters: they are no longer looked at [RFC 9768 3.2.3.2]. */
  #optionMangled: boolean = false;
  #marksSinceAck: number = 0;
  #lastWasMarked: boolean = false;
  /** TSval of the newest segment whose field was read. */
  #newest: number | undefined;

  /** The ACE field of a segment that leaves now. */
  get ace(): number {
    return this.receivedPackets & 7;
  }

  /**
   * `packets` with `bytes` of payload in all came with `codepoint`. True if an ACK has to leave at once: at the first mark after none, and
   * before the peer could lose count [RFC 9768 3.2.2.5.1].
   */
  arrived(codepoint: number, packets: number, bytes: number): boolean {
    const marked = codepoint === CE;
    const first = marked && !this.#lastWasMarked && bytes > 0;
    if (bytes > 0) this.#lastWasMarked = marked;
    if (codepoint === ECT_0) this.received.ect0 += bytes;
    else if (codepoint === ECT_1) this.received.ect1 += bytes;
    if (!marked) return false;
    this.received.ce += bytes;
    this.receivedPackets += packets;
    this.#marksSinceAck += packets;
    return first || this.#marksSinceAck >= (bytes > 0 ? DATA_MARKS : ACK_MARKS);
  }

  /** As many marks as one ACK may tell of have come since the last [RFC 9768 3.2.2.5.1: n is at most 6]. */
  get wouldWrap(): boolean {
    return this.#marksSinceAck >= MOST_MARKS;
  }

  /** A segment with the present field leaves. */
  ackSent(): void {
    this.#marksSinceAck = 0;
  }

  /** Whether a segment that acknowledges nothing new is known to be newer than those before: its field may be read. */
  isNewer(timestamp: number | undefined): boolean {
    if (timestamp === undefined) return false;
    return this.#newest === undefined || ((timestamp - this.#newest) | 0) > 0;
  }

  /**
   * Reads the field of an ACK for `acked` packets more than before, and its option. Returns how many packets of ours it says were marked:
   * with a field of three bits and more than seven packets as many as there may have been, unless the option knows of fewer
   * [RFC 9768 3.2.2.5.2, A.2].
   */
  acknowledged(ace: number, acked: number, mss: number, options: TcpOptions): number {
    const { timestamps } = options;
    if (timestamps !== undefined) this.#newest = timestamps.value;
    const bytes = this.#readOption(options);
    const least = (ace - this.deliveredPackets) & 7;
    const most = acked <= 7 ? least : acked - ((acked - least) & 7);
    const marks = bytes === undefined ? most : wrapped(least, most, bytes, mss);
    this.deliveredPackets += marks;
    return marks;
  }

  /** The peer saw the SYN-ACK with CE. */
  synAckMarked(): void {
    this.deliveredPackets += 1;
  }

  /** The option for a segment that leaves now: EE1B, ECEB, EE0B, in the order of kind 174 [RFC 9768 3.2.3]. */
  option(): RawOption {
    const { ect0, ect1, ce } = this.received;
    const data = new Uint8Array(9);
    write(data, 0, ect1 + 1);
    write(data, 3, ce);
    write(data, 6, ect0 + 1);
    return { kind: KIND.accEcn1, data };
  }

  /** Takes the counters of an option; returns how many bytes more came with CE, undefined if it does not say. */
  #readOption({ others }: TcpOptions): number | undefined {
    const option = others?.find(({ kind }) => kind === KIND.accEcn0 || kind === KIND.accEcn1);
    if (option === undefined || this.#optionMangled || option.data.length % 3 !== 0) return undefined;
    const { data, kind } = option;
    const names =
      kind === KIND.accEcn0 ? (['ect0', 'ce', 'ect1'] as const) : (['ect1', 'ce', 'ect0'] as const);
    // Those of ECT begin at 1 [RFC 9768 3.2.1], so that a first one of 0 has been cleared.
    if (!this.optionSeen && data.length >= 3 && read(data, 0) === 0) {
      this.#optionMangled = true;
      return undefined;
    }
    if (data.length >= 3) this.optionSeen = true;
    let marked: number | undefined;
    for (const [index, name] of names.entries()) {
      if (data.length < 3 * index + 3) break;
      const more = ahead(read(data, 3 * index) - (name === 'ce' ? 0 : 1), this.delivered[name]);
      if (more < HALF) this.delivered[name] += more;
      if (name === 'ce') marked = more < HALF ? more : 0;
    }
    return marked;
  }
}

/** The smallest number of marks from `least` to `most`, in steps of 8, that accounts for `bytes` of marked payload. */
function wrapped(least: number, most: number, bytes: number, mss: number): number {
  let marks = least;
  while (marks < most && marks * mss < bytes) marks += 8;
  return marks;
}

function ahead(wire: number, counter: number): number {
  return (((wire - counter) % BYTES_MODULUS) + BYTES_MODULUS) % BYTES_MODULUS;
}

function write(data: Uint8Array, at: number, value: number): void {
  data[at] = Math.floor(value / 0x1_0000) & 0xff;
  data[at + 1] = Math.floor(value / 0x100) & 0xff;
  data[at + 2] = value & 0xff;
}

function read(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
}
