import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Transport } from '../../../stack/ip/ip.ts';
import type { IpAddress } from '../../../stack/wire/address.ts';
import * as ipv4 from '../../../stack/wire/ipv4.ts';
import {
  address,
  FakeDevice,
  fragmentsOf,
  HERE,
  type Headers,
  open,
  openIcmp,
  packetOf,
  pattern,
  SECOND,
  TestHost,
  THERE,
} from './support.ts';

/** Records what arrives. */
class Recorder implements Transport {
  arrived: { data: Uint8Array; source: IpAddress; destination: IpAddress; broadcast: boolean }[] = [];
  packetArrived: Transport['packetArrived'] = (packet, { source, destination, broadcast }) => {
    this.arrived.push({ data: packet.contents().slice(), source, destination, broadcast });
  };
  errors: unknown[] = [];
  icmpError: Transport['icmpError'] = (kind, source, destination, quoted, mtu) => {
    this.errors.push({ kind, source, destination, quoted: quoted.contents().slice(), mtu });
  };
}

function setUp(...args: ConstructorParameters<typeof TestHost>) {
  const host = new TestHost(...args);
  const transport = new Recorder();
  host.ip.register(253, transport);
  const send = (data: Uint8Array, destination: IpAddress, dontFragment: boolean = false): void => {
    const route = host.ip.routes.find(destination);
    const packet = route?.interface.allocate(data.length);
    if (route === undefined || packet === undefined) throw new Error('no way');
    packet.bytes.set(data, packet.head);
    packet.tail += data.length;
    host.ip.send(packet, { source: route.source, destination, protocol: 253, dontFragment }, route);
  };
  return { host, transport, send };
}

describe('an IPv4 packet that arrives', () => {
  it('goes to the transport that its protocol number names, cut to its total length [RFC 1122 3.2.1]', () => {
    const { host, transport } = setUp();
    const packet = packetOf(pattern(10));
    const padded = PacketBuffer.copyOf(new Uint8Array(60));
    padded.bytes.set(packet.contents());
    host.turn(padded);
    expect(transport.arrived).toEqual([
      { data: pattern(10), source: THERE, destination: HERE, broadcast: false },
    ]);
  });

  it.each<[string, Headers]>([
    ['this network', { source: address('0.0.0.0') }],
    ['0/8', { source: address('0.1.2.3') }],
    ['loopback', { source: address('127.0.0.1') }],
    ['multicast', { source: address('224.0.0.1') }],
    ['class E', { source: address('240.0.0.1') }],
    ['limited broadcast', { source: address('255.255.255.255') }],
    ['our subnet’s broadcast', { source: address('10.0.0.255') }],
    ['our own address (LAND)', { source: HERE }],
  ])('is dropped without an answer if it comes from %s [RFC 1122 3.2.1.3, attacks.md A8 B5]', (_, header) => {
    const { host, transport } = setUp();
    expect(
      host.turn(packetOf(pattern(10), header), packetOf(pattern(10), { ...header, protocol: 254 })),
    ).toEqual([]);
    expect(transport.arrived).toEqual([]);
    expect(host.drops()).toEqual(['IP_INVALID_SOURCE', 'IP_INVALID_SOURCE']);
  });

  it.each(['10.0.0.3', '127.0.0.1', '224.0.0.5', '0.0.0.0', '10.0.0.0'])(
    'is dropped without an answer if it is for %s, not us [RFC 1122 3.2.1.3]',
    (destination) => {
      const { host, transport } = setUp();
      expect(host.turn(packetOf(pattern(10), { destination: address(destination) }))).toEqual([]);
      expect(transport.arrived).toEqual([]);
      expect(host.drops()).toEqual(['OTHERHOST']);
    },
  );

  it.each(['255.255.255.255', '10.0.0.255', '224.0.0.1'])(
    'is marked as a broadcast if it is for %s, and never answered by an ICMP error [RFC 1122 3.2.2]',
    (destination) => {
      const { host, transport } = setUp();
      const header = { destination: address(destination) };
      expect(
        host.turn(packetOf(pattern(4), header), packetOf(pattern(4), { ...header, protocol: 254 })),
      ).toEqual([]);
      expect(transport.arrived.map(({ broadcast }) => broadcast)).toEqual([true]);
    },
  );

  it('has no subnet broadcast on a /31 or /32 [RFC 3021 2.1]', () => {
    const { host, transport } = setUp({ cidrs: ['10.0.0.1/31'] });
    host.turn(packetOf(pattern(4), { source: address('10.0.0.0') }));
    expect(transport.arrived.map(({ broadcast }) => broadcast)).toEqual([false]);
  });

  it('may be for the address of any interface [RFC 1122 3.3.4.2]', () => {
    const { host, transport } = setUp();
    const other = host.attach(new FakeDevice(), ['192.0.2.1/24']);
    host.turnOn(other, packetOf(pattern(4)));
    expect(transport.arrived).toHaveLength(1);
  });

  it('is accepted with a TTL of 0 or 1 [RFC 1122 3.2.1.7]', () => {
    const { host, transport } = setUp();
    host.turn(packetOf(pattern(4), { ttl: 0 }), packetOf(pattern(4), { ttl: 1 }));
    expect(transport.arrived).toHaveLength(2);
  });

  it('is dropped with a reason if it is malformed [attacks.md A11]', () => {
    const { host } = setUp();
    const change = (at: number, value: number): PacketBuffer => {
      const packet = packetOf(pattern(10));
      packet.view.setUint8(packet.head + at, value);
      return packet;
    };
    const short = packetOf(pattern(10));
    short.tail -= 1;
    const empty = packetOf(pattern(0));
    empty.tail = empty.head;
    host.turn(change(0, 0x44), change(0, 0x55), change(0, 0x60), change(8, 1), short, empty);
    expect(host.drops()).toEqual([
      'IP_INHDR',
      'IP_INHDR',
      'PKT_TOO_SMALL', // as IPv6
      'IP_CSUM',
      'PKT_TOO_SMALL',
      'PKT_TOO_SMALL',
    ]);
    expect(host.ip.counters.get('IP_INHDR')).toBe(2);
  });

  it.each([
    ['a loose source route', [131, 7, 4, 10, 0, 0, 9, 0]],
    ['a strict source route', [137, 7, 4, 10, 0, 0, 9, 0]],
    ['an option of length 0', [7, 0, 0, 0]],
    ['an option of length 1', [7, 1, 0, 0]],
    ['an option longer than the header', [7, 255, 4, 0]],
  ])('is dropped for %s [RFC 1122 3.2.1.8, attacks.md B3]', (_, options) => {
    const { host, transport } = setUp();
    expect(host.turn(withOptions(options))).toEqual([]);
    expect(transport.arrived).toEqual([]);
    expect(host.drops()).toEqual(['IP_INHDR']);
  });

  it('may have options that we do not know [RFC 1122 3.2.1.8; RFC 9293 MUST-50]', () => {
    const { host, transport } = setUp();
    host.turn(withOptions([1, 148, 4, 0, 0, 0, 0, 0]));
    expect(transport.arrived.map(({ data }) => data)).toEqual([pattern(10)]);
  });

  it('is answered by "protocol unreachable" if nobody takes it [RFC 1122 3.2.2.1]', () => {
    const { host } = setUp();
    const packet = packetOf(pattern(1000), { protocol: 254 });
    const original = packet.contents().slice();
    const [answer] = host.turn(packet);
    expect(open(answer).header).toMatchObject({
      source: HERE,
      destination: THERE,
      protocol: 1,
      totalLength: 576,
    });
    const { message, body } = openIcmp(answer);
    expect(message).toMatchObject({ type: 'unreachable', code: 2 });
    expect(body).toEqual(original.slice(0, 548)); // RFC 1812 4.3.2.3
  });

  it('is put together from fragments, and handed on as one [RFC 1122 3.3.2]', () => {
    const { host, transport } = setUp();
    host.turn(...fragmentsOf(pattern(4000), [1480, 2960]).toReversed());
    expect(transport.arrived.map(({ data }) => data)).toEqual([pattern(4000)]);
  });

  it('is reported to its sender if its fragments do not come together in time [RFC 1122 3.3.2]', () => {
    const { host } = setUp();
    const [first] = fragmentsOf(pattern(4000), [1480, 2960]);
    if (first === undefined) throw new Error('no fragment');
    const original = first.contents().slice();
    host.turn(first);
    expect(host.ip.nextDeadline()).toBe(60 * SECOND);
    const [answer] = host.pass((60 * SECOND) as typeof SECOND);
    const { message, body } = openIcmp(answer);
    expect(message).toMatchObject({ type: 'time-exceeded', code: 1 });
    expect(body).toEqual(original.slice(0, 548));
    expect(host.drops()).toEqual(['FRAG_REASM_TIMEOUT']);
  });
});

describe('ICMP errors about what arrives', () => {
  it('are limited in rate, and so are other answers with the same bucket [RFC 1812 4.3.2.8, attacks.md B6]', () => {
    const { host } = setUp({ changes: { ip: { icmpRate: 10, icmpBurst: 3 } } });
    const flood = (): PacketBuffer[] =>
      host.turn(...Array.from({ length: 8 }, () => packetOf(pattern(4), { protocol: 254 })));
    expect(flood()).toHaveLength(3);
    expect(host.drops().filter((reason) => reason === 'ICMP_RATELIMIT')).toHaveLength(5);
    expect(host.ip.takeErrorToken()).toBe(false);
    host.pass((SECOND / 5) as typeof SECOND);
    expect(host.ip.takeErrorToken()).toBe(true);
    expect(flood()).toHaveLength(1);
  });
});

describe('an IPv4 packet that is sent', () => {
  it('has our TTL, and no identification if it may not be fragmented [RFC 6864 4.1]', () => {
    const { host, send } = setUp();
    send(pattern(10), THERE, true);
    const { header, payload } = open(host.turn()[0]);
    expect(header).toMatchObject({ source: HERE, ttl: 64, identification: 0, dontFragment: true });
    expect(payload.contents()).toEqual(pattern(10));
  });

  it('has an identification that tells nothing about the one before [RFC 6864, attacks.md B7]', () => {
    const { host, send } = setUp();
    for (let i = 0; i < 100; i++) send(pattern(1), THERE);
    const ids = host.turn().map((packet) => open(packet).header.identification);
    const steps = new Set(ids.slice(1).map((id, i) => (id - (ids[i] ?? 0)) & 0xffff));
    expect(steps.size).toBeGreaterThan(90);
  });

  it('is cut into fragments if it is larger than the MTU [RFC 791 3.2]', () => {
    const { host, send } = setUp();
    const other = setUp({ cidrs: ['10.0.0.2/24'] });
    send(pattern(65_515), THERE);
    const sent = host.turn();
    expect(sent.every((packet) => packet.length <= 1500)).toBe(true);
    expect(new Set(sent.map((packet) => open(packet).header.identification)).size).toBe(1);
    other.host.turn(...sent);
    expect(other.transport.arrived.map(({ data }) => data)).toEqual([pattern(65_515)]);
  });

  it('is dropped if it is larger than the MTU and may not be fragmented, or larger than any packet', () => {
    const { host, send } = setUp();
    send(pattern(1481), THERE, true);
    send(pattern(65_516), THERE);
    expect(host.turn()).toEqual([]);
    expect(host.drops()).toEqual(['PKT_TOO_BIG', 'PKT_TOO_BIG']);
  });

  it('is left whole if it is a super-segment', () => {
    const { host } = setUp();
    const route = host.ip.routes.find(THERE);
    const packet = route?.interface.allocate(10_000);
    if (route === undefined || packet === undefined) throw new Error('no way');
    packet.tail += 10_000;
    packet.segmentSize = 1460;
    const options = { source: HERE, destination: THERE, protocol: 253, dontFragment: true };
    host.ip.send(packet, options, route);
    expect(host.turn().map((sent) => [sent.length, sent.segmentSize])).toEqual([[10_020, 1460]]);
  });

  it.each(['10.0.0.1', '127.0.0.1', '127.9.9.9'])('comes back inside the host if it is for %s', (own) => {
    const { host, transport, send } = setUp();
    send(pattern(10), address(own));
    expect(transport.arrived).toEqual([]);
    expect(host.turn()).toEqual([]);
    expect(transport.arrived).toEqual([
      { data: pattern(10), source: address(own), destination: address(own), broadcast: false },
    ]);
    expect(host.ip.deliverLoopback()).toBe(false);
  });

  it('to ourselves waits in a bounded queue, of copies', () => {
    const { host, transport, send } = setUp();
    for (let i = 0; i < 1100; i++) send(pattern(10, i), HERE);
    host.turn();
    expect(transport.arrived).toHaveLength(1024);
    expect(transport.arrived[7]?.data).toEqual(pattern(10, 7));
    expect(host.drops()).toContain('DEVICE_QUEUE_FULL');
  });

  it('leaves by the interface of its route', () => {
    const { host, send } = setUp();
    const device = new FakeDevice();
    const other = host.attach(device, ['192.0.2.1/24']);
    send(pattern(10), address('192.0.2.9'));
    expect(host.turn()).toEqual([]);
    expect(open(host.turnOn(other)[0] ?? device.take()[0]).header.source).toBe(address('192.0.2.1'));
  });
});

/** A packet from THERE with these option bytes. */
function withOptions(options: readonly number[]): PacketBuffer {
  const packet = packetOf(Uint8Array.from([...options, ...pattern(10)]));
  const { view, head } = packet;
  view.setUint8(head, 0x45 + options.length / 4);
  view.setUint16(head + 10, 0);
  let sum = 0;
  for (let at = 0; at < 20 + options.length; at += 2) sum += view.getUint16(head + at);
  view.setUint16(head + 10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  expect(ipv4.parse(packet)).not.toBe('IP_CSUM');
  return packet;
}
