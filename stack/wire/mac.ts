/**
 * Ethernet addresses as one number each: 48 bits fit into a double.
 */

declare const mac: unique symbol;

/** An Ethernet address: an integer in 0..2^48-1, first octet highest. */
export type MacAddress = number & { readonly [mac]: true };

/** ff:ff:ff:ff:ff:ff */
export const MAC_BROADCAST: MacAddress = 0xffff_ffff_ffff as MacAddress;
/** 00:00:00:00:00:00, as in the unknown field of an ARP request. */
export const MAC_ZERO: MacAddress = 0 as MacAddress;

/** Six pairs of hexadecimal digits with `:` or `-` between them, or undefined. */
export function parseMac(text: string): MacAddress | undefined {
  if (!/^[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}$/.test(text)) return undefined;
  return Number.parseInt(text.replaceAll(/[:-]/g, ''), 16) as MacAddress;
}

/** `02:00:00:00:00:01`: lower case, colons. */
export function formatMac(address: MacAddress): string {
  const hex = address.toString(16).padStart(12, '0');
  return hex.replaceAll(/..(?=.)/g, '$&:');
}

/** Reads the 6 bytes at `at`, which have to be there. */
export function readMac(view: DataView, at: number): MacAddress {
  return (view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2)) as MacAddress;
}

/** Writes the 6 bytes at `at`. */
export function writeMac(view: DataView, at: number, address: MacAddress): void {
  view.setUint16(at, Math.floor(address / 0x1_0000_0000));
  view.setUint32(at + 2, address >>> 0);
}

/** Broadcast or multicast: the group bit is set. IEEE 802.3 3.2.3. */
export function isGroupMac(address: MacAddress): boolean {
  return Math.floor(address / 0x100_0000_0000) % 2 === 1;
}
