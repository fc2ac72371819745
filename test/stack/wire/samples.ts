/**
 * Packets for the tests of wire formats. The TCP, UDP and ICMPv6 ones were sent by Linux 6 into a TUN device.
 */
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';

/** IPv4, TCP SYN from 10.77.0.1:34864 to 10.77.0.2:80. */
export const LINUX_SYN =
  '4500003cf0b440004006356b0a4d00010a4d000288300050b138862f00000000a002faf072560000020405b40402080a1210f420000000000103030a';
/** IPv6, TCP SYN from [fd77::1]:45706 to [fd77::2]:80. */
export const LINUX_SYN_V6 =
  '6002e3f900280640fd770000000000000000000000000001fd770000000000000000000000000002b28a0050a0bdde5300000000a002fd20fbca0000020405a00402080acf115335000000000103030a';
/** IPv4, UDP from 10.77.0.1:52216 to 10.77.0.2:53, "glass". */
export const LINUX_UDP = '450000215dd140004011c85e0a4d00010a4d0002cbf80035000de329676c617373';
/** IPv6, UDP from [fd77::1]:38075 to [fd77::2]:53, "glass". */
export const LINUX_UDP_V6 =
  '6008e0dc000d1140fd770000000000000000000000000001fd77000000000000000000000000000294bb0035000d3411676c617373';
/** IPv6, ICMPv6 router solicitation from fe80::403d:ea39:680e:ac45 to ff02::2. */
export const LINUX_ROUTER_SOLICITATION =
  '6000000000083afffe80000000000000403dea39680eac45ff02000000000000000000000000000285003e6c00000000';
/** ICMP echo request as Windows' ping sends it: identifier 1, sequence number 1. */
export const WINDOWS_PING: string = `08004d5a00010001${hexOf('abcdefghijklmnopqrstuvwabcdefghi')}`;
/** ARP: who has 192.0.2.2? Tell 192.0.2.1 at 02:00:00:00:00:01. */
export const ARP_REQUEST: string = '0001080006040001020000000001c0000201000000000000c0000202';

/** Bytes from hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Hexadecimal digits of bytes. */
export function toHex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function hexOf(ascii: string): string {
  return toHex(Array.from(ascii, (letter) => letter.charCodeAt(0)));
}

/** Header room in front of the packets made here, in bytes. */
export const HEADROOM = 121;

/** A packet of these bytes (from `from` on), between bytes that are not part of it, at an odd place in memory. */
export function packetOf(bytes: Uint8Array | string, from: number = 0): PacketBuffer {
  const all = typeof bytes === 'string' ? fromHex(bytes) : bytes;
  const packet = PacketBuffer.allocate(HEADROOM + all.length + 7, HEADROOM);
  packet.bytes.fill(0xa5);
  packet.bytes.set(all, HEADROOM);
  packet.head += from;
  packet.tail = HEADROOM + all.length;
  return packet;
}

/** The value, where a drop reason would be the test's failure. */
export function parsed<T extends object>(result: T | string): T {
  if (typeof result === 'string') throw new Error(`dropped: ${result}`);
  return result;
}

/** `packet`'s bytes with the one at `at` (from its head) replaced. */
export function withByte(packet: PacketBuffer, at: number, value: number): PacketBuffer {
  packet.bytes[packet.head + at] = value;
  return packet;
}
