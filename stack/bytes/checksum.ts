/**
 * The Internet checksum, RFC 1071: the one's-complement sum of 16-bit words, and its complement.
 */
import { type IpAddress, isIPv4 } from '../wire/address.ts';

/**
 * The plain sum of `bytes[at..end)` as big-endian 16-bit words, added to `initial`; not yet folded. An odd last byte counts
 * as the high half of a word. Sums of blocks can be chained through `initial` if every block but the last is of even length.
 */
export function sum(bytes: Uint8Array, at: number, end: number, initial: number = 0): number {
  let total = initial;
  for (let i = at; i + 1 < end; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  if (((end - at) & 1) === 1) total += (bytes[end - 1] ?? 0) << 8;
  return total;
}

/** A sum (0..2^53-1) folded to 16 bits: 0 only if all that was summed was 0. */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = Math.floor(folded / 0x1_0000) + (folded % 0x1_0000);
  return folded;
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
