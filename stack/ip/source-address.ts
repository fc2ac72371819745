import type { Interface } from '../link/interface.ts';
import type { OwnAddress } from '../link/addresses.ts';
import {
  type IpAddress,
  IPv6Address,
  isIPv4,
  isLoopback,
  isMulticast,
  sameAddress,
  sameSubnet,
} from '../wire/address.ts';

/** Scopes as multicast addresses number them [RFC 4291 2.7; RFC 6724 3.1]. */
const LINK_LOCAL = 2;
const SITE_LOCAL = 5;
const GLOBAL = 14;

/** The scope of an address; IPv4 as RFC 6724 3.2 has it: 169.254/16 and 127/8 are link-local, all others global. */
export function scopeOf(address: IpAddress): number {
  if (isIPv4(address)) return isLoopback(address) || address >>> 16 === 0xa9fe ? LINK_LOCAL : GLOBAL;
  if (isMulticast(address)) return (address.a >>> 16) & 0xf;
  if (isLoopback(address) || address.a >>> 22 === 0xfe80 >>> 6) return LINK_LOCAL;
  return address.a >>> 22 === 0xfec0 >>> 6 ? SITE_LOCAL : GLOBAL;
}

/** Whether `address` means something on one link only: fe80::/10, ff02::/16 and ff01::/16. */
export function isLinkScoped(address: IpAddress): boolean {
  return !isIPv4(address) && !isLoopback(address) && scopeOf(address) <= LINK_LOCAL;
}

/** The policy table of RFC 6724 2.1: prefixes and labels; the longest match counts. */
const LABELS: readonly { readonly prefix: IPv6Address; readonly length: number; readonly label: number }[] = [
  { prefix: new IPv6Address(0, 0, 0, 1), length: 128, label: 0 },
  { prefix: new IPv6Address(0, 0, 0xffff, 0), length: 96, label: 4 },
  { prefix: new IPv6Address(0, 0, 0, 0), length: 96, label: 3 },
  { prefix: new IPv6Address(0x2001_0000, 0, 0, 0), length: 32, label: 5 },
  { prefix: new IPv6Address(0x2002_0000, 0, 0, 0), length: 16, label: 2 },
  { prefix: new IPv6Address(0x3ffe_0000, 0, 0, 0), length: 16, label: 12 },
  { prefix: new IPv6Address(0xfec0_0000, 0, 0, 0), length: 10, label: 11 },
  { prefix: new IPv6Address(0xfc00_0000, 0, 0, 0), length: 7, label: 13 },
];

function labelOf(address: IPv6Address): number {
  return LABELS.find(({ prefix, length }) => sameSubnet(prefix, address, length))?.label ?? 1;
}

/**
 * The address of `on` to send to `destination` from, by way of `nextHop`. IPv4: the one on the next hop's subnet, else the first that is not
 * deprecated [RFC 1122 3.3.4.3]. IPv6: the rules of RFC 6724 5 that a host without mobility and temporary addresses has use for.
 */
export function selectSource(
  on: Interface,
  destination: IpAddress,
  nextHop: IpAddress,
): IpAddress | undefined {
  let best: OwnAddress | undefined;
  for (const own of on.addresses) {
    if (isIPv4(own.address) !== isIPv4(destination)) continue;
    if (own.state !== 'preferred' && own.state !== 'deprecated') continue;
    if (best === undefined || isBetter(own, best, destination, nextHop)) best = own;
  }
  return best?.address;
}

function isBetter(a: OwnAddress, b: OwnAddress, destination: IpAddress, nextHop: IpAddress): boolean {
  const order = isIPv4(destination) ? compareIPv4(a, b, nextHop) : compareIPv6(a, b, destination);
  return order > 0;
}

function compareIPv4(a: OwnAddress, b: OwnAddress, nextHop: IpAddress): number {
  const near = (own: OwnAddress): number => Number(sameSubnet(own.address, nextHop, own.prefixLength));
  return preferred(a) - preferred(b) || near(a) - near(b);
}

/** Above 0: `a` is the better one. */
function compareIPv6(a: OwnAddress, b: OwnAddress, destination: IPv6Address): number {
  const first = a.address;
  const second = b.address;
  if (isIPv4(first) || isIPv4(second)) return 0;
  const same = Number(sameAddress(first, destination)) - Number(sameAddress(second, destination)); // rule 1
  const label = labelOf(destination);
  return (
    same ||
    compareScopes(scopeOf(first), scopeOf(second), scopeOf(destination)) || // rule 2
    preferred(a) - preferred(b) || // rule 3
    Number(labelOf(first) === label) - Number(labelOf(second) === label) || // rule 6
    Math.min(commonBits(first, destination), a.prefixLength) - // rule 8
      Math.min(commonBits(second, destination), b.prefixLength)
  );
}

/** Rule 2: the smallest scope that reaches the destination, else the largest there is. */
function compareScopes(a: number, b: number, destination: number): number {
  if (a === b) return 0;
  if (a < b) return a < destination ? -1 : 1;
  return b < destination ? 1 : -1;
}

function preferred(own: OwnAddress): number {
  return own.state === 'preferred' ? 1 : 0;
}

/** How many leading bits two addresses share: CommonPrefixLen of RFC 6724 2.2. */
function commonBits(x: IPv6Address, y: IPv6Address): number {
  const words = [x.a ^ y.a, x.b ^ y.b, x.c ^ y.c, x.d ^ y.d];
  const at = words.findIndex((word) => word !== 0);
  return at < 0 ? 128 : 32 * at + Math.clz32(words[at] ?? 0);
}
