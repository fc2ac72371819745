import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IPv4Address, ipv4, type MacAddress } from '../../../stack/wire/address.ts';
import * as arp from '../../../stack/wire/arp.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import { ARP_REQUEST, packetOf, parsed, toHex, withByte } from './samples.ts';

const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as MacAddress);
const ip = fc.integer({ min: 0, max: 0xffff_ffff }).map((n) => n as IPv4Address);

describe('the Ethernet header', () => {
  const HEADER = 'ffffffffffff0200000000010806';

  it('is read and written as it is on the wire [RFC 894]', () => {
    const header = parsed(ethernet.parse(packetOf(HEADER)));
    expect(header).toEqual({
      destination: 0xffff_ffff_ffff,
      source: 0x0200_0000_0001,
      etherType: ethernet.ETHERTYPE_ARP,
    });
    const packet = packetOf('');
    ethernet.emit(header, packet);
    expect(toHex(packet.contents())).toBe(HEADER);
  });

  it('is refused when short, or when its type is the length of an 802.3 frame [RFC 1122 2.3.3]', () => {
    expect(ethernet.parse(packetOf(HEADER.slice(2)))).toBe('PKT_TOO_SMALL');
    expect(ethernet.parse(withByte(packetOf(HEADER), 12, 0x05))).toBe('UNHANDLED_PROTO');
  });

  it('comes back from its bytes', () => {
    const header = fc.record({
      destination: mac,
      source: mac,
      etherType: fc.integer({ min: 0x0600, max: 0xffff }),
    });
    fc.assert(
      fc.property(header, (value) => {
        const packet = packetOf('00');
        ethernet.emit(value, packet);
        expect(ethernet.parse(packet)).toEqual(value);
      }),
    );
  });
});

describe('an ARP packet', () => {
  it('is read and written as it is on the wire, with or without padding [RFC 826]', () => {
    const request = parsed(arp.parse(packetOf(`${ARP_REQUEST}${'00'.repeat(18)}`)));
    expect(request).toEqual({
      operation: 'request',
      senderMac: 0x0200_0000_0001,
      senderIp: ipv4(192, 0, 2, 1),
      targetMac: 0,
      targetIp: ipv4(192, 0, 2, 2),
    });
    const packet = packetOf('');
    arp.emit(request, packet);
    expect(toHex(packet.contents())).toBe(ARP_REQUEST);
  });

  it('is refused for other hardware, protocols, operations and lengths [RFC 826]', () => {
    expect(arp.parse(packetOf(ARP_REQUEST.slice(2)))).toBe('PKT_TOO_SMALL');
    expect(arp.parse(withByte(packetOf(ARP_REQUEST), 1, 6))).toBe('UNHANDLED_PROTO');
    expect(arp.parse(withByte(packetOf(ARP_REQUEST), 3, 1))).toBe('UNHANDLED_PROTO');
    expect(arp.parse(withByte(packetOf(ARP_REQUEST), 4, 8))).toBe('INVALID_PROTO');
    expect(arp.parse(withByte(packetOf(ARP_REQUEST), 5, 16))).toBe('INVALID_PROTO');
    expect(arp.parse(withByte(packetOf(ARP_REQUEST), 7, 3))).toBe('UNHANDLED_PROTO');
  });

  it('comes back from its bytes', () => {
    const value = fc.record({
      operation: fc.constantFrom('request' as const, 'reply' as const),
      senderMac: mac,
      senderIp: ip,
      targetMac: mac,
      targetIp: ip,
    });
    fc.assert(
      fc.property(value, (expected) => {
        const packet = packetOf('');
        arp.emit(expected, packet);
        expect(arp.parse(packet)).toEqual(expected);
      }),
    );
  });
});
