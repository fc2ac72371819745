import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from '../../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { Udp } from '../../../stack/udp/udp.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import { MAC_BROADCAST } from '../../../stack/wire/mac.ts';
import { echoRequest, FakeDevice, icmpOf, packetOf, pattern, TestHost } from './support.ts';

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
});
