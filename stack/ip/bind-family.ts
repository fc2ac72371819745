import { type IpAddress, isIPv4, isUnspecified, sameAddress } from '../wire/address.ts';

/** Packets of which IP version a port takes; `any`: of both. */
export type Family = 'any' | 4 | 6;

/** Where a port is bound. */
export interface Bound {
  /** Undefined or unspecified: on all addresses of the family. */
  readonly address: IpAddress | undefined;
  readonly family: Family;
}

/** `::` takes IPv4 too unless it is told not to, 0.0.0.0 takes IPv4 only [RFC 3493 3.7, 5.3]; no address at all takes both. */
export function familyOf(address: IpAddress | undefined, ipv6Only: boolean): Family {
  if (address === undefined) return ipv6Only ? 6 : 'any';
  if (isIPv4(address)) return 4;
  return isUnspecified(address) && !ipv6Only ? 'any' : 6;
}

/** Whether it is bound on all addresses. */
export function isOnAll({ address }: Bound): boolean {
  return address === undefined || isUnspecified(address);
}

/** Whether a port that is bound on all addresses takes packets to `destination`. */
export function takes({ family }: Bound, destination: IpAddress): boolean {
  return family === 'any' || family === (isIPv4(destination) ? 4 : 6);
}

/** Whether some packet could belong to both. */
export function overlap(a: Bound, b: Bound): boolean {
  if (a.family !== 'any' && b.family !== 'any' && a.family !== b.family) return false;
  if (isOnAll(a) || isOnAll(b) || a.address === undefined || b.address === undefined) return true;
  return sameAddress(a.address, b.address);
}
