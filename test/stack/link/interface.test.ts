import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import { formatMac, type IpAddress, type MacAddress, parseMac } from '../../../stack/wire/address.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import { address, echoRequest, FakeDevice, packetOf, pattern, TestHost, THERE } from '../ip/support.ts';

function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(`no MAC: ${text}`);
  return parsed;
}

const OURS = mac('02:00:00:00:00:01');
const THEIRS = mac('02:00:00:00:00:02');

function framed(packet: PacketBuffer, destination: MacAddress, etherType: number = 0x0800): PacketBuffer {
  ethernet.emit({ destination, source: THEIRS, etherType }, packet);
  return packet;
}

/** Sends `data` as if it were an IP packet; false if the interface gives no room. */
function send(by: Interface, data: Uint8Array, nextHop: IpAddress = THERE): boolean {
  const packet = by.allocate(data.length);
  if (packet === undefined) return false;
  packet.bytes.set(data, packet.head);
  packet.tail += data.length;
  by.send(packet, nextHop);
  return true;
}

describe('an interface on a medium of IP packets', () => {
  it('queues packets until it is flushed, then gives them to the device in one batch', () => {
    const { interface: own, device } = new TestHost();
    send(own, pattern(10));
    send(own, pattern(20));
    expect(device.sent).toEqual([]);
    own.flush();
    expect(device.take().map((frame) => frame.contents())).toEqual([pattern(10), pattern(20)]);
  });

  it('flushes by itself when its memory is full, and loses nothing', () => {
    const { interface: own, device } = new TestHost();
    for (let i = 0; i < 1000; i++) expect(send(own, pattern(1400, i))).toBe(true);
    own.flush();
    const sent = device.take();
    expect(sent).toHaveLength(1000);
    expect(sent.every((frame, i) => Buffer.compare(frame.contents(), pattern(1400, i)) === 0)).toBe(true);
  });

  it('has room for the largest packet', () => {
    const { interface: own } = new TestHost();
    expect(own.allocate(65_535)?.head).toBeGreaterThanOrEqual(100 + 12);
  });

  it('keeps what the device refuses, in order, until it is writable', () => {
    const host = new TestHost();
    const { interface: own, device } = host;
    let writable = 0;
    host.ip.onWritable = () => (writable += 1);
    device.room = 2;
    for (let i = 0; i < 4; i++) send(own, pattern(10, i));
    own.flush();
    expect(own.ready).toBe(false);
    send(own, pattern(10, 4));
    own.flush();
    device.room = 3;
    device.onWritable?.();
    expect([own.ready, writable]).toEqual([false, 0]);
    device.room = 10;
    device.onWritable?.();
    expect([own.ready, writable]).toEqual([true, 1]);
    expect(device.take().map((frame) => frame.contents())).toEqual(
      [0, 1, 2, 3, 4].map((i) => pattern(10, i)),
    );
  });

  it('drops with DEVICE_QUEUE_FULL what is too much, then gives no more room', () => {
    const host = new TestHost();
    host.device.room = 0;
    let sent = 0;
    while (send(host.interface, pattern(60_000))) sent += 1;
    expect(sent).toBeGreaterThan(17);
    expect(sent).toBeLessThan(30);
    const drops = host.drops();
    expect(new Set(drops)).toEqual(new Set(sent > 18 ? ['DEVICE_QUEUE_FULL'] : []));
    host.device.room = 1000;
    host.device.onWritable?.();
    host.ip.flush();
    expect(host.device.take()).toHaveLength(sent - drops.length);
    expect(host.interface.allocate(10)).toBeDefined();
  });

  it('sends what comes to be while the device takes a batch, after that batch', () => {
    const { ip, interface: own, device } = new TestHost();
    const transmit = device.transmit.bind(device);
    let requests = 2;
    device.transmit = (frames) => {
      const taken = transmit(frames);
      if (requests > 0) {
        requests -= 1;
        own.framesArrived([echoRequest(pattern(requests))]);
        ip.flush(); // no harm
      }
      return taken;
    };
    send(own, pattern(10));
    own.flush();
    expect(device.take().map((frame) => frame.length)).toEqual([10, 29, 28]);
  });

  it('traces each frame in and out, as the device gives and gets it', () => {
    const host = new TestHost();
    host.turn(echoRequest(pattern(56)));
    const frames = host.context.events.map((event) =>
      event.type === 'frame'
        ? [event.direction, event.device, event.medium, event.tail - event.head]
        : event.type,
    );
    expect(frames).toEqual([
      ['in', 'fake0', 'ip', 84],
      ['out', 'fake0', 'ip', 84],
    ]);
  });

  it('has no Ethernet address', () => {
    expect(new TestHost().interface.mac).toBeUndefined();
  });
});

describe('an interface on Ethernet', () => {
  const setUp = () => {
    const host = new TestHost({ device: new FakeDevice('ethernet'), mac: OURS });
    const seen: [string, boolean][] = [];
    host.ip.register(253, {
      packetArrived: (_, meta) => seen.push([formatMac(meta.from.mac ?? OURS), meta.broadcast]),
      icmpError: () => {},
    });
    return { host, seen };
  };

  it('takes frames to its own address and to groups, and no others [RFC 1122 2.3]', () => {
    const { host, seen } = setUp();
    const all = { destination: address('10.0.0.255') };
    host.turn(
      framed(packetOf(pattern(4)), OURS),
      framed(packetOf(pattern(4)), mac('02:00:00:00:00:09')),
      framed(packetOf(pattern(4), all), mac('ff:ff:ff:ff:ff:ff')),
    );
    expect(seen.map(([, broadcast]) => broadcast)).toEqual([false, true]);
    expect(host.drops()).toEqual(['OTHERHOST']);
  });

  it('drops a packet to one host in a frame to everyone [RFC 1122 3.3.6]', () => {
    const { host, seen } = setUp();
    host.turn(framed(packetOf(pattern(4)), mac('ff:ff:ff:ff:ff:ff')));
    expect(seen).toEqual([]);
    expect(host.drops()).toEqual(['OTHERHOST']);
  });

  it('drops frames that are cut short, and EtherTypes that it does not know', () => {
    const { host } = setUp();
    const short = PacketBuffer.copyOf(new Uint8Array(13));
    host.turn(short, framed(packetOf(pattern(4)), OURS, 0x86dd), framed(packetOf(pattern(4)), OURS, 0x8100));
    expect(host.drops()).toEqual(['PKT_TOO_SMALL', 'UNHANDLED_PROTO', 'UNHANDLED_PROTO']);
  });

  it.each([
    ['255.255.255.255', 'ff:ff:ff:ff:ff:ff'],
    ['10.0.0.255', 'ff:ff:ff:ff:ff:ff'],
    ['224.0.0.251', '01:00:5e:00:00:fb'],
    ['239.255.1.2', '01:00:5e:7f:01:02'],
  ])('sends to %s in a frame to %s, without ARP [RFC 894, RFC 1112 6.4]', (group, expected) => {
    const { host } = setUp();
    send(host.interface, pattern(4), address(group));
    host.interface.flush();
    const [frame] = host.device.take();
    const header = frame === undefined ? 'nothing' : ethernet.parse(frame);
    expect(header).toEqual({ destination: mac(expected), source: OURS, etherType: 0x0800 });
  });

  it('makes itself a random unicast address that is marked as local if it is given none', () => {
    const { interface: own } = new TestHost({ device: new FakeDevice('ethernet') });
    expect(formatMac(own.mac ?? OURS)).toMatch(/^02:/);
    expect(own.mac).not.toBe(OURS);
  });
});
