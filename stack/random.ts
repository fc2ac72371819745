/**
 * Where a host's unpredictable numbers come from. Seeded streams live in `sim/`, the system's generator in
 * `socket-api/node/`; the stack has no randomness of its own.
 */
export interface Random {
  /** A whole number in 0..2^32-1, each equally likely. */
  u32(): number;
}

/** A whole number in 0..`limit`-1 (`limit` in 1..2^32), each equally likely: draws again where modulo would favour one. */
export function randomBelow(random: Random, limit: number): number {
  const fair = 0x1_0000_0000 - (0x1_0000_0000 % limit);
  let drawn = random.u32();
  while (drawn >= fair) drawn = random.u32();
  return drawn % limit;
}

/** `length` random bytes, for keys and cookies. */
export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random.u32() & 0xff;
  return bytes;
}
