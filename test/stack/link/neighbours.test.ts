import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import { type Duration, NEVER, seconds } from '../../../stack/time.ts';
import { formatAddress, type IPv4Address, type MacAddress, parseMac } from '../../../stack/wire/address.ts';
import * as arp from '../../../stack/wire/arp.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import { address, FakeDevice, HERE, pattern, SECOND, TestHost, THERE } from '../ip/support.ts';

const OURS = parseMac('02:00:00:00:00:01') ?? (0 as MacAddress);
const THEIRS = parseMac('02:00:00:00:00:02') ?? (0 as MacAddress);
const EVIL = parseMac('02:00:00:00:00:66') ?? (0 as MacAddress);
const ALL = 0xffff_ffff_ffff as MacAddress;

function setUp(changes: SettingsChanges = {}) {
  const host = new TestHost({ device: new FakeDevice('ethernet'), mac: OURS, changes });
  const errors: string[] = [];
  host.ip.register(253, {
    packetArrived: () => {},
    icmpError: (kind, source, destination) =>
      errors.push(`${kind} ${formatAddress(source)} ${formatAddress(destination)}`),
  });
  /** Sends a packet, and says in words what left. */
  const send = (data: Uint8Array, to: IPv4Address = THERE): string[] => {
    const route = host.ip.routes.find(to);
    const packet = route?.interface.allocate(data.length);
    if (route === undefined || packet === undefined) throw new Error('no way');
    packet.bytes.set(data, packet.head);
    packet.tail += data.length;
    host.ip.send(packet, { source: HERE, destination: to, protocol: 253 }, route);
    return words(host.turn());
  };
  const pass = (by: Duration): string[] => words(host.pass(by));
  const hear = (message: arp.ArpPacket, to: MacAddress = OURS): string[] =>
    words(host.turn(frameOf(message, to)));
  return { host, errors, send, pass, hear };
}

function frameOf(message: arp.ArpPacket, destination: MacAddress): PacketBuffer {
  const packet = PacketBuffer.allocate(80, 60);
  arp.emit(message, packet);
  ethernet.emit({ destination, source: message.senderMac, etherType: ethernet.ETHERTYPE_ARP }, packet);
  return packet;
}

function reply(senderMac: MacAddress = THEIRS, senderIp: IPv4Address = THERE): arp.ArpPacket {
  return { operation: 'reply', senderMac, senderIp, targetMac: OURS, targetIp: HERE };
}

function request(senderIp: IPv4Address, targetIp: IPv4Address = HERE, senderMac = THEIRS): arp.ArpPacket {
  return { operation: 'request', senderMac, senderIp, targetMac: 0 as MacAddress, targetIp };
}

/** `who-has 10.0.0.2 tell 10.0.0.1 (to ff)`, `10.0.0.1 is-at 1 (to 2)`, `ip 30 (to 2)`: MACs by their last octet. */
function words(frames: readonly PacketBuffer[]): string[] {
  return frames.map((frame) => {
    const header = ethernet.parse(frame);
    if (typeof header === 'string') return header;
    const to = `(to ${(header.destination % 256).toString(16)})`;
    if (header.etherType === ethernet.ETHERTYPE_IPV4) return `ip ${frame.length - 34} ${to}`;
    frame.head += 14;
    const message = arp.parse(frame);
    if (typeof message === 'string') return message;
    const [sender, target] = [formatAddress(message.senderIp), formatAddress(message.targetIp)];
    return message.operation === 'request'
      ? `who-has ${target} tell ${sender} ${to}`
      : `${sender} is-at ${(message.senderMac % 256).toString(16)} ${to}`;
  });
}

const WHO_HAS = 'who-has 10.0.0.2 tell 10.0.0.1 (to ff)';

describe('ARP', () => {
  it('asks for a neighbour, holds the packets, and sends them when it answers [RFC 826, RFC 1122 2.3.2.2]', () => {
    const { send, hear } = setUp();
    expect(send(pattern(10))).toEqual([WHO_HAS]);
    expect(send(pattern(20))).toEqual([]);
    expect(hear(reply())).toEqual(['ip 10 (to 2)', 'ip 20 (to 2)']);
    expect(send(pattern(30))).toEqual(['ip 30 (to 2)']);
  });

  it('asks for the gateway when the destination is not on the link', () => {
    const { host, send } = setUp();
    host.ip.routes.add({
      destination: address('0.0.0.0'),
      prefixLength: 0,
      interface: host.interface,
      gateway: address('10.0.0.254'),
    });
    expect(send(pattern(10), address('192.0.2.1'))).toEqual(['who-has 10.0.0.254 tell 10.0.0.1 (to ff)']);
  });

  it('asks again once a second, three times in all, then reports the host unreachable [RFC 1122 2.3.2.1]', () => {
    const { host, send, pass, errors } = setUp();
    send(pattern(10));
    send(pattern(20));
    expect(host.ip.nextDeadline()).toBe(SECOND);
    expect(pass(seconds(0.9))).toEqual([]);
    expect(pass(seconds(0.1))).toEqual([WHO_HAS]);
    expect(pass(SECOND)).toEqual([WHO_HAS]);
    expect(errors).toEqual([]);
    expect(pass(SECOND)).toEqual([]);
    expect(host.drops()).toEqual(['NEIGH_FAILED', 'NEIGH_FAILED']);
    expect(errors).toEqual(Array.from({ length: 2 }, () => 'host-unreachable 10.0.0.1 10.0.0.2'));
    expect(host.ip.nextDeadline()).toBe(NEVER);
    expect(send(pattern(30))).toEqual([WHO_HAS]);
  });

  it('holds so many packets for one neighbour at most, the latest ones [RFC 1122 2.3.2.2]', () => {
    const { host, send, hear } = setUp({ ip: { neighbourQueue: 2 } });
    for (const length of [10, 20, 30, 40]) send(pattern(length));
    expect(host.drops()).toEqual(['NEIGH_QUEUEFULL', 'NEIGH_QUEUEFULL']);
    expect(hear(reply())).toEqual(['ip 30 (to 2)', 'ip 40 (to 2)']);
  });

  it('answers requests for our addresses, and learns who asked [RFC 826]', () => {
    const { send, hear } = setUp();
    expect(hear(request(THERE), ALL)).toEqual(['10.0.0.1 is-at 1 (to 2)']);
    expect(send(pattern(10))).toEqual(['ip 10 (to 2)']);
  });

  it('answers a probe without learning anything from it [RFC 5227 2.1.1]', () => {
    const { host, hear } = setUp();
    expect(hear(request(address('0.0.0.0')), ALL)).toEqual(['10.0.0.1 is-at 1 (to 2)']);
    expect(host.interface.neighbours?.size).toBe(0);
  });

  it('neither answers nor learns from requests for others', () => {
    const { host, hear } = setUp();
    expect(hear(request(THERE, address('10.0.0.9')), ALL)).toEqual([]);
    expect(host.interface.neighbours?.size).toBe(0);
  });

  it('takes up a new address of a neighbour it knows, from any ARP packet [RFC 826]', () => {
    const { send, hear } = setUp();
    hear(request(THERE), ALL);
    hear(request(THERE, address('10.0.0.9'), EVIL), ALL);
    expect(send(pattern(10))).toEqual(['ip 10 (to 66)']);
  });

  it('B9 no ARP reply is believed that was not asked for [RFC 826]', () => {
    const { host, send, hear } = setUp();
    for (let i = 3; i < 250; i++) hear(reply(EVIL, address(`10.0.0.${i}`)));
    expect(host.interface.neighbours?.size).toBe(0);
    expect(send(pattern(10))).toEqual([WHO_HAS]);
  });

  it.each<[string, arp.ArpPacket]>([
    ['our own address', request(HERE)],
    ['a broadcast address', request(address('255.255.255.255'))],
    ['a multicast address', request(address('224.0.0.1'))],
    ['a group MAC', request(THERE, HERE, ALL)],
  ])('drops what comes from %s', (_, message) => {
    const { host, hear } = setUp();
    expect(hear(message, ALL)).toEqual([]);
    expect(host.drops()).toEqual(['INVALID_PROTO']);
    expect(host.interface.neighbours?.size).toBe(0);
  });

  it('learns no address from another subnet', () => {
    const { host, hear } = setUp();
    expect(hear(request(address('192.0.2.1')), ALL)).toEqual(['10.0.0.1 is-at 1 (to 2)']);
    expect(host.interface.neighbours?.size).toBe(0);
  });

  it('B9 the ARP cache is bounded, whoever asks; the oldest entry goes', () => {
    const { host, hear, send } = setUp({ ip: { neighbours: 8 } });
    hear(request(THERE), ALL);
    for (let i = 3; i < 250; i++) hear(request(address(`10.0.0.${i}`)), ALL);
    expect(host.interface.neighbours?.size).toBe(8);
    expect(send(pattern(10))).toEqual([WHO_HAS]);
  });

  it('B9 a static ARP entry is neither overwritten nor evicted', () => {
    const { host, hear, send } = setUp({ ip: { neighbours: 2 } });
    host.interface.neighbours?.addStatic(THERE, THEIRS);
    hear(request(THERE, HERE, EVIL), ALL);
    hear(reply(EVIL));
    for (let i = 3; i < 20; i++) hear(request(address(`10.0.0.${i}`)), ALL);
    expect(send(pattern(10))).toEqual(['ip 10 (to 2)']);
  });

  it('asks again, and sends on meanwhile, when TCP doubts the path [RFC 9293 MUST-20; RFC 1122 3.3.1.4]', () => {
    const { host, hear, send } = setUp();
    send(pattern(10));
    hear(reply());
    expect(send(pattern(20))).toEqual(['ip 20 (to 2)']);
    host.interface.doubt(THERE);
    expect(send(pattern(30))).toEqual(['who-has 10.0.0.2 tell 10.0.0.1 (to 2)', 'ip 30 (to 2)']);
  });

  it('asks a neighbour itself whether its address still holds when it is old [RFC 1122 2.3.2.1]', () => {
    const { host, hear, send, pass } = setUp();
    send(pattern(10));
    hear(reply());
    pass(seconds(61));
    expect(send(pattern(10))).toEqual(['who-has 10.0.0.2 tell 10.0.0.1 (to 2)', 'ip 10 (to 2)']);
    expect(send(pattern(20))).toEqual(['ip 20 (to 2)']);
    hear(reply());
    expect(host.interface.neighbours?.size).toBe(1);
    pass(seconds(10));
    expect(send(pattern(30))).toEqual(['ip 30 (to 2)']);
  });

  it('forgets an old neighbour that does not answer, and asks everyone', () => {
    const { hear, send, pass } = setUp();
    hear(request(THERE), ALL);
    pass(seconds(61));
    send(pattern(10));
    for (let i = 0; i < 3; i++) pass(SECOND);
    expect(send(pattern(10))).toEqual([WHO_HAS]);
  });

  it('drops malformed messages with a reason [RFC 826]', () => {
    const { host } = setUp();
    const short = frameOf(request(THERE), ALL);
    short.tail -= 1;
    const other = frameOf(request(THERE), ALL);
    other.view.setUint16(other.head + 14, 6);
    expect(host.turn(short, other)).toEqual([]);
    expect(host.drops()).toEqual(['PKT_TOO_SMALL', 'UNHANDLED_PROTO']);
  });
});
