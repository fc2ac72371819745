/**
 * Sequence numbers: arithmetic modulo 2^32. The only file that compares them; see RFC 9293 3.4.
 */

declare const sequence: unique symbol;

/** A sequence number: an integer in 0..2^32-1. Plain `<` on two of them is wrong half of the time; use `lt`. */
export type SeqNumber = number & { readonly [sequence]: true };

/** `n` modulo 2^32; `n` is any integer of at most 53 bits, negative ones too. */
export function seq(n: number): SeqNumber {
  return (n >>> 0) as SeqNumber;
}

/** The number `n` places after `s`, or before it if `n` is negative. */
export function add(s: SeqNumber, n: number): SeqNumber {
  return ((s + n) >>> 0) as SeqNumber;
}

/**
 * How far `to` lies after `from`: -2^31..2^31-1, negative if it lies before. Two numbers exactly 2^31 apart are -2^31
 * apart in both directions.
 */
export function distance(from: SeqNumber, to: SeqNumber): number {
  return (to - from) | 0;
}

/** `a` comes before `b`. */
export function lt(a: SeqNumber, b: SeqNumber): boolean {
  return ((a - b) | 0) < 0;
}

/** `a` comes before `b` or is `b`. */
export function leq(a: SeqNumber, b: SeqNumber): boolean {
  return ((a - b) | 0) <= 0;
}

/** `a` comes after `b`. */
export function gt(a: SeqNumber, b: SeqNumber): boolean {
  return ((a - b) | 0) > 0;
}

/** `a` comes after `b` or is `b`. */
export function geq(a: SeqNumber, b: SeqNumber): boolean {
  return ((a - b) | 0) >= 0;
}

/** `left` <= `s` < `left` + `size`; `size` in 0..2^32-1. An empty window holds nothing. */
export function inWindow(s: SeqNumber, left: SeqNumber, size: number): boolean {
  return (s - left) >>> 0 < size;
}

/** The later of two numbers that are less than 2^31 apart. */
export function max(a: SeqNumber, b: SeqNumber): SeqNumber {
  return lt(a, b) ? b : a;
}

/** The earlier of two numbers that are less than 2^31 apart. */
export function min(a: SeqNumber, b: SeqNumber): SeqNumber {
  return lt(b, a) ? b : a;
}
