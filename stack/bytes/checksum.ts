/**
 * The Internet checksum, RFC 1071: the one's-complement sum of 16-bit words, and its complement.
 */
import { type IpAddress, isIPv4 } from '../wire/address.ts';

/** Below this many bytes, reading them in pairs is faster than finding the view of words. */
const SHORT = 64;

const LITTLE_ENDIAN: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

// The words of the two memories that were summed last (one to receive into and one to send from, as a rule): making a view
// for each packet would cost half as much again. They keep those two alive, and hold nothing that affects a result.
let recentBytes: Uint8Array = new Uint8Array(0);
let recentWords: Uint32Array = new Uint32Array(0);
let olderBytes: Uint8Array = recentBytes;
let olderWords: Uint32Array = recentWords;

/**
 * The sum of `bytes[at..end)` as big-endian 16-bit words, added to `initial`: correct modulo 2^16-1, not yet folded, exact
 * for up to 8 MiB at a time. An odd last byte counts as the high half of a word. Sums of blocks can be chained through
 * `initial` if every block but the last is of even length.
 */
export function sum(bytes: Uint8Array, at: number, end: number, initial: number = 0): number {
  if (end - at < SHORT) return initial + sumOfPairs(bytes, at, end);
  return initial + sumOfWords(bytes, at, end);
}

function sumOfPairs(bytes: Uint8Array, at: number, end: number): number {
  let total = 0;
  let i = at;
  for (; i + 1 < end; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  if (i < end) total += (bytes[i] ?? 0) << 8;
  return total;
}

/**
 * Four bytes at a time, in the machine's own byte order: the order of bytes within words does not matter until the end
 * (RFC 1071 2 B), and 2^16 is 1 modulo 2^16-1, so that a word of 32 bits adds as its two halves do. What stands before the
 * first aligned word and after the last one is summed in pairs.
 */
function sumOfWords(bytes: Uint8Array, at: number, end: number): number {
  if (bytes !== recentBytes) useWords(bytes);
  const words = recentWords;
  const base = bytes.byteOffset;
  const aligned = at + ((4 - ((base + at) & 3)) & 3);
  const first = (base + aligned) >>> 2;
  const last = Math.min((base + end) >>> 2, words.length);
  const rest = aligned + 4 * (last - first);

  const own = fold(addWords(words, first, last));
  const bigEndian = LITTLE_ENDIAN ? swap(own) : own;
  // If the words begin at an odd distance from `at`, they are off by one byte against those that are asked for.
  if (((aligned - at) & 1) === 0) {
    return sumOfPairs(bytes, at, aligned) + bigEndian + sumOfPairs(bytes, rest, end);
  }
  return sumOfPairs(bytes, at, aligned) + swap(bigEndian) + swap(fold(sumOfPairs(bytes, rest, end)));
}

/** As doubles, which hold the sum of 2^21 such words exactly; eight a turn, because the loop would cost as much as the sum. */
function addWords(words: Uint32Array, first: number, last: number): number {
  let total = 0;
  let i = first;
  for (; i + 7 < last; i += 8) {
    total +=
      (words[i] ?? 0) +
      (words[i + 1] ?? 0) +
      (words[i + 2] ?? 0) +
      (words[i + 3] ?? 0) +
      (words[i + 4] ?? 0) +
      (words[i + 5] ?? 0) +
      (words[i + 6] ?? 0) +
      (words[i + 7] ?? 0);
  }
  for (; i < last; i++) total += words[i] ?? 0;
  return total;
}

/** Makes `recentWords` the words of the memory that `bytes` is in. */
function useWords(bytes: Uint8Array): void {
  const words =
    bytes === olderBytes ? olderWords : new Uint32Array(bytes.buffer, 0, bytes.buffer.byteLength >>> 2);
  olderBytes = recentBytes;
  olderWords = recentWords;
  recentBytes = bytes;
  recentWords = words;
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}

/** A sum (0..2^53-1) folded to 16 bits: 0 only if all that was summed was 0. */
export function fold(sum: number): number {
  const high = Math.floor(sum / 0x1_0000_0000); // below 2^21
  const low = sum >>> 0;
  let folded = (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
}

/** The checksum of `bytes[at..end)` with `initial` (a sum) added: 0..0xffff. 0 if the bytes hold their right checksum. */
export function checksum(bytes: Uint8Array, at: number, end: number, initial: number = 0): number {
  return ~fold(sum(bytes, at, end, initial)) & 0xffff;
}

/**
 * The sum over the pseudo-header: addresses, protocol, and the transport's `length` in bytes. RFC 9293 3.1, RFC 8200 8.1.
 * Both addresses are of one version.
 */
export function pseudoHeaderSum(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number {
  return addressSum(source) + addressSum(destination) + protocol + (length >>> 16) + (length & 0xffff);
}

function addressSum(address: IpAddress): number {
  if (isIPv4(address)) return wordSum(address);
  return wordSum(address.a) + wordSum(address.b) + wordSum(address.c) + wordSum(address.d);
}

function wordSum(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

/** The checksum after one of the 16-bit words under it changed. RFC 1624 3, equation 3. */
export function update(checksum: number, oldWord: number, newWord: number): number {
  return ~fold((~checksum & 0xffff) + (~oldWord & 0xffff) + (newWord & 0xffff)) & 0xffff;
}
