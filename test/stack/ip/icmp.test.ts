import { describe, expect, it } from 'vitest';
import type { EchoError, EchoReply } from '../../../stack/ip/icmp.ts';
import type { IpMeta, Transport } from '../../../stack/ip/ip.ts';
import type { IcmpMessage } from '../../../stack/wire/icmp.ts';
import {
  address,
  echoRequest,
  fragmentsOf,
  HERE,
  icmpOf,
  open,
  openIcmp,
  packetOf,
  pattern,
  TestHost,
  THERE,
} from './support.ts';

describe('an echo request', () => {
  it('is answered with its data, from the address that was asked [RFC 1122 3.2.2.6]', () => {
    const host = new TestHost();
    const [reply] = host.turn(echoRequest(pattern(56), { tos: 8 }));
    expect(open(reply).header).toMatchObject({ source: HERE, destination: THERE, ttl: 64, tos: 8 });
    expect(openIcmp(reply)).toEqual({
      message: { type: 'echo-reply', identifier: 1, sequenceNumber: 2 },
      body: pattern(56),
    });
  });

  it('of 65,507 bytes in fragments is answered by fragments', () => {
    const host = new TestHost();
    const other = new TestHost({ cidrs: ['10.0.0.2/24'] });
    const replies: Uint8Array[] = [];
    other.ip.icmp.onEchoReply((reply) => replies.push(reply.payload.slice()));
    const payload = pattern(65_507);
    expect(other.ip.icmp.ping(HERE, { identifier: 1, sequence: 1, payload })).toBe(true);
    const there = other.turn();
    expect(there).toHaveLength(45);
    const back = host.turn(...there);
    expect(back).toHaveLength(45);
    other.turn(...back.toReversed());
    expect(replies).toEqual([payload]);
  });

  it.each(['255.255.255.255', '10.0.0.255', '224.0.0.1'])(
    'to everyone (%s) is ignored [RFC 1122 3.2.2.6]',
    (all) => {
      const host = new TestHost();
      expect(host.turn(echoRequest(pattern(8), { destination: address(all) }))).toEqual([]);
    },
  );

  it('is ignored if the settings say so', () => {
    const host = new TestHost({ changes: { ip: { echo: false } } });
    expect(host.turn(echoRequest(pattern(8)))).toEqual([]);
  });

  it('is dropped if its checksum is wrong [RFC 792]', () => {
    const host = new TestHost();
    const packet = echoRequest(pattern(8));
    packet.bytes[packet.tail - 1] = 0;
    expect(host.turn(packet)).toEqual([]);
    expect(host.drops()).toEqual(['ICMP_CSUM']);
  });

  it('to ourselves is answered inside the host', () => {
    const host = new TestHost();
    const replies: EchoReply[] = [];
    const stop = host.ip.icmp.onEchoReply((reply) =>
      replies.push({ ...reply, payload: reply.payload.slice() }),
    );
    host.ip.icmp.ping(HERE, { identifier: 5, sequence: 6, payload: pattern(4000) });
    expect(host.turn()).toEqual([]);
    expect(replies).toEqual([{ source: HERE, identifier: 5, sequence: 6, ttl: 64, payload: pattern(4000) }]);
    stop();
    host.ip.icmp.ping(HERE, { identifier: 5, sequence: 7, payload: pattern(4) });
    host.turn();
    expect(replies).toHaveLength(1);
  });

  it('of more than 65,507 bytes is the caller’s mistake', () => {
    const host = new TestHost();
    const ping = { identifier: 1, sequence: 1, payload: new Uint8Array(65_508) };
    expect(() => host.ip.icmp.ping(THERE, ping)).toThrow(/at most 65507/);
  });

  it('cannot be sent without a route', () => {
    const host = new TestHost();
    const ping = { identifier: 1, sequence: 1, payload: pattern(8) };
    expect(host.ip.icmp.ping(address('192.0.2.1'), ping)).toBe(false);
    expect(host.drops()).toEqual(['IP_OUTNOROUTES']);
  });
});

function withTransport() {
  const host = new TestHost();
  const errors: unknown[] = [];
  const transport: Transport = {
    packetArrived: () => {},
    icmpError: (kind, source, destination, quoted, mtu) =>
      errors.push({ kind, source, destination, mtu, quoted: quoted.contents().slice() }),
  };
  host.ip.register(253, transport);
  return { host, errors };
}

/** The beginning of a packet of ours. */
function ours(header: Parameters<typeof packetOf>[1] = {}): Uint8Array {
  return packetOf(pattern(8), { source: HERE, destination: THERE, ...header })
    .contents()
    .slice();
}

describe('an ICMP error', () => {
  it.each<[IcmpMessage, string, number]>([
    [{ type: 'unreachable', code: 0, nextHopMtu: undefined }, 'net-unreachable', 0],
    [{ type: 'unreachable', code: 1, nextHopMtu: undefined }, 'host-unreachable', 0],
    [{ type: 'unreachable', code: 2, nextHopMtu: undefined }, 'protocol-unreachable', 0],
    [{ type: 'unreachable', code: 3, nextHopMtu: undefined }, 'port-unreachable', 0],
    [{ type: 'unreachable', code: 4, nextHopMtu: 1400 }, 'fragmentation-needed', 1400],
    [{ type: 'unreachable', code: 5, nextHopMtu: undefined }, 'source-route-failed', 0],
    [{ type: 'unreachable', code: 13, nextHopMtu: undefined }, 'admin-prohibited', 0],
    [{ type: 'time-exceeded', code: 0 }, 'time-exceeded', 0],
    [{ type: 'parameter-problem', code: 0, pointer: 1 }, 'parameter-problem', 0],
  ])('%o reaches the transport as %s [RFC 1122 3.2.2]', (message, kind, mtu) => {
    const { host, errors } = withTransport();
    const router = address('192.0.2.254');
    expect(host.turn(icmpOf(message, ours(), { source: router }))).toEqual([]);
    expect(errors).toEqual([{ kind, source: HERE, destination: THERE, mtu, quoted: pattern(8) }]);
  });

  it.each<[string, IcmpMessage, Uint8Array]>([
    ['a source quench [RFC 6633, RFC 9293 MUST-55]', { type: 'source-quench' }, ours()],
    ['a redirect [attacks.md B9]', { type: 'redirect', code: 1, gateway: address('10.0.0.9') }, ours()],
    ['an unknown code', { type: 'unreachable', code: 200, nextHopMtu: undefined }, ours()],
    ['a quote that is not ours', { type: 'time-exceeded', code: 0 }, ours({ source: address('10.0.0.7') })],
    ['a later fragment', { type: 'time-exceeded', code: 0 }, ours({ fragmentOffset: 8 })],
    ['an unknown protocol', { type: 'time-exceeded', code: 0 }, ours({ protocol: 250 })],
    ['a quote cut short', { type: 'time-exceeded', code: 0 }, ours().slice(0, 27)],
    ['half a header', { type: 'time-exceeded', code: 0 }, ours().slice(0, 11)],
    ['no IPv4 header', { type: 'time-exceeded', code: 0 }, new Uint8Array(40)],
    ['an unknown type', { type: 'other', typeNumber: 99, code: 0, rest: 0 }, ours()],
  ])('is dropped without an answer: %s', (_, message, quote) => {
    const { host, errors } = withTransport();
    expect(host.turn(icmpOf(message, quote))).toEqual([]);
    expect(errors).toEqual([]);
    expect(host.drops()).toHaveLength(1);
  });

  it('about a ping reaches who listens', () => {
    const host = new TestHost();
    const errors: EchoError[] = [];
    host.ip.icmp.onEchoError((error) => errors.push(error));
    host.ip.icmp.ping(THERE, { identifier: 3, sequence: 4, payload: pattern(8), ttl: 1 });
    const [sent] = host.turn();
    expect(open(sent).header.ttl).toBe(1);
    const quote = sent?.contents().slice() ?? new Uint8Array(0);
    host.turn(icmpOf({ type: 'time-exceeded', code: 0 }, quote, { source: address('10.0.0.254') }));
    expect(errors).toEqual([{ kind: 'time-exceeded', destination: THERE, identifier: 3, sequence: 4 }]);
  });

  it('is never sent about an ICMP error, or about a fragment that is not the first [RFC 1122 3.2.2]', () => {
    const host = new TestHost();
    const sendErrorAbout = (packet: ReturnType<typeof packetOf>): number => {
      const headerAt = packet.head;
      const meta: IpMeta = {
        source: THERE,
        destination: HERE,
        protocol: 1,
        ttl: 64,
        tos: 0,
        from: host.interface,
        broadcast: false,
        headerAt,
      };
      host.ip.icmpUnreachable(3, packet, meta);
      return host.turn().length;
    };
    expect(sendErrorAbout(icmpOf({ type: 'time-exceeded', code: 0 }, ours()))).toBe(0);
    expect(sendErrorAbout(icmpOf({ type: 'unreachable', code: 3, nextHopMtu: undefined }, ours()))).toBe(0);
    expect(sendErrorAbout(icmpOf({ type: 'source-quench' }, ours()))).toBe(0);
    expect(sendErrorAbout(fragmentsOf(pattern(16), [8])[1] ?? packetOf(pattern(0)))).toBe(0);
    expect(sendErrorAbout(echoRequest(pattern(8)))).toBe(1);
    expect(sendErrorAbout(packetOf(pattern(8)))).toBe(1);
  });
});
