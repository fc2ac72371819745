import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from '../../../stack/bytes/checksum.ts';
import type { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { IPv6Address, type IPv4Address, ipv4, parseIPv6 } from '../../../stack/wire/address.ts';
import * as v4 from '../../../stack/wire/ipv4.ts';
import * as v6 from '../../../stack/wire/ipv6.ts';
import { fromHex, LINUX_SYN, LINUX_SYN_V6, LINUX_UDP, packetOf, parsed, toHex, withByte } from './samples.ts';

const byte = fc.nat(255);
const u16 = fc.nat(0xffff);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** The packet, with the IPv4 header checksum made right again. */
function repaired(packet: PacketBuffer): PacketBuffer {
  const { bytes, view, head } = packet;
  view.setUint16(head + 10, 0);
  view.setUint16(head + 10, checksum(bytes, head, head + (view.getUint8(head) & 0xf) * 4));
  return packet;
}

describe('the IPv4 header', () => {
  it('is read as Linux sent it [RFC 791 3.1]', () => {
    expect(v4.parse(packetOf(LINUX_SYN))).toEqual({
      source: ipv4(10, 77, 0, 1),
      destination: ipv4(10, 77, 0, 2),
      protocol: 6,
      ttl: 64,
      tos: 0,
      identification: 0xf0b4,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      headerLength: 20,
      totalLength: 60,
    });
  });

  it('is written as Linux sent it', () => {
    for (const hex of [LINUX_SYN, LINUX_UDP]) {
      const header = parsed(v4.parse(packetOf(hex)));
      const packet = packetOf(hex, 20);
      v4.emit(header, packet);
      expect(toHex(packet.contents())).toBe(hex);
    }
  });

  it('has a checksum that is always verified [RFC 1122 3.2.1.2]', () => {
    const known = '45000073000040004011b861c0a80001c0a800c7';
    const packet = packetOf(known + '00'.repeat(0x73 - 20));
    expect(parsed(v4.parse(packet)).source).toBe(ipv4(192, 168, 0, 1));
    packet.checksum = 'verified'; // speaks of the transport's
    for (let at = 1; at < 20; at++) {
      if (at === 2 || at === 3) continue;
      const broken = withByte(packetOf(packet.contents()), at, (packet.bytes[packet.head + at] ?? 0) ^ 0x10);
      broken.checksum = 'verified';
      expect(v4.parse(broken)).toBe('IP_CSUM');
    }
  });

  it('is refused when it contradicts itself or the frame [RFC 1122 3.2.1]', () => {
    expect(v4.parse(packetOf(LINUX_SYN.slice(0, 38)))).toBe('PKT_TOO_SMALL');
    expect(v4.parse(packetOf(LINUX_SYN.slice(0, -2)))).toBe('PKT_TOO_SMALL');
    expect(v4.parse(repaired(withByte(packetOf(LINUX_SYN), 0, 0x55)))).toBe('IP_INHDR');
    expect(v4.parse(withByte(packetOf(LINUX_SYN), 0, 0x44))).toBe('IP_INHDR');
    expect(v4.parse(repaired(withByte(packetOf(LINUX_SYN), 3, 19)))).toBe('IP_INHDR');
    expect(parsed(v4.parse(packetOf(`${LINUX_UDP}${'00'.repeat(13)}`))).totalLength).toBe(33);
  });

  it('comes back from its bytes, super-segments of 65,535 bytes too', () => {
    const header = fc.record({
      source: u32.map((n) => n as IPv4Address),
      destination: u32.map((n) => n as IPv4Address),
      protocol: byte,
      ttl: byte,
      tos: byte,
      identification: u16,
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.nat(8191).map((n) => n * 8),
    });
    fc.assert(
      fc.property(header, fc.constantFrom(0, 1, 100, 65_515), (value, length) => {
        const packet = packetOf(new Uint8Array(length));
        v4.emit(value, packet);
        expect(v4.parse(packet)).toEqual({ ...value, headerLength: 20, totalLength: length + 20 });
      }),
    );
  });

  it('is skipped with its options, and source routes are seen [RFC 1122 3.2.1.8; RFC 791 3.1]', () => {
    const walk = (hex: string): string => {
      const packet = packetOf(hex);
      return v4.sourceRoute(packet.view, packet.head, packet.tail);
    };
    expect(walk('')).toBe('none');
    expect(walk('01010100')).toBe('none');
    expect(walk('94040000')).toBe('none'); // router alert
    expect(walk('0183070401020304')).toBe('present');
    expect(walk('8903040089')).toBe('present');
    expect(walk('008300')).toBe('none'); // after the end of the list
    for (const bad of ['83', '8301', '8300', '830704', '8302', '83030300', '440c0500']) {
      expect(walk(bad), bad).toBe('IP_INHDR');
    }
    const bytes = fromHex(LINUX_UDP);
    const withOptions = packetOf(
      Uint8Array.of(0x46, 0, 0, 37, ...bytes.subarray(4, 20), 1, 1, 1, 0, ...bytes.subarray(20)),
    );
    expect(parsed(v4.parse(repaired(withOptions)))).toMatchObject({ headerLength: 24, totalLength: 37 });
    expect(v4.ipv4OptionsOk(withOptions.view, withOptions.head + 20, withOptions.head + 24)).toBe(true);
  });
});

describe('the IPv6 header', () => {
  it('is read and written as Linux sent it [RFC 8200 3]', () => {
    const header = parsed(v6.parse(packetOf(LINUX_SYN_V6)));
    expect(header).toEqual({
      source: parseIPv6('fd77::1'),
      destination: parseIPv6('fd77::2'),
      trafficClass: 0,
      flowLabel: 0x2e3f9,
      nextHeader: 6,
      hopLimit: 64,
      payloadLength: 40,
    });
    const packet = packetOf(LINUX_SYN_V6, 40);
    v6.emit(header, packet);
    expect(toHex(packet.contents())).toBe(LINUX_SYN_V6);
  });

  it('is refused when it contradicts itself or the frame [RFC 8200 3]', () => {
    expect(v6.parse(packetOf(LINUX_SYN_V6.slice(0, 78)))).toBe('PKT_TOO_SMALL');
    expect(v6.parse(packetOf(LINUX_SYN_V6.slice(0, -2)))).toBe('PKT_TOO_SMALL');
    expect(v6.parse(withByte(packetOf(LINUX_SYN_V6), 0, 0x45))).toBe('IP_INHDR');
  });

  it('comes back from its bytes', () => {
    const address = fc.tuple(u32, u32, u32, u32).map(([a, b, c, d]) => new IPv6Address(a, b, c, d));
    const header = fc.record({
      source: address,
      destination: address,
      trafficClass: byte,
      flowLabel: fc.nat(0xf_ffff),
      nextHeader: byte,
      hopLimit: byte,
    });
    fc.assert(
      fc.property(header, fc.constantFrom(0, 1, 100, 65_535), (value, length) => {
        const packet = packetOf(new Uint8Array(length));
        v6.emit(value, packet);
        expect(v6.parse(packet)).toEqual({ ...value, payloadLength: length });
      }),
    );
  });
});
