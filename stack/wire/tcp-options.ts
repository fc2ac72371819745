/**
 * TCP options: RFC 9293 3.2 (EOL, NOP, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 7413 (Fast Open).
 * Those that we do not know, or that are of a wrong length, are kept as bytes.
 */
import type { DropReason } from '../drop-reasons.ts';
import { add, type SeqNumber, seq } from '../tcp/sequence.ts';

/** A block of received data: `left` is its first sequence number, `right` the one after its last. RFC 2018 3. */
export interface SackBlock {
  readonly left: SeqNumber;
  readonly right: SeqNumber;
}

/** RFC 7323 3.2; each 0..2^32-1. */
export interface Timestamps {
  /** TSval: the sender's clock. */
  readonly value: number;
  /** TSecr: the last TSval that it received, if its segment has ACK. */
  readonly echo: number;
}

/** An option as on the wire: `data` is what follows kind and length. */
export interface RawOption {
  /** 2..255 */
  readonly kind: number;
  /** 0..38 bytes, a copy. */
  readonly data: Uint8Array;
}

/** The options of one segment; undefined where a segment does not have one. */
export interface TcpOptions {
  /** 0..65535 bytes. RFC 9293 3.7.1. */
  readonly mss: number | undefined;
  /** The shift as on the wire, 0..255; more than 14 means 14. RFC 7323 2.3. */
  readonly windowScale: number | undefined;
  readonly sackPermitted: boolean;
  /** One to four blocks. */
  readonly sack: readonly SackBlock[] | undefined;
  readonly timestamps: Timestamps | undefined;
  /** A Fast Open cookie of 4 to 16 bytes, or none (a request for one). RFC 7413 4.1.1. */
  readonly fastOpen: Uint8Array | undefined;
  /** What else there was, in its order. */
  readonly others: readonly RawOption[] | undefined;
}

/** A segment without options. */
export const NO_OPTIONS: TcpOptions = Object.freeze({
  mss: undefined,
  windowScale: undefined,
  sackPermitted: false,
  sack: undefined,
  timestamps: undefined,
  fastOpen: undefined,
  others: undefined,
});

/** `NO_OPTIONS` but for those given. */
export function options(partial: Partial<TcpOptions>): TcpOptions {
  return { ...NO_OPTIONS, ...partial };
}

/**
 * The order and padding in which options are written. `linux`: as Linux has them (`tcp_options_write`), so that captures
 * look alike. `standard`: one aligned group an option, easy to read.
 */
export type OptionLayout = 'standard' | 'linux';

/** Option kinds (IANA, "TCP Option Kind Numbers"). */
export const KIND = {
  eol: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
  md5: 19,
  fastOpen: 34,
  accEcn0: 172,
  accEcn1: 174,
  experimental: 254,
} as const;

/** What options may take of a header, in bytes: data offset is at most 15 words, 5 of them are fixed. */
export const MAX_OPTION_BYTES = 40;

/** NOP NOP Timestamps: the options of nearly every segment. */
const NOP_NOP_TIMESTAMPS = 0x0101_080a;

/**
 * Reads the options in `view[at..end)`. Of an option that is there twice the last one counts. A known option of a wrong
 * length is ignored (kept in `others`); a length below 2 or beyond `end` is an error, as nothing behind it could be found
 * (RFC 9293 3.1, MUST-7). Nothing after EOL is read.
 */
export function parse(view: DataView, at: number, end: number): TcpOptions | DropReason {
  if (at >= end) return NO_OPTIONS;
  if (end - at === 12 && view.getUint32(at) === NOP_NOP_TIMESTAMPS) {
    return {
      mss: undefined,
      windowScale: undefined,
      sackPermitted: false,
      sack: undefined,
      timestamps: { value: view.getUint32(at + 4), echo: view.getUint32(at + 8) },
      fastOpen: undefined,
      others: undefined,
    };
  }
  const found: Mutable<TcpOptions> = { ...NO_OPTIONS };
  let i = at;
  while (i < end) {
    const kind = view.getUint8(i);
    if (kind === KIND.eol) break;
    if (kind === KIND.nop) {
      i += 1;
      continue;
    }
    if (i + 2 > end) return 'PKT_TOO_SMALL';
    const length = view.getUint8(i + 1);
    if (length < 2 || i + length > end) return 'PKT_TOO_SMALL';
    if (!readKnown(found, view, i, kind, length)) {
      found.others = [...(found.others ?? []), { kind, data: copy(view, i + 2, i + length) }];
    }
    i += length;
  }
  return found;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads the option at `at` into `found`; false if it is unknown or of a wrong length. */
function readKnown(
  found: Mutable<TcpOptions>,
  view: DataView,
  at: number,
  kind: number,
  length: number,
): boolean {
  switch (kind) {
    case KIND.mss:
      if (length !== 4) return false;
      found.mss = view.getUint16(at + 2);
      return true;
    case KIND.windowScale:
      if (length !== 3) return false;
      found.windowScale = view.getUint8(at + 2);
      return true;
    case KIND.sackPermitted:
      if (length !== 2) return false;
      found.sackPermitted = true;
      return true;
    case KIND.sack:
      if (length < 10 || (length - 2) % 8 !== 0) return false;
      found.sack = readSack(view, at + 2, at + length);
      return true;
    case KIND.timestamps:
      if (length !== 10) return false;
      found.timestamps = { value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
      return true;
    case KIND.fastOpen:
      if (!isCookieLength(length - 2)) return false;
      found.fastOpen = copy(view, at + 2, at + length);
      return true;
    default:
      return false;
  }
}

/** RFC 7413 4.1.1: 4 to 16 bytes, an even number; 0 asks for a cookie. */
function isCookieLength(length: number): boolean {
  return length === 0 || (length >= 4 && length <= 16 && length % 2 === 0);
}

function readSack(view: DataView, at: number, end: number): SackBlock[] {
  const blocks: SackBlock[] = [];
  for (let i = at; i < end; i += 8) {
    blocks.push({ left: seq(view.getUint32(i)), right: seq(view.getUint32(i + 4)) });
  }
  return blocks;
}

function copy(view: DataView, at: number, end: number): Uint8Array {
  const data = new Uint8Array(end - at);
  for (let i = at; i < end; i++) data[i - at] = view.getUint8(i);
  return data;
}
void add;
