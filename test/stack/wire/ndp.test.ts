import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { IPv6Address } from '../../../stack/wire/address.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import type { MacAddress } from '../../../stack/wire/mac.ts';
import * as mld from '../../../stack/wire/mld.ts';
import * as ndp from '../../../stack/wire/ndp.ts';
import { fromHex, toHex } from './samples.ts';

const A = new IPv6Address(0xfe80_0000, 0, 0, 1);
const B = new IPv6Address(0xfe80_0000, 0, 0, 2);
const MAC = 0x0200_0000_0001 as MacAddress;

/** Through ICMPv6 and back. */
function around(message: ndp.NeighbourMessage): unknown {
  const packet = PacketBuffer.allocate(64, 64);
  icmpv6.emit(ndp.emitBody(message, packet), packet, A, B);
  return parsed(packet);
}

function parsed(packet: PacketBuffer): unknown {
  const icmp = icmpv6.parse(packet, A, B);
  if (typeof icmp === 'string' || icmp.message.type !== 'other') return icmp;
  return ndp.parse(icmp.message, packet, icmp.bodyAt);
}

const words = fc.nat({ max: 0xffff_ffff });
const macs = fc.option(
  fc.nat({ max: 0xffff_ffff }).map((low) => low as MacAddress),
  { nil: undefined },
);
// Not a group: those are refused.
const targets = fc.tuple(fc.nat({ max: 0xfeff_ffff }), words, words, words).map((w) => new IPv6Address(...w));
const messages: fc.Arbitrary<ndp.NeighbourMessage> = fc.oneof(
  fc.record({ type: fc.constant('solicitation' as const), target: targets, mac: macs }),
  fc.record({
    type: fc.constant('advertisement' as const),
    target: targets,
    mac: macs,
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
  }),
);

describe('neighbour solicitation and advertisement', () => {
  it('lie as RFC 4861 4.3 and 4.4 draw them', () => {
    const packet = PacketBuffer.allocate(64, 64);
    const solicitation = ndp.emitBody({ type: 'solicitation', target: B, mac: MAC }, packet);
    expect(solicitation).toEqual({ type: 'other', typeNumber: 135, code: 0, rest: 0 });
    expect(toHex(packet.contents())).toBe('fe8000000000000000000000000000020101020000000001');
    const flags = { router: true, solicited: false, override: true };
    const second = PacketBuffer.allocate(64, 64);
    const answer = ndp.emitBody({ type: 'advertisement', target: B, mac: MAC, ...flags }, second);
    expect(answer).toEqual({ type: 'other', typeNumber: 136, code: 0, rest: 0xa000_0000 });
    expect(toHex(second.contents()).slice(32)).toBe('0201020000000001');
  });

  it('read back whatever was written', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(around(message)).toEqual(message);
      }),
    );
  });

  it.each([
    ['a code other than 0', (p: PacketBuffer) => p.view.setUint8(p.head + 1, 1), 'INVALID_PROTO'],
    ['a group as target', (p: PacketBuffer) => p.view.setUint8(p.head + 8, 0xff), 'INVALID_PROTO'],
    [
      'an option without length',
      (p: PacketBuffer) => p.view.setUint8(p.head + 25, 0),
      'IPV6_NDISC_BAD_OPTIONS',
    ],
    ['an option too long', (p: PacketBuffer) => p.view.setUint8(p.head + 25, 2), 'IPV6_NDISC_BAD_OPTIONS'],
    ['half a target', (p: PacketBuffer) => (p.tail = p.head + 20), 'PKT_TOO_SMALL'],
  ])('with %s are dropped [RFC 4861 7.1]', (_, change, reason) => {
    const packet = PacketBuffer.allocate(64, 64);
    icmpv6.emit(ndp.emitBody({ type: 'solicitation', target: B, mac: MAC }, packet), packet, A, B);
    change(packet);
    packet.checksum = 'verified';
    expect(parsed(packet)).toBe(reason);
  });

  it('options that are not known are passed over, those of other lengths hold no Ethernet address [RFC 4861 4.6, 9]', () => {
    const bytes = fromHex('0e01000000000000010202000000000100000000000000000101020000000002');
    const view = new DataView(bytes.buffer);
    const options = ndp.readNdpOptions(view, 0, bytes.length);
    expect(options?.map(({ type, length }) => [type, length])).toEqual([
      [14, 8],
      [1, 16],
      [1, 8],
    ]);
    expect(ndp.linkLayerAddress(view, options ?? [], ndp.SOURCE_LINK_LAYER_ADDRESS)).toBe(0x0200_0000_0002);
  });

  it('throw at nothing and read nothing beyond the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(135, 136, 137), (bytes, typeNumber) => {
        const packet = PacketBuffer.copyOf(bytes);
        const result = ndp.parse({ type: 'other', typeNumber, code: 0, rest: 0 }, packet, 0);
        if (typeof result !== 'string') expect(bytes.length).toBeGreaterThanOrEqual(16);
        ndp.readNdpOptions(packet.view, 0, bytes.length);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('multicast listener reports', () => {
  it('lie as RFC 3810 5.2 draws them, behind a router alert', () => {
    const packet = PacketBuffer.allocate(128, 128);
    const header = mld.emitRecords('to-exclude', [new IPv6Address(0xff02_0000, 0, 1, 0xff00_0002)], packet);
    expect(header).toEqual({ type: 'other', typeNumber: 143, code: 0, rest: 1 });
    expect(toHex(packet.contents())).toBe('04000000ff0200000000000000000001ff000002');
    mld.emitRouterAlert(packet);
    expect(toHex(packet.contents()).slice(0, 16)).toBe('3a00050200000100');
  });

  it('wait as long as the query says, in two notations [RFC 3810 5.1.3]', () => {
    const delay = (code: number): number =>
      mld.responseDelay({ type: 'other', typeNumber: 130, code: 0, rest: code * 0x1_0000 });
    expect([delay(0), delay(1_000), delay(0x7fff), delay(0x8000), delay(0xffff)]).toEqual([
      0,
      1_000,
      32_767,
      0x1000 << 3,
      0x1fff << 10,
    ]);
  });
});
