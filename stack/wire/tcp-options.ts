/**
 * TCP options: RFC 9293 3.2 (EOL, NOP, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 7413 (Fast Open).
 * Those that we do not know, or that are of a wrong length, are kept as bytes.
 */
import type { DropReason } from '../drop-reasons.ts';
import { seq } from '../tcp/sequence.ts';
import {
  KIND,
  MAX_OPTION_BYTES,
  NO_OPTIONS,
  type OptionLayout,
  type RawOption,
  type SackBlock,
  type TcpOptions,
  type Timestamps,
} from './tcp-options-value.ts';

export {
  KIND,
  MAX_OPTION_BYTES,
  NO_OPTIONS,
  type OptionLayout,
  options,
  type RawOption,
  type SackBlock,
  type TcpOptions,
  type Timestamps,
} from './tcp-options-value.ts';

/** NOP NOP Timestamps: the options of nearly every segment. */
const NOP_NOP_TIMESTAMPS = 0x0101_080a;
const SACK_PERMITTED_TIMESTAMPS = 0x0402_080a;
const NOP_NOP_SACK_PERMITTED = 0x0101_0402;
const SACK_PERMITTED = 0x0402;

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

/**
 * What `emit` will write, in bytes: 0..40, a multiple of 4. Of what does not fit into 40, SACK blocks are left out first
 * (the last ones), then cookie and others.
 */
export function emittedLength(options: TcpOptions, layout: OptionLayout = 'standard'): number {
  if (options === NO_OPTIONS) return 0;
  let length = fixedLength(options, layout);
  length += sackLength(options.sack, MAX_OPTION_BYTES - length);
  length += cookieLength(options.fastOpen, MAX_OPTION_BYTES - length, layout);
  if (options.others !== undefined) {
    for (const other of options.others) length += rawLength(other, MAX_OPTION_BYTES - length);
  }
  return (length + 3) & ~3;
}

/**
 * Writes the options to `view[at..)` and returns their end, `at + emittedLength(options, layout)`. Every option but the
 * `others` begins so that it ends on a 4-byte boundary (`freebsd`: timestamps and SACK blocks do); the rest is filled with zeros
 * (RFC 9293 3.1, MUST-69).
 */
export function emit(
  options: TcpOptions,
  view: DataView,
  at: number,
  layout: OptionLayout = 'standard',
): number {
  if (options === NO_OPTIONS) return at;
  const last = at + MAX_OPTION_BYTES;
  let i = FIXED[layout](options, view, at);
  i = emitSack(options.sack, view, i, last);
  i = emitCookie(options.fastOpen, view, i, last, layout);
  if (options.others !== undefined) {
    for (const other of options.others) i = emitRaw(other, view, i, last);
  }
  while (((i - at) & 3) !== 0) {
    view.setUint8(i, KIND.eol);
    i += 1;
  }
  return i;
}

/** MSS, window scale, SACK-permitted and timestamps: at most 24 bytes. */
function fixedLength(options: TcpOptions, layout: OptionLayout): number {
  let length = 0;
  if (options.mss !== undefined) length += 4;
  if (options.windowScale !== undefined) length += 4;
  if (options.timestamps !== undefined) length += 12;
  // Linux and FreeBSD put SACK-permitted where the two NOPs before the timestamps would be; FreeBSD never has NOPs before it.
  if (options.sackPermitted && (layout === 'standard' || options.timestamps === undefined))
    length += layout === 'freebsd' ? 2 : 4;
  return length;
}

/** MSS; NOP, window scale; NOP, NOP, SACK-permitted; NOP, NOP, timestamps: four aligned groups. */
function emitFixedStandard(options: TcpOptions, view: DataView, at: number): number {
  let i = emitMss(options.mss, view, at);
  i = emitWindowScale(options.windowScale, view, i);
  if (options.sackPermitted) {
    view.setUint32(i, NOP_NOP_SACK_PERMITTED);
    i += 4;
  }
  return emitTimestamps(options.timestamps, view, i, NOP_NOP_TIMESTAMPS);
}

/** MSS; SACK-permitted and timestamps, each in place of the other's NOPs; NOP, window scale. */
function emitFixedLinux(options: TcpOptions, view: DataView, at: number): number {
  let i = emitMss(options.mss, view, at);
  if (options.sackPermitted && options.timestamps === undefined) {
    view.setUint32(i, NOP_NOP_SACK_PERMITTED);
    i += 4;
  }
  const before = options.sackPermitted ? SACK_PERMITTED_TIMESTAMPS : NOP_NOP_TIMESTAMPS;
  i = emitTimestamps(options.timestamps, view, i, before);
  return emitWindowScale(options.windowScale, view, i);
}

/** MSS; NOP, window scale; SACK-permitted; timestamps, after NOPs unless SACK-permitted stands there. */
function emitFixedFreebsd(options: TcpOptions, view: DataView, at: number): number {
  const i = emitWindowScale(options.windowScale, view, emitMss(options.mss, view, at));
  if (options.sackPermitted && options.timestamps === undefined) {
    view.setUint16(i, SACK_PERMITTED);
    return i + 2;
  }
  const before = options.sackPermitted ? SACK_PERMITTED_TIMESTAMPS : NOP_NOP_TIMESTAMPS;
  return emitTimestamps(options.timestamps, view, i, before);
}

const FIXED: Readonly<Record<OptionLayout, (options: TcpOptions, view: DataView, at: number) => number>> = {
  standard: emitFixedStandard,
  linux: emitFixedLinux,
  freebsd: emitFixedFreebsd,
};

function emitMss(mss: number | undefined, view: DataView, at: number): number {
  if (mss === undefined) return at;
  view.setUint32(at, 0x0204_0000 | mss);
  return at + 4;
}

function emitWindowScale(shift: number | undefined, view: DataView, at: number): number {
  if (shift === undefined) return at;
  view.setUint32(at, 0x0103_0300 | shift);
  return at + 4;
}

function emitTimestamps(
  timestamps: Timestamps | undefined,
  view: DataView,
  at: number,
  before: number,
): number {
  if (timestamps === undefined) return at;
  view.setUint32(at, before);
  view.setUint32(at + 4, timestamps.value);
  view.setUint32(at + 8, timestamps.echo);
  return at + 12;
}

/** Kind and length, and two NOPs before them unless what is there ends in the middle of a word (`room` tells). */
function sackHead(room: number): number {
  return (room & 3) === 2 ? 2 : 4;
}

/** How many bytes the NOPs, if any, and as many blocks as fit take; 0 if none fits. */
function sackLength(blocks: readonly SackBlock[] | undefined, room: number): number {
  if (blocks === undefined) return 0;
  const head = sackHead(room);
  const count = Math.min(blocks.length, Math.floor((room - head) / 8));
  return count < 1 ? 0 : head + 8 * count;
}

function emitSack(
  blocks: readonly SackBlock[] | undefined,
  view: DataView,
  at: number,
  last: number,
): number {
  const length = sackLength(blocks, last - at);
  if (blocks === undefined || length === 0) return at;
  const head = sackHead(last - at);
  if (head === 2) view.setUint16(at, 0x0500 | length);
  else view.setUint32(at, 0x0101_0500 | (length - 2));
  let i = at + head;
  for (const block of blocks) {
    if (i >= at + length) break;
    view.setUint32(i, block.left);
    view.setUint32(i + 4, block.right);
    i += 8;
  }
  return i;
}

/** Kind, length and cookie, but for `freebsd` filled up with NOPs to a multiple of 4; 0 if that does not fit. */
function cookieLength(cookie: Uint8Array | undefined, room: number, layout: OptionLayout): number {
  if (cookie === undefined) return 0;
  const length = layout === 'freebsd' ? cookie.length + 2 : (cookie.length + 2 + 3) & ~3;
  return length <= room ? length : 0;
}

function emitCookie(
  cookie: Uint8Array | undefined,
  view: DataView,
  at: number,
  last: number,
  layout: OptionLayout,
): number {
  const length = cookieLength(cookie, last - at, layout);
  if (cookie === undefined || length === 0) return at;
  let i = emitRaw({ kind: KIND.fastOpen, data: cookie }, view, at, last);
  for (; i < at + length; i++) view.setUint8(i, KIND.nop);
  return i;
}

function rawLength(option: RawOption, room: number): number {
  const length = option.data.length + 2;
  return length <= room ? length : 0;
}

function emitRaw(option: RawOption, view: DataView, at: number, last: number): number {
  if (rawLength(option, last - at) === 0) return at;
  view.setUint8(at, option.kind);
  view.setUint8(at + 1, option.data.length + 2);
  let i = at + 2;
  for (const byte of option.data) {
    view.setUint8(i, byte);
    i += 1;
  }
  return i;
}
