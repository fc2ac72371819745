import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IPv4Address, IPv6Address, parseIPv6 } from '../../../stack/wire/address.ts';
import * as icmp from '../../../stack/wire/icmp.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import {
  fromHex,
  LINUX_ROUTER_SOLICITATION,
  LINUX_SYN,
  packetOf,
  parsed,
  toHex,
  WINDOWS_PING,
  withByte,
} from './samples.ts';

const byte = fc.nat(255);
const u16 = fc.nat(0xffff);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const A = new IPv6Address(0xfd77_0000, 0, 0, 1);
const B = new IPv6Address(0xfd77_0000, 0, 0, 2);

const echo = fc.record({
  type: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
  identifier: u16,
  sequenceNumber: u16,
});

describe('ICMP', () => {
  it('reads and writes the ping that Windows sends [RFC 792]', () => {
    const packet = packetOf(WINDOWS_PING);
    const { message, bodyAt, bodyLength } = parsed(icmp.parse(packet));
    expect(message).toEqual({ type: 'echo-request', identifier: 1, sequenceNumber: 1 });
    expect([bodyAt - packet.head, bodyLength]).toEqual([8, 32]);
    const written = packetOf(WINDOWS_PING, 8);
    icmp.emit(message, written);
    expect(toHex(written.contents())).toBe(WINDOWS_PING);
  });

  it('is refused when short or with a wrong checksum [RFC 1122 3.2.2]', () => {
    expect(icmp.parse(packetOf(WINDOWS_PING.slice(0, 14)))).toBe('PKT_TOO_SMALL');
    expect(icmp.parse(withByte(packetOf(WINDOWS_PING), 9, 0))).toBe('ICMP_CSUM');
    const vouchedFor = withByte(packetOf(WINDOWS_PING), 9, 0);
    vouchedFor.checksum = 'verified';
    expect(parsed(icmp.parse(vouchedFor)).message.type).toBe('echo-request');
  });

  it('says where the quoted datagram is, without the extensions behind it [RFC 4884 5]', () => {
    const quoted = fromHex(LINUX_SYN);
    const packet = packetOf(quoted);
    icmp.emit({ type: 'unreachable', code: 4, nextHopMtu: 1400 }, packet);
    const { message, bodyAt, bodyLength } = parsed(icmp.parse(packet));
    expect(message).toEqual({ type: 'unreachable', code: 4, nextHopMtu: 1400 });
    expect(packet.bytes.subarray(bodyAt, bodyAt + bodyLength)).toEqual(quoted);

    const extended = packetOf(new Uint8Array(128 + 12));
    icmp.emit({ type: 'time-exceeded', code: 0 }, extended);
    extended.checksum = 'verified';
    expect(parsed(icmp.parse(withByte(extended, 5, 32))).bodyLength).toBe(128);
    expect(parsed(icmp.parse(withByte(extended, 5, 36))).bodyLength).toBe(140);
    expect(parsed(icmp.parse(withByte(extended, 5, 8))).bodyLength).toBe(140);
  });

  it('comes back from its bytes, whatever it says', () => {
    const known = new Set([0, 3, 4, 5, 8, 11, 12]);
    const message: fc.Arbitrary<icmp.IcmpMessage> = fc.oneof(
      echo,
      fc.record({ type: fc.constant('unreachable' as const), code: fc.constant(4), nextHopMtu: u16 }),
      fc.record({
        type: fc.constant('unreachable' as const),
        code: byte.filter((code) => code !== 4),
        nextHopMtu: fc.constant(undefined),
      }),
      fc.record({ type: fc.constant('time-exceeded' as const), code: byte }),
      fc.record({ type: fc.constant('parameter-problem' as const), code: byte, pointer: byte }),
      fc.record({ type: fc.constant('source-quench' as const) }),
      fc.record({
        type: fc.constant('redirect' as const),
        code: byte,
        gateway: u32.map((n) => n as IPv4Address),
      }),
      fc.record({
        type: fc.constant('other' as const),
        typeNumber: byte.filter((type) => !known.has(type)),
        code: byte,
        rest: u32,
      }),
    );
    fc.assert(
      fc.property(message, fc.uint8Array(), (value, body) => {
        const packet = packetOf(body);
        const bodyAt = packet.head;
        icmp.emit(value, packet);
        expect(icmp.parse(packet)).toEqual({ message: value, bodyAt, bodyLength: body.length });
      }),
    );
  });
});

describe('ICMPv6', () => {
  it('reads and writes the router solicitation that Linux sends, raw [RFC 4443 2.1; RFC 4861 4.1]', () => {
    const source = parseIPv6('fe80::403d:ea39:680e:ac45') ?? A;
    const destination = parseIPv6('ff02::2') ?? B;
    const { message } = parsed(icmpv6.parse(packetOf(LINUX_ROUTER_SOLICITATION, 40), source, destination));
    expect(message).toEqual({ type: 'other', typeNumber: 133, code: 0, rest: 0 });
    const packet = packetOf('');
    icmpv6.emit(message, packet, source, destination);
    expect(toHex(packet.contents())).toBe(LINUX_ROUTER_SOLICITATION.slice(80));
  });

  it('has a checksum over the pseudo-header [RFC 4443 2.3]', () => {
    const packet = packetOf('abcd');
    icmpv6.emit({ type: 'packet-too-big', mtu: 1280 }, packet, A, B);
    expect(parsed(icmpv6.parse(packet, A, B)).message).toEqual({ type: 'packet-too-big', mtu: 1280 });
    expect(icmpv6.parse(packet, A, A)).toBe('ICMP_CSUM');
    packet.tail = packet.head + 7;
    expect(icmpv6.parse(packet, A, B)).toBe('PKT_TOO_SMALL');
  });

  it('comes back from its bytes, whatever it says', () => {
    const known = new Set([1, 2, 3, 4, 128, 129]);
    const message: fc.Arbitrary<icmpv6.Icmpv6Message> = fc.oneof(
      echo,
      fc.record({ type: fc.constant('unreachable' as const), code: byte }),
      fc.record({ type: fc.constant('packet-too-big' as const), mtu: u32 }),
      fc.record({ type: fc.constant('time-exceeded' as const), code: byte }),
      fc.record({ type: fc.constant('parameter-problem' as const), code: byte, pointer: u32 }),
      fc.record({
        type: fc.constant('other' as const),
        typeNumber: byte.filter((type) => !known.has(type)),
        code: byte,
        rest: u32,
      }),
    );
    fc.assert(
      fc.property(message, fc.uint8Array(), (value, body) => {
        const packet = packetOf(body);
        const bodyAt = packet.head;
        icmpv6.emit(value, packet, A, B);
        expect(icmpv6.parse(packet, A, B)).toEqual({ message: value, bodyAt, bodyLength: body.length });
      }),
    );
  });
});
