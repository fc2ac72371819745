/** What ICMP [RFC 792] and ICMPv6 [RFC 4443] have in common: the shape of the first eight bytes. */

/** Writes type and code, no checksum yet, and the last four bytes of the header (`rest`, a 32-bit number). */
export function writeIcmpHeader(view: DataView, at: number, type: number, code: number, rest: number): void {
  view.setUint8(at, type);
  view.setUint8(at + 1, code);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, rest);
}
