/** What the tests of IPv6 share: addresses, packets by hand, and what is in packets that left. */
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { IpMeta, Transport } from '../../../stack/ip/ip.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import { type IPv6Address, parseIPv6 } from '../../../stack/wire/address.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import * as ipv6 from '../../../stack/wire/ipv6.ts';
import { emitFragment } from '../../../stack/wire/ipv6-extensions.ts';
import { FakeDevice, TestHost } from './support.ts';

export function address6(text: string): IPv6Address {
  const parsed = parseIPv6(text);
  if (parsed === undefined) throw new Error(`no IPv6 address: ${text}`);
  return parsed;
}

export const HERE6: IPv6Address = address6('2001:db8::1');
export const THERE6: IPv6Address = address6('2001:db8::2');
/** A protocol for experiments [RFC 3692]. */
export const EXPERIMENT = 253;

export type Header6 = Partial<ipv6.IPv6HeaderToEmit>;

/** An IPv6 packet from THERE6 to HERE6, protocol 253, unless said otherwise. */
export function packet6(payload: Uint8Array, header: Header6 = {}): PacketBuffer {
  const packet = PacketBuffer.copyOf(payload, 100);
  const still = { trafficClass: 0, flowLabel: 0, nextHeader: EXPERIMENT, hopLimit: 64 };
  ipv6.emit({ source: THERE6, destination: HERE6, ...still, ...header }, packet);
  return packet;
}

export function icmp6Of(message: icmpv6.Icmpv6Message, body: Uint8Array, header: Header6 = {}): PacketBuffer {
  const packet = PacketBuffer.copyOf(body, 8);
  icmpv6.emit(message, packet, header.source ?? THERE6, header.destination ?? HERE6);
  return packet6(packet.contents(), { nextHeader: 58, ...header });
}

/** An extension header of `8 * units` bytes: `content` behind the first two, zeros (padding) behind that. */
export function extension(nextHeader: number, content: readonly number[] = [], units: number = 1): number[] {
  const bytes = [nextHeader, units - 1, ...content];
  return [...bytes, ...Array.from({ length: 8 * units - bytes.length }, () => 0)];
}

/** A fragment of a packet of `protocol`, identification 7 unless said otherwise. */
export function fragmentOf(
  payload: Uint8Array,
  fragmentOffset: number,
  moreFragments: boolean,
  options: { readonly identification?: number; readonly protocol?: number; readonly header?: Header6 } = {},
): PacketBuffer {
  const packet = PacketBuffer.copyOf(payload, 8);
  const { identification = 7, protocol: nextHeader = EXPERIMENT, header = {} } = options;
  emitFragment({ nextHeader, fragmentOffset, moreFragments, identification }, packet);
  return packet6(packet.contents(), { nextHeader: 44, ...header });
}

/** A packet cut as `cuts` say: payload offsets (multiples of 8) where a new fragment begins. */
export function fragments6(
  payload: Uint8Array,
  cuts: readonly number[],
  options: Parameters<typeof fragmentOf>[3] = {},
): PacketBuffer[] {
  const begins = [0, ...cuts];
  return begins.map((begin, i) => {
    const end = begins[i + 1] ?? payload.length;
    return fragmentOf(payload.slice(begin, end), begin, end < payload.length, options);
  });
}

/** The header and payload of an IPv6 packet; throws if it is none. */
export function open6(packet: PacketBuffer | undefined): { header: ipv6.IPv6Header; payload: PacketBuffer } {
  if (packet === undefined) throw new Error('no packet');
  const header = ipv6.parse(packet);
  if (typeof header === 'string') throw new Error(header);
  const at = packet.head + ipv6.IPV6_HEADER_LENGTH;
  return { header, payload: new PacketBuffer(packet.bytes, packet.view, at, at + header.payloadLength) };
}

/** The ICMPv6 message in an IPv6 packet, and its body; throws if it is none. */
export function openIcmp6(packet: PacketBuffer | undefined): {
  header: ipv6.IPv6Header;
  message: icmpv6.Icmpv6Message;
  body: Uint8Array;
} {
  const { header, payload } = open6(packet);
  const parsed = icmpv6.parse(payload, header.source, header.destination);
  if (typeof parsed === 'string') throw new Error(parsed);
  const { message, bodyAt, bodyLength } = parsed;
  return { header, message, body: payload.bytes.slice(bodyAt, bodyAt + bodyLength) };
}

/** What came to protocol 253. */
export class Sink implements Transport {
  readonly arrived: { bytes: Uint8Array; meta: IpMeta }[] = [];

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    this.arrived.push({ bytes: packet.contents().slice(), meta });
  }

  icmpError(): void {}
}

/** A host with 2001:db8::1 and 10.0.0.1, and a sink for protocol 253. */
export function hostWithSink(
  changes: SettingsChanges = {},
  device: FakeDevice = new FakeDevice(),
): { readonly host: TestHost; readonly sink: Sink } {
  const host = new TestHost({ cidrs: ['2001:db8::1/64', '10.0.0.1/24'], changes, device });
  const sink = new Sink();
  host.ip.register(EXPERIMENT, sink);
  return { host, sink };
}
