import { siphash32, type SipKey } from '../bytes/siphash.ts';
import { IPv6Address } from '../wire/address.ts';
import type { MacAddress } from '../wire/mac.ts';

/** fe80::, the prefix of link-local addresses [RFC 4291 2.5.6]. */
export const LINK_LOCAL_PREFIX: IPv6Address = new IPv6Address(0xfe80_0000, 0, 0, 0);

/**
 * An address under a /64 prefix that is the same each time on one network, tells nothing about the hardware and nothing about the host's
 * addresses elsewhere [RFC 7217 5]: RID = F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key), with SipHash as F and the Ethernet
 * address as Net_Iface. There is no Network_ID, which is optional.
 */
export function stableAddress(
  key: SipKey,
  prefix: IPv6Address,
  mac: MacAddress,
  dadCounter: number = 0,
): IPv6Address {
  const high = Math.floor(mac / 0x1_0000_0000);
  for (let attempt = dadCounter; ; attempt += 0x100) {
    const words = [prefix.a, prefix.b, high, mac >>> 0, attempt];
    const c = siphash32(key, [...words, 0]);
    const d = siphash32(key, [...words, 1]);
    if (!isReserved(c, d)) return new IPv6Address(prefix.a, prefix.b, c, d);
  }
}

/** Interface identifiers of other meaning: zero, and the reserved anycast ones [RFC 5453; RFC 7217 5]. */
function isReserved(c: number, d: number): boolean {
  return (
    (c === 0 && d === 0) ||
    (c === 0xfdff_ffff && d >= 0xffff_ff80) ||
    (c === 0x0200_5eff && d >>> 24 === 0xfe)
  );
}

/** The address under a /64 prefix that shows the Ethernet address: modified EUI-64 [RFC 4291 appendix A; RFC 2464 4]. */
export function eui64Address(prefix: IPv6Address, mac: MacAddress): IPv6Address {
  const high = Math.floor(mac / 0x100_0000); // the first three octets
  const low = mac % 0x100_0000;
  const c = (((high ^ 0x02_0000) << 8) | 0xff) >>> 0;
  return new IPv6Address(prefix.a, prefix.b, c, (0xfe00_0000 | low) >>> 0);
}
