import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, sum } from '../../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { Udp } from '../../../stack/udp/udp.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import { MAC_BROADCAST, type MacAddress } from '../../../stack/wire/mac.ts';
import { echoRequest, FakeDevice, icmpOf, packetOf, pattern, TestHost } from './support.ts';
import { extension, fragmentOf, HERE6, icmp6Of, packet6 } from './support6.ts';

const SEEDS: readonly (() => PacketBuffer)[] = [
  () => echoRequest(pattern(32)),
  () => packetOf(pattern(16), { protocol: 17 }),
  () => packetOf(pattern(16), { moreFragments: true }),
  () => packetOf(pattern(16), { fragmentOffset: 16 }),
  () =>
    icmpOf({ type: 'unreachable', code: 3, nextHopMtu: undefined }, packetOf(pattern(16)).contents().slice()),
];

/** A packet with some bytes changed and its end moved; the header checksum is right, so that it gets further. */
const broken = fc
  .record({
    seed: fc.nat({ max: SEEDS.length - 1 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 63 }), fc.nat({ max: 255 })), { maxLength: 4 }),
    cut: fc.nat({ max: 24 }),
    repair: fc.boolean(),
  })
  .map(({ seed, changes, cut, repair }) => {
    const whole = (SEEDS[seed] ?? (() => packetOf(pattern(8))))();
    // Memory that ends with the packet, so that a read beyond it throws.
    const bytes = whole.contents().slice(0, Math.max(1, whole.length - cut));
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    const length = ((bytes[0] ?? 0) & 0xf) * 4;
    if (repair && length >= 20 && length <= bytes.length) {
      bytes.fill(0, 10, 12);
      new DataView(bytes.buffer).setUint16(10, checksum(bytes, 0, length));
    }
    return bytes;
  });

const SEEDS_V6: readonly (() => PacketBuffer)[] = [
  () => icmp6Of({ type: 'echo-request', identifier: 1, sequenceNumber: 2 }, pattern(32)),
  () => packet6(pattern(16), { nextHeader: 17 }),
  () => fragmentOf(pattern(16), 0, true),
  () => fragmentOf(pattern(16), 16, false),
  () => packet6(Uint8Array.from([...extension(60), ...extension(43), ...extension(58)]), { nextHeader: 0 }),
  () => icmp6Of({ type: 'packet-too-big', mtu: 1_300 }, packet6(pattern(16), { source: HERE6 }).contents()),
  () =>
    icmp6Of(
      { type: 'other', typeNumber: 135, code: 0, rest: 0 },
      Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...new Uint8Array(11), 1, 1, 1, 2, 0, 0, 0, 0, 9]),
      { hopLimit: 255 },
    ),
];

/** An IPv6 packet with some bytes changed and its end moved, its payload length right or not, its ICMPv6 checksum made right or not. */
const broken6 = fc
  .record({
    seed: fc.nat({ max: SEEDS_V6.length - 1 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 79 }), fc.nat({ max: 255 })), { maxLength: 4 }),
    cut: fc.nat({ max: 24 }),
    repair: fc.boolean(),
  })
  .map(({ seed, changes, cut, repair }) => {
    const whole = (SEEDS_V6[seed] ?? (() => packet6(pattern(8))))();
    const bytes = whole.contents().slice(0, Math.max(1, whole.length - cut));
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    const view = new DataView(bytes.buffer);
    if (!repair || bytes.length < 44) return bytes;
    view.setUint16(4, bytes.length - 40);
    if (bytes[6] === 58) {
      view.setUint16(42, 0);
      const pseudo = sum(bytes, 8, 40, 58 + bytes.length - 40);
      view.setUint16(42, checksum(bytes, 40, bytes.length, pseudo));
    }
    return bytes;
  });

describe('IP', () => {
  it('throws at nothing that comes from the wire, and answers no more than it got [attacks.md A11]', () => {
    const host = new TestHost();
    const unused = new Udp(host.context, host.ip);
    expect(unused).toBeDefined();
    fc.assert(
      fc.property(fc.array(broken, { maxLength: 8 }), (packets) => {
        const out = host.turn(...packets.map((bytes) => PacketBuffer.copyOf(bytes)));
        expect(out.length).toBeLessThanOrEqual(packets.length);
        host.context.events.length = 0;
      }),
      { numRuns: 1500 },
    );
  });

  it('throws at no Ethernet frame either', () => {
    const host = new TestHost({ device: new FakeDevice('ethernet') });
    const etherTypes = fc.constantFrom(ethernet.ETHERTYPE_ARP, ethernet.ETHERTYPE_IPV4, 0x86dd, 5);
    fc.assert(
      fc.property(broken, etherTypes, (bytes, etherType) => {
        const packet = PacketBuffer.copyOf(bytes, ethernet.ETHERNET_HEADER_LENGTH);
        ethernet.emit(
          { destination: MAC_BROADCAST, source: host.interface.mac ?? MAC_BROADCAST, etherType },
          packet,
        );
        host.turn(packet);
        host.context.events.length = 0;
      }),
      { numRuns: 500 },
    );
  });

  it('B11 nothing of IPv6 throws, and no more is answered than came', () => {
    const host = new TestHost({ cidrs: ['2001:db8::1/64'] });
    const unused = new Udp(host.context, host.ip);
    expect(unused).toBeDefined();
    fc.assert(
      fc.property(fc.array(broken6, { maxLength: 8 }), (packets) => {
        const out = host.turn(...packets.map((bytes) => PacketBuffer.copyOf(bytes)));
        expect(out.length).toBeLessThanOrEqual(packets.length);
        host.context.events.length = 0;
      }),
      { numRuns: 3_000 },
    );
    expect(host.ip.reassembly.memory).toBeLessThanOrEqual(host.context.settings.ip.reassemblyMemory);
  });

  it('throws at no IPv6 in an Ethernet frame either, neighbour discovery included', () => {
    const host = new TestHost({
      device: new FakeDevice('ethernet'),
      cidrs: ['2001:db8::1/64'],
      changes: { ip: { dupAddrDetectTransmits: 0 } },
    });
    fc.assert(
      fc.property(broken6, (bytes) => {
        const packet = PacketBuffer.copyOf(bytes, ethernet.ETHERNET_HEADER_LENGTH);
        ethernet.emit(
          {
            destination: host.interface.mac ?? MAC_BROADCAST,
            source: 0x0200_0000_0009 as MacAddress,
            etherType: ethernet.ETHERTYPE_IPV6,
          },
          packet,
        );
        host.turn(packet);
        host.context.events.length = 0;
      }),
      { numRuns: 3_000 },
    );
  });
});
