import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { Udp, type UdpReceiver } from '../../../stack/udp/udp.ts';
import { formatAddress } from '../../../stack/wire/address.ts';
import * as wire from '../../../stack/wire/udp.ts';
import {
  address,
  HERE,
  type Headers,
  icmpOf,
  open,
  openIcmp,
  packetOf,
  pattern,
  TestHost,
  THERE,
} from '../ip/support.ts';

class Inbox implements UdpReceiver {
  got: string[] = [];
  errors: string[] = [];
  datagramArrived: UdpReceiver['datagramArrived'] = (data, from, to) => {
    const text = String.fromCharCode(...data.subarray(0, 10));
    this.got.push(
      `${formatAddress(from.address)}:${from.port} > ${formatAddress(to.address)}:${to.port} ${text}`,
    );
  };
  errorArrived(...[kind, to]: Parameters<NonNullable<UdpReceiver['errorArrived']>>): void {
    this.errors.push(`${kind} ${formatAddress(to.address)}:${to.port}`);
  }
}

function setUp(...args: ConstructorParameters<typeof TestHost>) {
  const host = new TestHost(...args);
  return { host, udp: new Udp(host.context, host.ip) };
}

const hello = Uint8Array.from('hello', (c) => c.charCodeAt(0));

function datagram(data: Uint8Array, destinationPort: number, header: Headers = {}): PacketBuffer {
  const packet = PacketBuffer.copyOf(data, 8);
  const { source = THERE, destination = HERE } = header;
  wire.emit({ sourcePort: 4000, destinationPort }, packet, source, destination);
  return packetOf(packet.contents(), { protocol: 17, ...header });
}

describe('UDP', () => {
  it('hands a datagram to the socket on its port, and sends what it is given [RFC 768]', () => {
    const { host, udp } = setUp();
    const inbox = new Inbox();
    const socket = udp.bind(undefined, 7, inbox);
    host.turn(datagram(hello, 7));
    expect(inbox.got).toEqual(['10.0.0.2:4000 > 10.0.0.1:7 hello']);
    expect(socket?.send(hello, THERE, 4000)).toBe(true);
    const { header, payload } = open(host.turn()[0]);
    expect(header).toMatchObject({ source: HERE, destination: THERE, protocol: 17 });
    expect(wire.parse(payload)).toEqual({ sourcePort: 7, destinationPort: 4000, length: 13 });
    expect(wire.verifyChecksum(payload, HERE, THERE)).toBe(true);
  });

  it('prefers the socket on the very address to the one on all', () => {
    const { host, udp } = setUp({ cidrs: ['10.0.0.1/24', '10.0.0.3/24'] });
    const [all, one] = [new Inbox(), new Inbox()];
    udp.bind(undefined, 7, all);
    udp.bind(address('10.0.0.3'), 7, one);
    host.turn(datagram(hello, 7), datagram(hello, 7, { destination: address('10.0.0.3') }));
    expect(all.got).toEqual(['10.0.0.2:4000 > 10.0.0.1:7 hello']);
    expect(one.got).toEqual(['10.0.0.2:4000 > 10.0.0.3:7 hello']);
  });

  it('gives a port to one only, and again when it is closed', () => {
    const { host, udp } = setUp();
    const socket = udp.bind(undefined, 7, new Inbox());
    expect(udp.bind(undefined, 7, new Inbox())).toBeUndefined();
    socket?.close();
    socket?.close();
    expect(host.turn(datagram(hello, 7))).toHaveLength(1);
    expect(() => socket?.send(hello, THERE, 7)).toThrow(/closed/);
    expect(udp.bind(undefined, 7, new Inbox())?.port).toBe(7);
  });

  it('answers with "port unreachable" if nobody listens, but not to everyone [RFC 1122 4.1.3.1]', () => {
    const { host } = setUp();
    const packet = datagram(hello, 7);
    const original = packet.contents().slice();
    const { message, body } = openIcmp(host.turn(packet)[0]);
    expect(message).toMatchObject({ type: 'unreachable', code: 3 });
    expect(body).toEqual(original);
    expect(host.turn(datagram(hello, 7, { destination: address('10.0.0.255') }))).toEqual([]);
  });

  it('gives a broadcast to every socket on its port [RFC 1122 4.1.3.3]', () => {
    const { host, udp } = setUp();
    const [all, one] = [new Inbox(), new Inbox()];
    udp.bind(undefined, 7, all);
    udp.bind(HERE, 7, one);
    host.turn(datagram(hello, 7, { destination: address('255.255.255.255') }));
    expect([all.got.length, one.got.length]).toEqual([1, 1]);
  });

  it('drops a wrong checksum; takes none at all, and one that the device vouches for [RFC 1122 4.1.3.4]', () => {
    const { host, udp } = setUp();
    const inbox = new Inbox();
    udp.bind(undefined, 7, inbox);
    const wrong = datagram(hello, 7);
    wrong.view.setUint16(wrong.head + 26, 1);
    const none = datagram(hello, 7);
    none.view.setUint16(none.head + 26, 0);
    const partial = datagram(hello, 7);
    partial.view.setUint16(partial.head + 26, 1);
    partial.checksum = 'partial';
    expect(host.turn(wrong, none, partial)).toEqual([]);
    expect(inbox.got).toHaveLength(2);
    expect(host.drops()).toEqual(['UDP_CSUM']);
  });

  it('drops a length that cannot be [RFC 768]', () => {
    const { host } = setUp();
    for (const length of [7, 14]) {
      const packet = datagram(hello, 7);
      packet.view.setUint16(packet.head + 24, length);
      host.turn(packet);
    }
    expect(host.drops()).toEqual(['PKT_TOO_SMALL', 'PKT_TOO_SMALL']);
  });

  it('carries 65,507 bytes in fragments, there and back', () => {
    const { host, udp } = setUp();
    const other = setUp({ cidrs: ['10.0.0.2/24'] });
    let echoed = 0;
    const socket = udp.bind(undefined, 7, {
      datagramArrived: (data, from) => socket?.send(data, from.address, from.port),
    });
    const client = other.udp.bind(undefined, 0, {
      datagramArrived: (data) => {
        echoed = Buffer.compare(data, pattern(65_507)) === 0 ? data.length : -1;
      },
    });
    client?.send(pattern(65_507), HERE, 7);
    other.host.turn(...host.turn(...other.host.turn()));
    expect(echoed).toBe(65_507);
    expect(() => client?.send(new Uint8Array(65_508), HERE, 7)).toThrow(/at most 65507/);
  });

  it('draws its ephemeral ports at random from their range, and finds the last free one [RFC 6056 3.3.1]', () => {
    const { udp } = setUp({ changes: { tcp: { ephemeralPorts: { from: 50_000, to: 50_009 } } } });
    const ports = Array.from({ length: 10 }, () => udp.bind(undefined, 0, new Inbox())?.port ?? 0);
    expect(ports.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => 50_000 + i));
    expect(ports).not.toEqual(ports.toSorted());
    expect(udp.bind(undefined, 0, new Inbox())).toBeUndefined();
  });

  it('reports ICMP errors to the socket that sent [RFC 1122 4.1.3.3]', () => {
    const { host, udp } = setUp();
    const inbox = new Inbox();
    const socket = udp.bind(undefined, 7, inbox);
    socket?.send(hello, THERE, 4000);
    const quote = host.turn()[0]?.contents().slice() ?? new Uint8Array(0);
    host.turn(icmpOf({ type: 'unreachable', code: 3, nextHopMtu: undefined }, quote));
    expect(inbox.errors).toEqual(['port-unreachable 10.0.0.2:4000']);
  });

  it('reaches its own host, and nothing without a route', () => {
    const { host, udp } = setUp();
    const inbox = new Inbox();
    udp.bind(undefined, 7, inbox);
    const client = udp.bind(undefined, 9, new Inbox());
    expect(client?.send(hello, address('127.0.0.1'), 7)).toBe(true);
    expect(client?.send(hello, address('192.0.2.1'), 7)).toBe(false);
    expect(host.turn()).toEqual([]);
    expect(inbox.got).toEqual(['127.0.0.1:9 > 127.0.0.1:7 hello']);
  });
});
