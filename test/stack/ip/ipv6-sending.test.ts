import { describe, expect, it } from 'vitest';
import type { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { FakeDevice, pattern, TestHost } from './support.ts';
import { address6, EXPERIMENT, HERE6, hostWithSink as setUp, Sink, THERE6 } from './support6.ts';

describe('an IPv6 packet that is sent', () => {
  function send(host: TestHost, size: number, more: { dontFragment?: boolean } = {}): PacketBuffer[] {
    const route = host.ip.routes.find(THERE6);
    const packet = route?.interface.allocate(size);
    if (route === undefined || packet === undefined) throw new Error('no route');
    packet.bytes.set(pattern(size), packet.head);
    packet.tail += size;
    host.ip.send(packet, { source: HERE6, destination: THERE6, protocol: EXPERIMENT, ...more }, route);
    return host.turn();
  }

  it('is cut by the sender if it is larger than the MTU, and comes together again [RFC 8200 5]', () => {
    const { host } = setUp();
    const pieces = send(host, 4_000);
    expect(pieces.map(({ length }) => length)).toEqual([1_496, 1_496, 40 + 8 + 4_000 - 2 * 1_448]);
    const receiver = new TestHost({ cidrs: ['2001:db8::2/64'] });
    const sink = new Sink();
    receiver.ip.register(EXPERIMENT, sink);
    receiver.turn(...pieces);
    expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([pattern(4_000)]);
  });

  it('is cut to the path MTU once that is known [RFC 8201 4], and counts on 1,280 bytes in any case [RFC 8200 5]', () => {
    const { host } = setUp();
    host.ip.pathMtu.lower(THERE6, 1_300);
    expect(send(host, 1_300).map(({ length }) => length)).toEqual([1_296, 100]);
    host.ip.pathMtu.lower(THERE6, 600);
    expect(send(host, 1_240).map(({ length }) => length)).toEqual([1_280]);
  });

  it('is cut to the link even if that takes less than IPv6 asks of it', () => {
    const { host } = setUp({}, new FakeDevice('ip', 600));
    expect(send(host, 1_000).map(({ length }) => length)).toEqual([600, 40 + 8 + 1_000 - 552]);
  });

  it('has another identification each time, which cannot be guessed [RFC 7739 5.1]', () => {
    const { host } = setUp();
    const seen = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const [piece] = send(host, 1_600);
      if (piece !== undefined) seen.add(piece.view.getUint32(piece.head + 44));
    }
    expect(seen.size).toBe(50);
  });

  it('is dropped if it may not be cut, or is larger than any can be', () => {
    const { host } = setUp();
    expect(send(host, 1_461, { dontFragment: true })).toEqual([]);
    expect(send(host, 65_536)).toEqual([]);
    expect(host.drops()).toEqual(['PKT_TOO_BIG', 'PKT_TOO_BIG']);
  });

  it('comes back to ourselves, by ::1 and by our own address', () => {
    const { host } = setUp();
    const answered: string[] = [];
    host.ip.icmp.onEchoReply(({ source }) => answered.push(String(source)));
    for (const to of ['::1', '2001:db8::1'])
      host.ip.icmp.ping(address6(to), { identifier: 1, sequence: 1, payload: pattern(5_000) });
    expect(host.turn()).toEqual([]);
    expect(answered).toEqual(['::1', '2001:db8::1']);
  });
});
