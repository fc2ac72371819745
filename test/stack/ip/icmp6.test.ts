import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import type { EchoError, EchoReply } from '../../../stack/ip/echo.ts';
import type { IcmpErrorKind } from '../../../stack/tcp/events.ts';
import { seconds } from '../../../stack/time.ts';
import { Udp } from '../../../stack/udp/udp.ts';
import type { Icmpv6Message } from '../../../stack/wire/icmpv6.ts';
import { pattern, TestHost } from './support.ts';
import { address6, EXPERIMENT, HERE6, icmp6Of, openIcmp6, packet6, THERE6 } from './support6.ts';

const ECHO = { type: 'echo-request', identifier: 3, sequenceNumber: 4 } as const;

function setUp(changes: SettingsChanges = {}) {
  const host = new TestHost({ cidrs: ['2001:db8::1/64'], changes });
  const errors: [IcmpErrorKind, number][] = [];
  host.ip.register(EXPERIMENT, {
    packetArrived: () => {},
    icmpError: (kind, _source, _destination, _quoted, mtu) => errors.push([kind, mtu]),
  });
  const udp = new Udp(host.context, host.ip);
  return { host, errors, udp };
}

/** A packet of ours to THERE6, as an error quotes it. */
function ours(more: { source?: string; destination?: string; nextHeader?: number } = {}): Uint8Array {
  const { source = '2001:db8::1', destination = '2001:db8::2', nextHeader = EXPERIMENT } = more;
  return packet6(pattern(40), {
    source: address6(source),
    destination: address6(destination),
    nextHeader,
  }).contents();
}

describe('ICMPv6 echo', () => {
  it('comes back with all its data, from the address that was asked [RFC 4443 4.2]', () => {
    const { host } = setUp();
    const [reply] = host.turn(icmp6Of(ECHO, pattern(100), { trafficClass: 0x20 }));
    const { header, message, body } = openIcmp6(reply);
    expect(message).toEqual({ ...ECHO, type: 'echo-reply' });
    expect(body).toEqual(pattern(100));
    expect(header).toMatchObject({ source: HERE6, destination: THERE6, hopLimit: 64, trafficClass: 0x20 });
  });

  it('is not answered at a group, with a bad checksum, from nobody, or if it is switched off', () => {
    const { host } = setUp();
    const bad = icmp6Of(ECHO, pattern(10));
    bad.view.setUint8(bad.tail - 1, 0xff);
    expect(host.turn(icmp6Of(ECHO, pattern(10), { destination: address6('ff02::1') }), bad)).toEqual([]);
    expect(host.turn(icmp6Of(ECHO, pattern(10), { source: address6('::') }))).toEqual([]);
    expect(host.drops()).toEqual(['INVALID_PROTO', 'ICMP_CSUM', 'IP_INVALID_SOURCE']);
    const silent = setUp({ ip: { echo: false } });
    expect(silent.host.turn(icmp6Of(ECHO, pattern(10)))).toEqual([]);
  });

  it('is sent by the call that pings both versions, and answers and errors are heard of by the same listeners', () => {
    const { host } = setUp();
    const replies: EchoReply[] = [];
    const errors: EchoError[] = [];
    host.ip.icmp.onEchoReply((reply) => replies.push(reply));
    host.ip.icmp.onEchoError((error) => errors.push(error));
    const ping = { identifier: 3, sequence: 4, payload: pattern(20), ttl: 9 };
    expect(host.ip.icmp.ping(THERE6, ping)).toBe(true);
    const [request] = host.turn();
    expect(openIcmp6(request)).toMatchObject({ message: ECHO, header: { hopLimit: 9 } });
    host.turn(icmp6Of({ ...ECHO, type: 'echo-reply' }, pattern(20), { hopLimit: 61 }));
    expect(replies).toMatchObject([{ source: THERE6, identifier: 3, sequence: 4, ttl: 61 }]);
    host.turn(icmp6Of({ type: 'unreachable', code: 3 }, request?.contents() ?? new Uint8Array(0)));
    expect(errors).toEqual([{ kind: 'host-unreachable', destination: THERE6, identifier: 3, sequence: 4 }]);
    expect(host.ip.icmp.ping(address6('2001:db9::1'), ping)).toBe(false);
  });
});

describe('ICMPv6 errors that are sent', () => {
  it('quote as much as fits the minimum MTU [RFC 4443 2.4 (c)]', () => {
    const { host } = setUp();
    const big = packet6(pattern(1_400), { nextHeader: 254 });
    const whole = big.contents().slice();
    const [error] = host.turn(big);
    expect(error?.length).toBe(1_280);
    expect(openIcmp6(error).body).toEqual(whole.slice(0, 1_232));
  });

  it('say that a UDP port is not taken [RFC 4443 3.1]', () => {
    const { host } = setUp();
    const datagram = PacketBuffer.copyOf(pattern(4), 8);
    const sender = new TestHost({ cidrs: ['2001:db8::2/64'] });
    const socket = new Udp(sender.context, sender.ip).bind(undefined, 5_000, { datagramArrived: () => {} });
    socket?.send(datagram.contents(), HERE6, 9);
    const [error] = host.turn(...sender.turn());
    expect(openIcmp6(error).message).toEqual({ type: 'unreachable', code: 4 });
  });

  it.each([
    ['an ICMPv6 error', icmp6Of({ type: 'other', typeNumber: 100, code: 0, rest: 0 }, pattern(8))],
    ['a packet to a group', packet6(pattern(8), { nextHeader: 254, destination: address6('ff02::1') })],
    [
      'an error behind options',
      packet6(Uint8Array.from([58, 0, 1, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0]), { nextHeader: 60 }),
    ],
  ])('are not sent about %s [RFC 4443 2.4 (e)]', (_, packet) => {
    const { host } = setUp();
    expect(host.turn(packet)).toEqual([]);
  });

  it('are limited in rate [RFC 4443 2.4 (f)]', () => {
    const { host } = setUp({ ip: { icmpRate: 10, icmpBurst: 5 } });
    const bad = (): PacketBuffer => packet6(pattern(8), { nextHeader: 254 });
    expect(host.turn(...Array.from({ length: 20 }, bad))).toHaveLength(5);
    host.pass(seconds(1));
    expect(host.turn(...Array.from({ length: 20 }, bad))).toHaveLength(5);
    expect(host.ip.counters.get('ICMP_RATELIMIT')).toBe(30);
  });
});

describe('ICMPv6 errors that arrive', () => {
  it.each([
    [{ type: 'unreachable', code: 0 }, 'net-unreachable', 0],
    [{ type: 'unreachable', code: 1 }, 'admin-prohibited', 0],
    [{ type: 'unreachable', code: 3 }, 'host-unreachable', 0],
    [{ type: 'unreachable', code: 4 }, 'port-unreachable', 0],
    [{ type: 'unreachable', code: 6 }, 'admin-prohibited', 0],
    [{ type: 'time-exceeded', code: 0 }, 'time-exceeded', 0],
    [{ type: 'parameter-problem', code: 0, pointer: 4 }, 'parameter-problem', 0],
    [{ type: 'parameter-problem', code: 1, pointer: 6 }, 'protocol-unreachable', 0],
    [{ type: 'packet-too-big', mtu: 1_400 }, 'fragmentation-needed', 1_400],
  ] as const)('%j reaches the protocol that is quoted as %s [RFC 4443 2.4 (d)]', (message, kind, mtu) => {
    const { host, errors } = setUp();
    host.turn(icmp6Of(message as Icmpv6Message, ours()));
    expect(errors).toEqual([[kind, mtu]]);
  });

  it.each([
    ['quotes a packet of somebody else', ours({ source: '2001:db8::7' }), 'INVALID_PROTO'],
    ['quotes half a header', ours().slice(0, 39), 'PKT_TOO_SMALL'],
    ['quotes less than 8 bytes of the transport', ours().slice(0, 47), 'PKT_TOO_SMALL'],
    ['quotes IPv4', Uint8Array.from([0x45, ...ours().slice(1)]), 'IP_INHDR'],
    ['quotes a protocol that nobody has', ours({ nextHeader: 254 }), 'INVALID_PROTO'],
  ])('are dropped if one %s', (_, quoted, reason) => {
    const { host, errors } = setUp();
    host.turn(icmp6Of({ type: 'unreachable', code: 4 }, quoted));
    expect(host.drops()).toEqual([reason]);
    expect(errors).toEqual([]);
  });

  it('B1 "too big" below 1,280 is not believed at all, and changes nothing [RFC 8201 4]', () => {
    const { host, errors } = setUp();
    host.turn(icmp6Of({ type: 'packet-too-big', mtu: 1_279 }, ours()));
    expect(host.drops()).toEqual(['INVALID_PROTO']);
    expect(errors).toEqual([]);
    expect(host.ip.pathMtu.get(THERE6)).toBeUndefined();
  });

  it('"too big" lowers the path MTU, for later fragments as for whole packets, and not for TCP, which looks at it first [RFC 8201 4]', () => {
    const { host } = setUp();
    host.turn(icmp6Of({ type: 'packet-too-big', mtu: 1_400 }, ours()));
    expect(host.ip.pathMtu.get(THERE6)).toBe(1_400);
    const tcp = ours({ nextHeader: 6, destination: '2001:db8::3' });
    host.turn(icmp6Of({ type: 'packet-too-big', mtu: 1_400 }, tcp));
    expect(host.ip.pathMtu.get(address6('2001:db8::3'))).toBeUndefined();
    const later = Uint8Array.from([17, 0, 0x05, 0xa8, 0, 0, 0, 7, ...pattern(40)]);
    const quoted = packet6(later, { source: HERE6, destination: address6('2001:db8::4'), nextHeader: 44 });
    host.turn(icmp6Of({ type: 'packet-too-big', mtu: 1_350 }, quoted.contents()));
    expect(host.ip.pathMtu.get(address6('2001:db8::4'))).toBe(1_350);
  });

  it('B9 redirects are ignored [RFC 4861 8]', () => {
    const { host } = setUp();
    const redirect = { type: 'other', typeNumber: 137, code: 0, rest: 0 } as const;
    host.turn(icmp6Of(redirect, Uint8Array.from([...pattern(32)]), { hopLimit: 255 }));
    expect(host.drops()).toEqual(['UNHANDLED_PROTO']);
  });
});
