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

// The state v0..v3, in halves: kept here, so that a hash allocates nothing. Nothing of it outlives a call.
let v0l = 0;
let v0h = 0;
let v1l = 0;
let v1h = 0;
let v2l = 0;
let v2h = 0;
let v3l = 0;
let v3h = 0;

/**
 * The low 32 bits (0..2^32-1) of SipHash-2-4 over `words`, each as four bytes, little-endian. Two words that say the same
 * thing in different order hash differently; so do 3 words and the same 3 with a 0 behind them.
 */
export function siphash32(key: SipKey, words: ArrayLike<number>): number {
  begin(key);
  const pairs = words.length >>> 1;
  for (let i = 0; i < pairs; i++) compress(words[2 * i] ?? 0, words[2 * i + 1] ?? 0);
  const last = (words.length & 1) === 1 ? (words[words.length - 1] ?? 0) : 0;
  // The last block: what is left over (0 or 4 bytes), and the length modulo 256 in its highest byte.
  compress(last, words.length << 26);
  finish();
  return (v0l ^ v1l ^ v2l ^ v3l) >>> 0;
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
  return (v0l ^ v1l ^ v2l ^ v3l) >>> 0;
}

/** All 64 bits of SipHash-2-4 over bytes, as two numbers of 32 bits. */
export function siphash(key: SipKey, bytes: Uint8Array): { low: number; high: number } {
  begin(key);
  const whole = bytes.length & ~7;
  for (let at = 0; at < whole; at += 8) compress(wordAt(bytes, at), wordAt(bytes, at + 4));
  // Bytes beyond the end read as 0, which is the padding.
  compress(wordAt(bytes, whole), wordAt(bytes, whole + 4) | ((bytes.length & 0xff) << 24));
  finish();
  return { low: (v0l ^ v1l ^ v2l ^ v3l) >>> 0, high: (v0h ^ v1h ^ v2h ^ v3h) >>> 0 };
}

/** Four bytes, little-endian; those beyond the end are 0. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  );
}

/** The key, mixed with "somepseudorandomlygeneratedbytes". */
function begin(key: SipKey): void {
  v0l = key.k0Low ^ 0x70736575;
  v0h = key.k0High ^ 0x736f6d65;
  v1l = key.k1Low ^ 0x6e646f6d;
  v1h = key.k1High ^ 0x646f7261;
  v2l = key.k0Low ^ 0x6e657261;
  v2h = key.k0High ^ 0x6c796765;
  v3l = key.k1Low ^ 0x79746573;
  v3h = key.k1High ^ 0x74656462;
}

function compress(low: number, high: number): void {
  v3l ^= low;
  v3h ^= high;
  round();
  round();
  v0l ^= low;
  v0h ^= high;
}

function finish(): void {
  v2l ^= 0xff;
  round();
  round();
  round();
  round();
}

/** One SipRound: additions modulo 2^64 with the carry by hand, rotations across the halves. */
function round(): void {
  let a = v0l;
  let aHigh = v0h;
  let b = v1l;
  let bHigh = v1h;
  let c = v2l;
  let cHigh = v2h;
  let d = v3l;
  let dHigh = v3h;
  let swap = 0;

  let low = (a >>> 0) + (b >>> 0); // v0 += v1
  aHigh = (aHigh + bHigh + (low > 0xffff_ffff ? 1 : 0)) | 0;
  a = low | 0;
  swap = (b << 13) | (bHigh >>> 19); // v1 <<<= 13
  bHigh = (bHigh << 13) | (b >>> 19);
  b = swap ^ a;
  bHigh ^= aHigh;
  swap = a; // v0 <<<= 32
  a = aHigh;
  aHigh = swap;

  low = (c >>> 0) + (d >>> 0); // v2 += v3
  cHigh = (cHigh + dHigh + (low > 0xffff_ffff ? 1 : 0)) | 0;
  c = low | 0;
  swap = (d << 16) | (dHigh >>> 16); // v3 <<<= 16
  dHigh = (dHigh << 16) | (d >>> 16);
  d = swap ^ c;
  dHigh ^= cHigh;

  low = (a >>> 0) + (d >>> 0); // v0 += v3
  aHigh = (aHigh + dHigh + (low > 0xffff_ffff ? 1 : 0)) | 0;
  a = low | 0;
  swap = (d << 21) | (dHigh >>> 11); // v3 <<<= 21
  dHigh = (dHigh << 21) | (d >>> 11);
  d = swap ^ a;
  dHigh ^= aHigh;

  low = (c >>> 0) + (b >>> 0); // v2 += v1
  cHigh = (cHigh + bHigh + (low > 0xffff_ffff ? 1 : 0)) | 0;
  c = low | 0;
  swap = (b << 17) | (bHigh >>> 15); // v1 <<<= 17
  bHigh = (bHigh << 17) | (b >>> 15);
  b = swap ^ c;
  bHigh ^= cHigh;

  v0l = a;
  v0h = aHigh;
  v1l = b;
  v1h = bHigh;
  v2l = cHigh; // v2 <<<= 32
  v2h = c;
  v3l = d;
  v3h = dHigh;
}
