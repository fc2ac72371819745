import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, pseudoHeaderSum } from '../../../stack/bytes/checksum.ts';
import { type SeqNumber, seq } from '../../../stack/tcp/sequence.ts';
import { type IpAddress, IPv6Address, ipv4 } from '../../../stack/wire/address.ts';
import * as tcp from '../../../stack/wire/tcp.ts';
import { NO_OPTIONS, type OptionLayout, options } from '../../../stack/wire/tcp-options.ts';
import { LINUX_SYN, LINUX_SYN_V6, packetOf, parsed, toHex, withByte } from './samples.ts';
import { anyOptions } from './tcp-options.arbitrary.ts';

const A = ipv4(10, 77, 0, 1);
const B = ipv4(10, 77, 0, 2);
const A6 = new IPv6Address(0xfd77_0000, 0, 0, 1);
const B6 = new IPv6Address(0xfd77_0000, 0, 0, 2);

const PLAIN: tcp.TcpHeader = {
  sourcePort: 34_864,
  destinationPort: 80,
  seq: seq(0xb138_862f),
  ack: undefined,
  syn: false,
  fin: false,
  rst: false,
  psh: false,
  urgentPointer: undefined,
  ece: false,
  cwr: false,
  ae: false,
  window: 64_240,
  options: NO_OPTIONS,
};

const u16 = fc.nat(0xffff);
const anySeq: fc.Arbitrary<SeqNumber> = fc.integer({ min: 0, max: 0xffff_ffff }).map(seq);
const header: fc.Arbitrary<tcp.TcpHeader> = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  seq: anySeq,
  ack: fc.option(anySeq, { nil: undefined }),
  syn: fc.boolean(),
  fin: fc.boolean(),
  rst: fc.boolean(),
  psh: fc.boolean(),
  urgentPointer: fc.option(u16, { nil: undefined }),
  ece: fc.boolean(),
  cwr: fc.boolean(),
  ae: fc.boolean(),
  window: u16,
  options: anyOptions,
});

describe('the TCP header', () => {
  it('is read as Linux sent it [RFC 9293 3.1]', () => {
    const packet = packetOf(LINUX_SYN, 20);
    const syn = options({
      mss: 1460,
      windowScale: 10,
      sackPermitted: true,
      timestamps: { value: 0x1210_f420, echo: 0 },
    });
    expect(tcp.parse(packet)).toEqual({ ...PLAIN, syn: true, options: syn });
    expect(tcp.headerLength(packet)).toBe(40);
  });

  it('is written as Linux sent it, over IPv4 and IPv6', () => {
    const cases: readonly [string, number, IpAddress, IpAddress][] = [
      [LINUX_SYN, 20, A, B],
      [LINUX_SYN_V6, 40, A6, B6],
    ];
    for (const [hex, at, source, destination] of cases) {
      const packet = packetOf(hex, at);
      const written = packetOf('');
      tcp.emit(parsed(tcp.parse(packet)), written, source, destination, 'linux');
      expect(toHex(written.contents())).toBe(hex.slice(2 * at));
      expect(tcp.verifyChecksum(packet, source, destination)).toBe(true);
    }
  });

  it('has a checksum that every changed byte breaks [RFC 9293 3.1, MUST-2, MUST-3]', () => {
    for (let at = 0; at < 40; at++) {
      const packet = packetOf(LINUX_SYN, 20);
      withByte(packet, at, (packet.bytes[packet.head + at] ?? 0) ^ 0x40);
      expect(tcp.verifyChecksum(packet, A, B)).toBe(false);
      packet.checksum = 'partial';
      expect(tcp.verifyChecksum(packet, A, B)).toBe(true);
    }
    expect(tcp.verifyChecksum(packetOf(LINUX_SYN, 20), A, ipv4(10, 77, 0, 3))).toBe(false);
  });

  it('is refused when its data offset is too small or beyond the segment [RFC 9293 3.1]', () => {
    expect(tcp.parse(packetOf(LINUX_SYN.slice(0, -2), 20))).toBe('PKT_TOO_SMALL');
    expect(tcp.parse(withByte(packetOf(LINUX_SYN, 20), 12, 0x40))).toBe('PKT_TOO_SMALL');
    expect(tcp.parse(withByte(packetOf(LINUX_SYN, 20), 12, 0xb0))).toBe('PKT_TOO_SMALL');
    expect(tcp.parse(packetOf(LINUX_SYN.slice(0, 78), 20))).toBe('PKT_TOO_SMALL');
  });

  it('has reserved bits that are ignored, and an ACK field that means nothing without ACK [RFC 9293 3.1]', () => {
    const packet = packetOf('');
    tcp.emit(PLAIN, packet, A, B);
    packet.view.setUint32(packet.head + 8, 12_345);
    packet.view.setUint16(packet.head + 18, 7);
    expect(tcp.parse(withByte(packet, 12, 0x5e))).toEqual(PLAIN);
  });

  it('comes back from its bytes, with a right checksum or the sum of the pseudo-header', () => {
    const layouts = fc.constantFrom<OptionLayout>('standard', 'linux');
    fc.assert(
      fc.property(
        header,
        fc.uint8Array(),
        layouts,
        fc.boolean(),
        fc.boolean(),
        (value, payload, layout, six, partial) => {
          const [source, destination]: [IpAddress, IpAddress] = six ? [A6, B6] : [A, B];
          const packet = packetOf(payload);
          const end = packet.head;
          if (partial) packet.checksum = 'partial';
          tcp.emit(value, packet, source, destination, layout);
          const length = end - packet.head;
          expect(length).toBe(tcp.emittedLength(value, layout));
          expect(length).toBe(tcp.headerLength(packet));
          expect(packet.contents().subarray(length)).toEqual(payload);
          const field = packet.view.getUint16(packet.head + 16);
          const sum = fold(pseudoHeaderSum(source, destination, 6, length + payload.length));
          if (partial) expect(field).toBe(sum);
          expect(tcp.verifyChecksum(packet, source, destination)).toBe(true);
          const back = parsed(tcp.parse(packet));
          expect({ ...back, options: undefined }).toEqual({ ...value, options: undefined });

          // What was read is written the same way again.
          const again = packetOf(payload);
          again.checksum = packet.checksum;
          tcp.emit(back, again, source, destination, layout);
          expect(toHex(again.contents())).toBe(toHex(packet.contents()));
        },
      ),
      { numRuns: 500 },
    );
  });
});
