import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { seconds } from '../../../stack/time.ts';
import { packetOf, pattern } from './support.ts';
import {
  address6,
  EXPERIMENT,
  extension,
  fragmentOf,
  fragments6,
  HERE6,
  hostWithSink as setUp,
  open6,
  openIcmp6,
  packet6,
  THERE6,
} from './support6.ts';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const OPTIONS = 60;
const DATA = pattern(24);
const chain = (...headers: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from([...headers.flat(), ...DATA]);

describe('an IPv6 packet that arrives', () => {
  it('goes to its protocol with what the header says [RFC 8200 3]', () => {
    const { host, sink } = setUp();
    expect(host.turn(packet6(DATA, { hopLimit: 3, trafficClass: 0x2b }))).toEqual([]);
    expect(sink.arrived).toHaveLength(1);
    expect(sink.arrived[0]?.bytes).toEqual(DATA);
    expect(sink.arrived[0]?.meta).toMatchObject({ ttl: 3, tos: 0x2b, source: THERE6, destination: HERE6 });
  });

  it('is dropped if its lengths contradict each other, and cut off behind its payload length [RFC 8200 3]', () => {
    const { host, sink } = setUp();
    const short = packet6(DATA);
    short.tail -= 1;
    const padded = packet6(DATA);
    const longer = PacketBuffer.copyOf(Uint8Array.from([...padded.contents(), 1, 2, 3]));
    host.turn(short, longer);
    expect(host.drops()).toEqual(['PKT_TOO_SMALL']);
    expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([DATA]);
  });

  it.each([
    ['B5 a multicast source', { source: address6('ff02::1') }, 'IP_INVALID_SOURCE'],
    ['B5 the loopback address as source', { source: address6('::1') }, 'IP_INVALID_SOURCE'],
    ['B5 our own address as source', { source: HERE6 }, 'IP_INVALID_SOURCE'],
    [
      'B5 a v4-mapped source [RFC 4291 2.5.5.2]',
      { source: address6('::ffff:10.0.0.2') },
      'IP_INVALID_SOURCE',
    ],
    ['B5 no source, but for ICMPv6 [RFC 4291 2.5.2]', { source: address6('::') }, 'IP_INVALID_SOURCE'],
    ['B5 the loopback address as destination', { destination: address6('::1') }, 'OTHERHOST'],
    ['B5 a v4-mapped destination', { destination: address6('::ffff:10.0.0.1') }, 'OTHERHOST'],
    ['somebody else as destination', { destination: address6('2001:db8::7') }, 'OTHERHOST'],
    ['a group that we are not in', { destination: address6('ff02::fb') }, 'OTHERHOST'],
    ['the solicited-node group of others', { destination: address6('ff02::1:ff00:7') }, 'OTHERHOST'],
  ])('is dropped silently with %s', (_, header, reason) => {
    const { host, sink } = setUp();
    expect(host.turn(packet6(DATA, header))).toEqual([]);
    expect(host.drops()).toEqual([reason]);
    expect(sink.arrived).toEqual([]);
  });

  it.each(['ff02::1', 'ff02::1:ff00:1'])('is taken at the group %s [RFC 4291 2.8]', (group) => {
    const { host, sink } = setUp();
    host.turn(packet6(DATA, { destination: address6(group) }));
    expect(sink.arrived[0]?.meta.broadcast).toBe(true);
  });

  it('of a protocol that is not known is answered with a parameter problem at the byte that names it [RFC 8200 4]', () => {
    const { host } = setUp();
    const [plain] = host.turn(packet6(DATA, { nextHeader: 254 }));
    expect(openIcmp6(plain).message).toEqual({ type: 'parameter-problem', code: 1, pointer: 6 });
    const [behind] = host.turn(packet6(chain(extension(254)), { nextHeader: OPTIONS }));
    expect(openIcmp6(behind).message).toEqual({ type: 'parameter-problem', code: 1, pointer: 40 });
  });

  it('has no IPv4 protocol of IPv6, and no IPv6 protocol of IPv4', () => {
    const { host } = setUp();
    host.turn(packet6(DATA, { nextHeader: 1 }), packetOf(DATA, { protocol: 58 }));
    expect(host.drops()).toEqual(['UNHANDLED_PROTO', 'UNHANDLED_PROTO']);
  });
});

describe('extension headers', () => {
  it('are walked in any order to the protocol behind them [RFC 8200 4.1]', () => {
    const { host, sink } = setUp();
    const bytes = chain(
      extension(OPTIONS),
      extension(ROUTING),
      extension(OPTIONS, [0, 0]),
      extension(EXPERIMENT),
    );
    host.turn(packet6(bytes, { nextHeader: HOP_BY_HOP }));
    expect(host.drops()).toEqual([]);
    expect(sink.arrived[0]?.bytes).toEqual(DATA);
  });

  it('B11 are at most eight, or as many as the setting says', () => {
    const headers = (count: number): PacketBuffer =>
      packet6(
        chain(...Array.from({ length: count }, (_, i) => extension(i + 1 < count ? OPTIONS : EXPERIMENT))),
        { nextHeader: OPTIONS },
      );
    const { host, sink } = setUp();
    expect(host.turn(headers(8), headers(9))).toEqual([]);
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR']);
    expect(sink.arrived).toHaveLength(1);
    const strict = setUp({ ip: { extensionHeaders: 2 } });
    strict.host.turn(headers(2), headers(3));
    expect(strict.host.drops()).toEqual(['IPV6_BAD_EXTHDR']);
  });

  it('B11 hop-by-hop options anywhere but first are like an unknown protocol [RFC 8200 4]', () => {
    const { host } = setUp();
    const [error] = host.turn(
      packet6(chain(extension(HOP_BY_HOP), extension(EXPERIMENT)), { nextHeader: OPTIONS }),
    );
    expect(openIcmp6(error).message).toEqual({ type: 'parameter-problem', code: 1, pointer: 40 });
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR']);
  });

  it.each([
    ['00: skipped', 0x05, undefined, undefined],
    ['01: dropped silently', 0x45, 'IPV6_BAD_EXTHDR', undefined],
    ['10: dropped and reported', 0x85, 'IPV6_BAD_EXTHDR', 42],
    ['11: dropped and reported', 0xc5, 'IPV6_BAD_EXTHDR', 42],
  ])('B11 an unknown option with the highest bits %s [RFC 8200 4.2]', (_, type, reason, pointer) => {
    const { host, sink } = setUp();
    const sent = host.turn(packet6(chain(extension(EXPERIMENT, [type, 2, 0, 0])), { nextHeader: OPTIONS }));
    expect(host.drops()).toEqual(reason === undefined ? [] : [reason]);
    expect(sink.arrived).toHaveLength(reason === undefined ? 1 : 0);
    if (pointer === undefined) expect(sent).toEqual([]);
    else expect(openIcmp6(sent[0]).message).toEqual({ type: 'parameter-problem', code: 2, pointer });
  });

  it('B11 an unknown option to a group is reported for 10 and not for 11 [RFC 8200 4.2; RFC 4443 2.4 (e.3)]', () => {
    const { host } = setUp();
    const to = (type: number): PacketBuffer =>
      packet6(chain(extension(EXPERIMENT, [type, 2, 0, 0])), {
        nextHeader: OPTIONS,
        destination: address6('ff02::1'),
      });
    expect(host.turn(to(0xc5))).toEqual([]);
    const [error] = host.turn(to(0x85));
    const { header, message } = openIcmp6(error);
    expect(message).toEqual({ type: 'parameter-problem', code: 2, pointer: 42 });
    expect(header.source).toEqual(HERE6);
  });

  it('B11 options that run over the end of their header are dropped [RFC 8200 4.2]', () => {
    const { host } = setUp();
    expect(host.turn(packet6(chain(extension(EXPERIMENT, [1, 9])), { nextHeader: OPTIONS }))).toEqual([]);
    const cut = packet6(Uint8Array.from(extension(EXPERIMENT)).slice(0, 7), { nextHeader: OPTIONS });
    const long = packet6(chain(extension(EXPERIMENT).with(1, 200)), { nextHeader: OPTIONS });
    expect(host.turn(cut, long)).toEqual([]);
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR', 'IPV6_BAD_EXTHDR', 'IPV6_BAD_EXTHDR']);
  });

  it('B11 a routing header of type 0 with segments left is refused at its type, without any it is passed over [RFC 5095 3; RFC 8200 4.4]', () => {
    const { host, sink } = setUp();
    const routing = (segmentsLeft: number): PacketBuffer =>
      packet6(chain(extension(EXPERIMENT, [0, segmentsLeft], 3)), { nextHeader: ROUTING });
    const [error] = host.turn(routing(1));
    expect(openIcmp6(error).message).toEqual({ type: 'parameter-problem', code: 0, pointer: 42 });
    expect(sink.arrived).toHaveLength(0);
    host.turn(routing(0));
    expect(sink.arrived).toHaveLength(1);
  });

  it('B11 a payload length of 0 has room for no header: jumbograms are not taken [RFC 8200 4.3; RFC 2675 3]', () => {
    const { host } = setUp();
    const jumbo = packet6(chain(extension(EXPERIMENT, [0xc2, 4, 0, 1, 0, 0])), { nextHeader: HOP_BY_HOP });
    jumbo.view.setUint16(jumbo.head + 4, 0);
    expect(host.turn(jumbo)).toEqual([]);
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR']);
    // With a length, the jumbo option is one that is not known.
    const known = packet6(chain(extension(EXPERIMENT, [0xc2, 4, 0, 1, 0, 0])), { nextHeader: HOP_BY_HOP });
    expect(openIcmp6(host.turn(known)[0]).message).toMatchObject({ code: 2, pointer: 42 });
  });

  it('end with "no next header" without an answer [RFC 8200 4.7]', () => {
    const { host } = setUp();
    expect(host.turn(packet6(DATA, { nextHeader: 59 }))).toEqual([]);
    expect(host.drops()).toEqual(['UNHANDLED_PROTO']);
  });
});

describe('IPv6 fragments that arrive', () => {
  it('make the packet again in any order, and the fragment header is gone [RFC 8200 4.5]', () => {
    const data = pattern(3_000);
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const { host, sink } = setUp();
      const pieces = fragments6(data, [1_000, 2_400]);
      for (const i of order) {
        const piece = pieces[i];
        if (piece !== undefined) host.turn(piece);
      }
      expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([data]);
      expect(host.ip.reassembly.memory).toBe(0);
    }
  });

  it('keep the headers of the first one, and what they name is walked then [RFC 8200 4.5]', () => {
    const { host, sink } = setUp();
    const inner = Uint8Array.from([...extension(EXPERIMENT), ...pattern(100)]);
    const outer = extension(44);
    for (const piece of fragments6(inner, [48], { protocol: OPTIONS })) {
      const bytes = Uint8Array.from([...outer, ...open6(piece).payload.contents()]);
      host.turn(packet6(bytes, { nextHeader: OPTIONS }));
    }
    expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([pattern(100)]);
    expect(host.drops()).toEqual([]);
  });

  it('A15 that overlap drop the whole packet, and those still to come, without an answer [RFC 8200 4.5; RFC 5722 4]', () => {
    const { host, sink } = setUp();
    const data = pattern(160);
    const sent = host.turn(
      fragmentOf(data.slice(0, 80), 0, true),
      fragmentOf(data.slice(40, 120), 40, true),
      fragmentOf(data.slice(80), 80, false),
      fragmentOf(data.slice(0, 80), 0, true),
    );
    expect(sent).toEqual([]);
    expect(sink.arrived).toEqual([]);
    expect(host.drops()).toEqual(['FRAG_TOO_FAR', 'FRAG_TOO_FAR', 'FRAG_TOO_FAR']);
  });

  it('A15 that are exact copies are ignored [RFC 8200 4.5]', () => {
    const { host, sink } = setUp();
    const [first, second] = fragments6(pattern(160), [80]);
    const [copy] = fragments6(pattern(160), [80]);
    if (first === undefined || second === undefined || copy === undefined) throw new Error('no fragments');
    host.turn(first, copy, second);
    expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([pattern(160)]);
  });

  it('A15 an atomic fragment is a whole by itself, whatever waits under its identification [RFC 6946 4]', () => {
    const { host, sink } = setUp();
    const [first, second] = fragments6(pattern(160), [80]);
    if (first === undefined || second === undefined) throw new Error('no fragments');
    host.turn(first, fragmentOf(DATA, 0, false), second);
    expect(sink.arrived.map(({ bytes }) => bytes)).toEqual([DATA, pattern(160)]);
    expect(host.drops()).toEqual([]);
  });

  it('A11 with a length that is no multiple of 8 are refused at the payload length, beyond 65,535 at the offset [RFC 8200 4.5]', () => {
    const { host } = setUp();
    const [odd] = host.turn(fragmentOf(pattern(81), 0, true));
    expect(openIcmp6(odd).message).toEqual({ type: 'parameter-problem', code: 0, pointer: 4 });
    const [far] = host.turn(fragmentOf(pattern(80), 65_528, false));
    expect(openIcmp6(far).message).toEqual({ type: 'parameter-problem', code: 0, pointer: 42 });
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR', 'FRAG_TOO_FAR']);
    expect(host.ip.reassembly.size).toBe(0);
  });

  it('B11 a first one without the upper header is refused [RFC 8200 4.5; RFC 7112 5]', () => {
    const { host } = setUp();
    const [error] = host.turn(fragmentOf(pattern(8), 0, true, { protocol: 6 }));
    expect(openIcmp6(error).message).toEqual({ type: 'parameter-problem', code: 3, pointer: 0 });
    const [inside] = host.turn(
      fragmentOf(Uint8Array.from(extension(6).with(1, 9)), 0, true, { protocol: 60 }),
    );
    expect(openIcmp6(inside).message).toEqual({ type: 'parameter-problem', code: 3, pointer: 0 });
  });

  it('wait 60 s; then the sender of the first is told with the fragment as it came [RFC 8200 4.5]', () => {
    const { host } = setUp();
    const first = fragmentOf(pattern(80), 0, true);
    const quoted = first.contents().slice();
    host.turn(first, fragmentOf(pattern(80), 80, true, { identification: 8 }));
    expect(host.pass(seconds(59))).toEqual([]);
    const sent = host.pass(seconds(1));
    expect(sent).toHaveLength(1); // of identification 8 the first is missing
    const { message, body } = openIcmp6(sent[0]);
    expect(message).toEqual({ type: 'time-exceeded', code: 1 });
    expect(body).toEqual(quoted);
    expect(host.drops()).toEqual(['FRAG_REASM_TIMEOUT', 'FRAG_REASM_TIMEOUT']);
    expect(host.ip.reassembly.memory).toBe(0);
  });

  it('A14 hold no more than the settings say, in memory and per source network, whatever comes', () => {
    const { host } = setUp({ ip: { reassemblyMemory: 256 * 1024 } });
    let most = 0;
    for (let i = 0; i < 5_000; i++) {
      const source = address6(`2001:db8:${(i % 500).toString(16)}::2`);
      host.turn(fragmentOf(pattern(1_200), 0, true, { identification: i, header: { source } }));
      most = Math.max(most, host.ip.reassembly.memory);
    }
    expect(most).toBeLessThanOrEqual(256 * 1024);
    const alone = setUp();
    for (let i = 0; i < 1_000; i++) {
      const source = address6(`2001:db8:5::${i.toString(16)}`);
      alone.host.turn(fragmentOf(pattern(8), 8, true, { identification: i, header: { source } }));
    }
    expect(alone.host.ip.reassembly.size).toBe(64);
    // The control: a whole packet still gets through.
    for (const piece of fragments6(pattern(160), [80])) alone.host.turn(piece);
    expect(alone.sink.arrived).toHaveLength(1);
  });

  it('carry congestion of one fragment over to the packet [RFC 3168 5.3]', () => {
    const { host, sink } = setUp();
    const [first, second] = fragments6(pattern(160), [80], { header: { trafficClass: 0b10 } });
    if (first === undefined || second === undefined) throw new Error('no fragments');
    second.view.setUint8(second.head + 1, second.view.getUint8(second.head + 1) | 0x30);
    host.turn(first, second);
    expect((sink.arrived[0]?.meta.tos ?? 0) & 3).toBe(3);
  });
});
