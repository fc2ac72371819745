import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, pseudoHeaderSum } from '../../../stack/bytes/checksum.ts';
import { type IpAddress, IPv6Address, ipv4 } from '../../../stack/wire/address.ts';
import * as udp from '../../../stack/wire/udp.ts';
import { LINUX_UDP, LINUX_UDP_V6, packetOf, parsed, toHex, withByte } from './samples.ts';

const A = ipv4(10, 77, 0, 1);
const B = ipv4(10, 77, 0, 2);
const A6 = new IPv6Address(0xfd77_0000, 0, 0, 1);
const B6 = new IPv6Address(0xfd77_0000, 0, 0, 2);
const CASES: readonly [string, number, IpAddress, IpAddress][] = [
  [LINUX_UDP, 20, A, B],
  [LINUX_UDP_V6, 40, A6, B6],
];

describe('the UDP header', () => {
  it('is read, verified and written as Linux sent it [RFC 768]', () => {
    for (const [hex, at, source, destination] of CASES) {
      const packet = packetOf(hex, at);
      const header = parsed(udp.parse(packet));
      expect(header).toMatchObject({ destinationPort: 53, length: 13 });
      expect(udp.verifyChecksum(packet, source, destination)).toBe(true);
      expect(udp.verifyChecksum(withByte(packet, 9, 0), source, destination)).toBe(false);
      packet.checksum = 'verified';
      expect(udp.verifyChecksum(packet, source, destination)).toBe(true);
      const written = packetOf(hex, at + 8);
      udp.emit(header, written, source, destination);
      expect(toHex(written.contents())).toBe(hex.slice(2 * at));
    }
  });

  it('may lack its checksum over IPv4, but not over IPv6 [RFC 1122 4.1.3.4; RFC 8200 8.1]', () => {
    const packet = withByte(withByte(packetOf(LINUX_UDP, 20), 6, 0), 7, 0);
    expect(udp.verifyChecksum(packet, A, B)).toBe(true);
    expect(udp.verifyChecksum(packet, A6, B6)).toBe(false);
  });

  it('never writes a checksum of 0, which would mean that there is none [RFC 768]', () => {
    const packet = packetOf('0000');
    udp.emit({ sourcePort: 0, destinationPort: 0 }, packet, A, B);
    const was = packet.view.getUint16(packet.head + 6);
    // The payload that makes the sum all ones.
    const zero = packetOf(toHex([was >>> 8, was & 0xff]));
    udp.emit({ sourcePort: 0, destinationPort: 0 }, zero, A, B);
    expect(zero.view.getUint16(zero.head + 6)).toBe(0xffff);
    expect(udp.verifyChecksum(zero, A, B)).toBe(true);
  });

  it('is refused when its length is not that of the datagram [RFC 768]', () => {
    expect(udp.parse(packetOf('00010002000800'))).toBe('PKT_TOO_SMALL');
    expect(udp.parse(packetOf('0001000200070000'))).toBe('PKT_TOO_SMALL');
    expect(udp.parse(packetOf('0001000200090000'))).toBe('PKT_TOO_SMALL');
    expect(parsed(udp.parse(packetOf('00010002000800000000'))).length).toBe(8);
  });

  it('comes back from its bytes, with a right checksum or the sum of the pseudo-header', () => {
    const ports = fc.record({ sourcePort: fc.nat(0xffff), destinationPort: fc.nat(0xffff) });
    fc.assert(
      fc.property(ports, fc.uint8Array(), fc.boolean(), fc.boolean(), (value, payload, six, partial) => {
        const [source, destination]: [IpAddress, IpAddress] = six ? [A6, B6] : [A, B];
        const packet = packetOf(payload);
        if (partial) packet.checksum = 'partial';
        udp.emit(value, packet, source, destination);
        const length = payload.length + 8;
        expect(udp.parse(packet)).toEqual({ ...value, length });
        const field = packet.view.getUint16(packet.head + 6);
        if (partial) expect(field).toBe(fold(pseudoHeaderSum(source, destination, 17, length)));
        else expect(field).not.toBe(0);
        expect(udp.verifyChecksum(packet, source, destination)).toBe(true);
      }),
    );
  });
});
