import type { Random } from '../stack/random.ts';

/** Options that are nearly right: kinds that exist, lengths that are often right. */
export function fuzzedOptions(random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(random.u32() % 41);
  const kinds = [0, 1, 2, 3, 4, 5, 8, 34, 172, 254, random.u32() & 255];
  const lengths = [4, 3, 2, 10, 18, 10, 0, 1, random.u32() & 255];
  for (let at = 0; at < bytes.length; ) {
    const length = lengths[random.u32() % lengths.length] ?? 0;
    bytes[at] = kinds[random.u32() % kinds.length] ?? 0;
    if (at + 1 < bytes.length) bytes[at + 1] = length;
    at += Math.max(1, random.u32() % 3 === 0 ? length : 2);
  }
  return bytes;
}
