import { SipKey, siphash32 } from '../bytes/siphash.ts';
import { type Random, randomBytes } from '../random.ts';
import { type Instant, seconds } from '../time.ts';
import { NO_OPTIONS, type TcpOptions } from '../wire/tcp-options.ts';
import type { TcpConnection } from './connection.ts';
import type { Endpoint } from './events.ts';
import { endpointWords } from './isn.ts';
import type { OutgoingSegment } from './segment.ts';
import { type SeqNumber, add, seq } from './sequence.ts';

/** A cookie is right in the time slot it was made in and in the next: between 64 and 128 s. */
const SLOT = seconds(64);
/** What a cookie can say of the peer's MSS: the largest that is not above it. */
const MSS_TABLE = [64, 536, 1_220, 1_300, 1_360, 1_440, 1_460, 8_960] as const;
const MAC_BITS = 24;
const MAC_MASK = 0xff_ffff;

/** Places in the low six bits of a timestamp; Linux has the same. */
const SCALE_MASK = 0x0f;
const NO_SCALE = 0x0f;
const SACK_BIT = 0x10;
const ECN_BIT = 0x20;
const OPTION_MASK = 0x3f;

/** What a SYN offered beside its MSS. */
export interface CookieOptions {
  readonly windowScale: number | undefined;
  readonly sackPermitted: boolean;
  /** It asked for ECN [RFC 3168 6.1.1]. */
  readonly ecn: boolean;
}

/**
 * SYN cookies [RFC 4987 3.6]: what a listener has to remember of a SYN lies in the ISN of its answer, so that a flood takes no memory.
 * Five bits for the time slot, three for the MSS, 24 of a keyed hash over addresses, ports, the peer's ISN and those eight bits; all of it
 * shifted by a second keyed hash, so that nothing of it can be read. One guess in 2^28 is right.
 */
export class SynCookies {
  readonly #mac: SipKey;
  readonly #shift: SipKey;

  constructor(random: Random) {
    this.#mac = new SipKey(randomBytes(random, 16));
    this.#shift = new SipKey(randomBytes(random, 16));
  }

  /** The ISN that answers a SYN. */
  make(local: Endpoint, remote: Endpoint, irs: SeqNumber, mss: number, now: Instant): SeqNumber {
    let index = 0;
    while (index + 1 < MSS_TABLE.length && (MSS_TABLE[index + 1] ?? 0) <= mss) index += 1;
    const slot = Math.floor(now / SLOT);
    const head = ((slot & 31) << 3) | index;
    const words = [...endpointWords(local, remote), irs];
    const mac = siphash32(this.#mac, [...words, slot >>> 0, index]) & MAC_MASK;
    return add(seq(head * 2 ** MAC_BITS + mac), siphash32(this.#shift, words));
  }

  /** The MSS of the SYN that `cookie` answered; undefined: it is no cookie of ours, or too old. */
  check(
    local: Endpoint,
    remote: Endpoint,
    irs: SeqNumber,
    cookie: SeqNumber,
    now: Instant,
  ): number | undefined {
    const words = [...endpointWords(local, remote), irs];
    const plain = add(cookie, -siphash32(this.#shift, words));
    const index = (plain >>> MAC_BITS) & 7;
    const present = Math.floor(now / SLOT);
    const age = (present - (plain >>> (MAC_BITS + 3))) & 31;
    if (age > 1 || age > present) return undefined;
    const mac = siphash32(this.#mac, [...words, (present - age) >>> 0, index]) & MAC_MASK;
    return mac === (plain & MAC_MASK) ? MSS_TABLE[index] : undefined;
  }
}

/** The timestamp of a SYN-ACK with the SYN's options in its lowest bits: no later than `value`, by at most 63 ticks earlier. */
export function timestampWith({ windowScale, sackPermitted, ecn }: CookieOptions, value: number): number {
  const bits =
    (windowScale === undefined ? NO_SCALE : Math.min(windowScale, 14)) |
    (sackPermitted ? SACK_BIT : 0) |
    (ecn ? ECN_BIT : 0);
  const marked = (value & ~OPTION_MASK) | bits;
  return (((marked - value) | 0) > 0 ? marked - OPTION_MASK - 1 : marked) >>> 0;
}

/** What the timestamp that comes back says of the SYN; without one nothing was agreed on. */
export function optionsIn(arrived: TcpOptions): CookieOptions {
  const echo = arrived.timestamps?.echo;
  if (echo === undefined) return { windowScale: undefined, sackPermitted: false, ecn: false };
  const scale = echo & SCALE_MASK;
  return {
    windowScale: scale === NO_SCALE ? undefined : scale,
    sackPermitted: (echo & SACK_BIT) !== 0,
    ecn: (echo & ECN_BIT) !== 0,
  };
}

/** What a SYN offered, as far as cookie (`mss`) and timestamp tell. */
export function offeredBefore(arrived: TcpOptions, mss: number): TcpOptions {
  const { windowScale, sackPermitted } = optionsIn(arrived);
  return { ...NO_OPTIONS, mss, windowScale, sackPermitted, timestamps: arrived.timestamps };
}

/**
 * The SYN-ACK of a connection that exists only to be asked for it: in its timestamp is what the SYN offered; without one nothing is
 * agreed on that would have to be remembered.
 */
export function cookieSynAck(connection: TcpConnection, offered: TcpOptions): OutgoingSegment | undefined {
  connection.synDue = true;
  connection.timers.restore('retransmission', connection.context.now); // or it would be set, and traced
  connection.resume('SYN-RECEIVED');
  const segment = connection.nextSegment();
  if (segment === undefined) return undefined;
  const { options } = segment.header;
  const { windowScale, sackPermitted } = offered;
  const noEcn = { ae: false, cwr: false, ece: false }; // a cookie has no place for Accurate ECN
  if (options.timestamps === undefined) {
    const fewer = { ...options, windowScale: undefined, sackPermitted: false };
    return { ...segment, header: { ...segment.header, ...noEcn, options: fewer } };
  }
  const ecn = connection.ecn.mode === 'classic';
  const { value, echo } = options.timestamps;
  const marked = { value: timestampWith({ windowScale, sackPermitted, ecn }, value), echo };
  const header = { ...segment.header, ...(ecn ? {} : noEcn), options: { ...options, timestamps: marked } };
  return { ...segment, header };
}
