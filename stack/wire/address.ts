/**
 * Addresses: IPv4 as one number, IPv6 as four, what can be asked of both, and their texts (strict dotted quads; RFC 5952
 * for IPv6).
 */

export {
  formatMac,
  isGroupMac,
  MAC_BROADCAST,
  MAC_ZERO,
  type MacAddress,
  parseMac,
  readMac,
  writeMac,
} from './mac.ts';

declare const ipv4Brand: unique symbol;

/** An IPv4 address: its 32 bits as a number, 0..2^32-1, first octet highest. */
export type IPv4Address = number & { readonly [ipv4Brand]: true };

/** An IPv6 address: its 128 bits as four words of 32, highest first, each 0..2^32-1. Immutable. */
export class IPv6Address {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.a = a >>> 0;
    this.b = b >>> 0;
    this.c = c >>> 0;
    this.d = d >>> 0;
  }

  equals(other: IPv6Address): boolean {
    return this.a === other.a && this.b === other.b && this.c === other.c && this.d === other.d;
  }

  toString(): string {
    return formatIPv6(this);
  }
}

/** An address of either version. */
export type IpAddress = IPv4Address | IPv6Address;

/** 0.0.0.0: no address yet, or any address. */
export const IPV4_ANY: IPv4Address = 0 as IPv4Address;
/** 255.255.255.255: everyone on this link. */
export const IPV4_BROADCAST: IPv4Address = 0xffff_ffff as IPv4Address;
/** 127.0.0.1 */
export const IPV4_LOOPBACK: IPv4Address = 0x7f00_0001 as IPv4Address;
/** :: */
export const IPV6_ANY: IPv6Address = new IPv6Address(0, 0, 0, 0);
/** ::1 */
export const IPV6_LOOPBACK: IPv6Address = new IPv6Address(0, 0, 0, 1);

/** The address `a.b.c.d`; each octet 0..255. */
export function ipv4(a: number, b: number, c: number, d: number): IPv4Address {
  return ((((a & 0xff) << 24) | ((b & 0xff) << 16) | ((c & 0xff) << 8) | (d & 0xff)) >>> 0) as IPv4Address;
}

/** Whether `address` is of version 4. */
export function isIPv4(address: IpAddress): address is IPv4Address {
  return typeof address === 'number';
}

/** The same version and the same bits. A v4-mapped IPv6 address is not the IPv4 address in it. */
export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return a.equals(b);
}

/** RFC 5771 (224.0.0.0/4), RFC 4291 2.7 (ff00::/8). */
export function isMulticast(address: IpAddress): boolean {
  return typeof address === 'number' ? address >>> 28 === 0xe : address.a >>> 24 === 0xff;
}

/** 0.0.0.0 or ::. RFC 1122 3.2.1.3, RFC 4291 2.5.2. */
export function isUnspecified(address: IpAddress): boolean {
  return typeof address === 'number' ? address === 0 : address.equals(IPV6_ANY);
}

/** 127.0.0.0/8 or ::1. RFC 1122 3.2.1.3, RFC 4291 2.5.3. */
export function isLoopback(address: IpAddress): boolean {
  return typeof address === 'number' ? address >>> 24 === 127 : address.equals(IPV6_LOOPBACK);
}

/** 255.255.255.255, the limited broadcast; a subnet's own broadcast depends on its prefix. RFC 1122 3.2.1.3. */
export function isBroadcast(address: IpAddress): boolean {
  return address === IPV4_BROADCAST;
}

/** The IPv4 netmask of a prefix: `prefixLength` in 0..32 gives 0..2^32-1. */
export function prefixMask(prefixLength: number): number {
  // A shift by 32 shifts by 0, so that /0 would be /32.
  return prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0;
}

/** Whether two addresses of one version agree in their first `prefixLength` bits (0..32, 0..128). */
export function sameSubnet(a: IpAddress, b: IpAddress, prefixLength: number): boolean {
  if (typeof a === 'number' || typeof b === 'number') {
    if (typeof a !== 'number' || typeof b !== 'number') return false;
    return ((a ^ b) & prefixMask(prefixLength)) === 0;
  }
  return (
    ((a.a ^ b.a) & wordMask(prefixLength)) === 0 &&
    ((a.b ^ b.b) & wordMask(prefixLength - 32)) === 0 &&
    ((a.c ^ b.c) & wordMask(prefixLength - 64)) === 0 &&
    ((a.d ^ b.d) & wordMask(prefixLength - 96)) === 0
  );
}

function wordMask(bits: number): number {
  return prefixMask(Math.min(32, Math.max(0, bits)));
}

/** The IPv4 address in ::ffff:0:0/96, or undefined. RFC 4291 2.5.5.2. */
export function mappedIPv4(address: IPv6Address): IPv4Address | undefined {
  return address.a === 0 && address.b === 0 && address.c === 0xffff ? (address.d as IPv4Address) : undefined;
}

/** Reads the 4 bytes at `at`, which have to be there. */
export function readIPv4(view: DataView, at: number): IPv4Address {
  return view.getUint32(at) as IPv4Address;
}

/** Reads the 16 bytes at `at`, which have to be there. */
export function readIPv6(view: DataView, at: number): IPv6Address {
  return new IPv6Address(
    view.getUint32(at),
    view.getUint32(at + 4),
    view.getUint32(at + 8),
    view.getUint32(at + 12),
  );
}

/** Writes the 16 bytes at `at`. */
export function writeIPv6(view: DataView, at: number, address: IPv6Address): void {
  view.setUint32(at, address.a);
  view.setUint32(at + 4, address.b);
  view.setUint32(at + 8, address.c);
  view.setUint32(at + 12, address.d);
}

/** An IPv4 or IPv6 address from its text, or undefined. No zone (`%eth0`), no brackets, no spaces. */
export function parseAddress(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

/**
 * Four decimal octets and nothing else: no octal, no hexadecimal, no leading zeros, no missing parts (RFC 6943 3.1.1 tells
 * what came of those).
 */
export function parseIPv4(text: string): IPv4Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    address = address * 256 + octet;
  }
  return address as IPv4Address;
}

/** The text forms of RFC 4291 2.2: eight groups, one `::`, a dotted quad at the end. */
export function parseIPv6(text: string): IPv6Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const front = groups(halves[0] ?? '', halves.length === 1);
  if (front === undefined) return undefined;
  let all = front;
  if (halves.length === 2) {
    const back = groups(halves[1] ?? '', true);
    if (back === undefined) return undefined;
    const missing = 8 - front.length - back.length;
    if (missing < 1) return undefined;
    all = [...front, ...Array.from({ length: missing }, () => 0), ...back];
  }
  if (all.length !== 8) return undefined;
  const word = (i: number): number => (((all[i] ?? 0) << 16) | (all[i + 1] ?? 0)) >>> 0;
  return new IPv6Address(word(0), word(2), word(4), word(6));
}

/** The 16-bit groups between colons; a dotted quad counts as two and may only stand last. */
function groups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const words: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const quad = mayEndInQuad && i === parts.length - 1 ? parseIPv4(part) : undefined;
      if (quad === undefined) return undefined;
      words.push(quad >>> 16, quad & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      words.push(Number.parseInt(part, 16));
    }
  }
  return words;
}

/** `address/length`, or undefined; the address keeps its host bits. Without `/length` it is not a CIDR. */
export function parseCidr(text: string): { address: IpAddress; prefixLength: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(bits)) return undefined;
  const prefixLength = Number(bits);
  return prefixLength <= (isIPv4(address) ? 32 : 128) ? { address, prefixLength } : undefined;
}

/** `192.0.2.1`, or an IPv6 address as RFC 5952 has it. */
export function formatAddress(address: IpAddress): string {
  if (typeof address !== 'number') return formatIPv6(address);
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** RFC 5952 4 and 5: lower case, no leading zeros, `::` for the first longest run of zeros, v4-mapped with a quad. */
function formatIPv6(address: IPv6Address): string {
  const mapped = mappedIPv4(address);
  if (mapped !== undefined) return `::ffff:${formatAddress(mapped)}`;
  const words = [address.a, address.b, address.c, address.d].flatMap((w) => [w >>> 16, w & 0xffff]);
  let longest = 1; // RFC 5952 4.2.2: a single zero group is not shortened
  let start = -1;
  for (let i = 0, run = 0; i < 8; i++) {
    run = words[i] === 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      start = i - run + 1;
    }
  }
  const hex = words.map((w) => w.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + longest).join(':')}`;
}
