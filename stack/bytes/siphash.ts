/**
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash that an outsider can
 * neither predict nor make collide. For initial sequence numbers (RFC 6528), ports, cookies and hash tables. JavaScript
 * has no 64-bit integers that are fast, so each word is kept as two halves of 32 bits.
 */

/** A secret key of 128 bits. */
export class SipKey {
  /** The key's 64-bit words k0 and k1 (little-endian), in halves. */
  readonly k0Low: number;
  readonly k0High: number;
  readonly k1Low: number;
  readonly k1High: number;

  /** `key` has 16 bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
    this.k0Low = wordAt(key, 0);
    this.k0High = wordAt(key, 4);
    this.k1Low = wordAt(key, 8);
    this.k1High = wordAt(key, 12);
  }
}

// The state: v0..v3, each low half first. Kept here, so that a hash allocates nothing; nothing of it outlives a call.
const state: Int32Array = new Int32Array(8);

/**
 * The low 32 bits (0..2^32-1) of SipHash-2-4 over `words`, each as four bytes, little-endian. The length
 * counts: 3 words and the same 3 with a 0 behind them hash differently.
 */
export function siphash32(key: SipKey, words: ArrayLike<number>): number {
  begin(key);
  const pairs = words.length >>> 1;
  for (let i = 0; i < pairs; i++) compress(words[2 * i] ?? 0, words[2 * i + 1] ?? 0);
  const last = (words.length & 1) === 1 ? (words[words.length - 1] ?? 0) : 0;
  // The last block: what is left over (0 or 4 bytes), and the length modulo 256 in its highest byte.
  compress(last, words.length << 26);
  finish();
  return lowResult();
}

/** `siphash32` of three words, or four, without an array. */
export function hash(key: SipKey, w0: number, w1: number, w2: number, w3?: number): number {
  begin(key);
  compress(w0, w1);
  if (w3 === undefined) {
    compress(w2, 12 << 24);
  } else {
    compress(w2, w3);
    compress(0, 16 << 24);
  }
  finish();
  return lowResult();
}

/** All 64 bits of SipHash-2-4 over bytes, as two numbers of 32 bits. */
export function siphash(key: SipKey, bytes: Uint8Array): { low: number; high: number } {
  begin(key);
  const whole = bytes.length & ~7;
  for (let at = 0; at < whole; at += 8) compress(wordAt(bytes, at), wordAt(bytes, at + 4));
  // Bytes beyond the end read as 0, which is the padding.
  compress(wordAt(bytes, whole), wordAt(bytes, whole + 4) | ((bytes.length & 0xff) << 24));
  finish();
  return { low: lowResult(), high: highResult() };
}

/** Four bytes, little-endian; those beyond the end are 0. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

/** The key, mixed with "somepseudorandomlygeneratedbytes". */
function begin(key: SipKey): void {
  state[0] = key.k0Low ^ 0x70736575;
  state[1] = key.k0High ^ 0x736f6d65;
  state[2] = key.k1Low ^ 0x6e646f6d;
  state[3] = key.k1High ^ 0x646f7261;
  state[4] = key.k0Low ^ 0x6e657261;
  state[5] = key.k0High ^ 0x6c796765;
  state[6] = key.k1Low ^ 0x79746573;
  state[7] = key.k1High ^ 0x74656462;
}

function compress(low: number, high: number): void {
  state[6] = (state[6] ?? 0) ^ low;
  state[7] = (state[7] ?? 0) ^ high;
  rounds(2);
  state[0] = (state[0] ?? 0) ^ low;
  state[1] = (state[1] ?? 0) ^ high;
}

function finish(): void {
  state[4] = (state[4] ?? 0) ^ 0xff;
  rounds(4);
}

function lowResult(): number {
  return ((state[0] ?? 0) ^ (state[2] ?? 0) ^ (state[4] ?? 0) ^ (state[6] ?? 0)) >>> 0;
}

function highResult(): number {
  return ((state[1] ?? 0) ^ (state[3] ?? 0) ^ (state[5] ?? 0) ^ (state[7] ?? 0)) >>> 0;
}

/** 1 if an addition of `addend` that gave `low` went beyond 32 bits. */
function carry(low: number, addend: number): number {
  return low >>> 0 < addend >>> 0 ? 1 : 0;
}

/** `count` SipRounds: additions modulo 2^64 with the carry by hand, rotations across the halves. */
function rounds(count: number): void {
  let a = state[0] ?? 0;
  let aHigh = state[1] ?? 0;
  let b = state[2] ?? 0;
  let bHigh = state[3] ?? 0;
  let c = state[4] ?? 0;
  let cHigh = state[5] ?? 0;
  let d = state[6] ?? 0;
  let dHigh = state[7] ?? 0;
  let old = 0;
  for (let i = 0; i < count; i++) {
    a = (a + b) | 0; // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
    aHigh = (aHigh + bHigh + carry(a, b)) | 0;
    old = b;
    b = ((b << 13) | (bHigh >>> 19)) ^ a;
    bHigh = ((bHigh << 13) | (old >>> 19)) ^ aHigh;
    old = a;
    a = aHigh;
    aHigh = old;

    c = (c + d) | 0; // v2 += v3; v3 <<<= 16; v3 ^= v2
    cHigh = (cHigh + dHigh + carry(c, d)) | 0;
    old = d;
    d = ((d << 16) | (dHigh >>> 16)) ^ c;
    dHigh = ((dHigh << 16) | (old >>> 16)) ^ cHigh;

    a = (a + d) | 0; // v0 += v3; v3 <<<= 21; v3 ^= v0
    aHigh = (aHigh + dHigh + carry(a, d)) | 0;
    old = d;
    d = ((d << 21) | (dHigh >>> 11)) ^ a;
    dHigh = ((dHigh << 21) | (old >>> 11)) ^ aHigh;

    c = (c + b) | 0; // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
    cHigh = (cHigh + bHigh + carry(c, b)) | 0;
    old = b;
    b = ((b << 17) | (bHigh >>> 15)) ^ c;
    bHigh = ((bHigh << 17) | (old >>> 15)) ^ cHigh;
    old = c;
    c = cHigh;
    cHigh = old;
  }
  state[0] = a;
  state[1] = aHigh;
  state[2] = b;
  state[3] = bHigh;
  state[4] = c;
  state[5] = cHigh;
  state[6] = d;
  state[7] = dHigh;
}
