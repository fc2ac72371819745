import type { Endpoint } from '../../stack/tcp/events.ts';
import { formatAddress, isIPv4 } from '../../stack/wire/address.ts';

export type Family = 'IPv4' | 'IPv6';

/** How Node writes an end's address. `mapped`: accepted on `::`, where IPv4 reads `::ffff:a.b.c.d`. */
export function addressText(end: Endpoint | undefined, mapped: boolean | undefined): string | undefined {
  if (end === undefined) return undefined;
  const text = formatAddress(end.address);
  return mapped === true && isIPv4(end.address) ? `::ffff:${text}` : text;
}

/** The family that goes with it. */
export function family(end: Endpoint | undefined, mapped: boolean | undefined): Family | undefined {
  if (end === undefined) return undefined;
  return isIPv4(end.address) && mapped !== true ? 'IPv4' : 'IPv6';
}
