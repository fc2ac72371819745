import { transportOf } from '../../device/segmentation.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Host } from '../../stack/host.ts';
import type { FrameEvent, SegmentEvent } from '../../stack/trace.ts';
import type { DropReason } from '../../stack/drop-reasons.ts';
import { type IpAddress, isIPv4 } from '../../stack/wire/address.ts';
import { parse as parseIcmpv6 } from '../../stack/wire/icmpv6.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_TCP, parse as parseIPv4 } from '../../stack/wire/ipv4.ts';
import { IPV6_HEADER_LENGTH, parse as parseIPv6 } from '../../stack/wire/ipv6.ts';
import { type TcpHeader, parse, verifyChecksum } from '../../stack/wire/tcp.ts';
import type { Breach } from './breach.ts';

/** EtherTypes of IPv4 and IPv6. */
const IP_TYPES: readonly number[] = [0x0800, 0x86dd];
/** Segments that may wait for their frames (for a neighbour, a device). */
const MOST_PENDING = 4096;

/** What a host puts on the wire is what it meant (invariant 8). */
export class FrameCheck {
  readonly #host: Host;
  readonly #breach: Breach;
  readonly #pending: SegmentEvent[] = [];

  constructor(host: Host, breach: Breach) {
    this.#host = host;
    this.#breach = breach;
  }

  /** A segment is about to leave. */
  meant(event: SegmentEvent): void {
    this.#pending.push(event);
    if (this.#pending.length > MOST_PENDING) this.#pending.shift();
  }

  /** A frame leaves. */
  frame(event: FrameEvent): void {
    if (event.device === 'lo') return;
    const { bytes, head, tail, medium } = event;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const packet = new PacketBuffer(bytes, view, head + (medium === 'ethernet' ? 14 : 0), tail);
    if (medium === 'ethernet' && !IP_TYPES.includes(view.getUint16(head + 12))) return;
    const header = readHeader(packet);
    if (typeof header === 'string') return this.#broken(`its own IP header does not parse: ${header}`);
    if (header.totalLength !== packet.length)
      this.#broken(`the IP header says ${header.totalLength} bytes, the frame has ${packet.length}`);
    this.#checkSize(event, packet.length);
    this.#checkIcmp6(packet, header);
    const layout = transportOf(packet, 'ip');
    if (layout?.protocol !== PROTOCOL_TCP) return;
    const segment = new PacketBuffer(bytes, view, layout.transport, layout.end);
    const tcp = parse(segment);
    if (typeof tcp === 'string') return this.#broken(`its own TCP header does not parse: ${tcp}`);
    if (!event.partialChecksum && !verifyChecksum(segment, header.source, header.destination))
      this.#broken('the TCP checksum is wrong');
    this.#checkMeaning(tcp, layout.end - layout.payload);
  }

  #checkSize(event: FrameEvent, length: number): void {
    const mtu = this.#host.ip.interfaces.find(({ device }) => device.name === event.device)?.mtu;
    if (mtu === undefined) return;
    // Of a super-segment the pieces have to fit; 120 bytes are the largest headers.
    const largest = event.segmentSize > 0 ? Math.min(length, event.segmentSize + 40) : length;
    if (largest > mtu) this.#broken(`a packet of ${largest} bytes for an MTU of ${mtu}`);
  }

  #checkIcmp6(packet: PacketBuffer, { source, destination, protocol }: Header): void {
    if (protocol !== PROTOCOL_ICMPV6 || isIPv4(source) || isIPv4(destination)) return;
    const body = new PacketBuffer(packet.bytes, packet.view, packet.head + IPV6_HEADER_LENGTH, packet.tail);
    const parsed = parseIcmpv6(body, source, destination);
    if (typeof parsed === 'string') this.#broken(`its own ICMPv6 message does not parse: ${parsed}`);
  }

  #checkMeaning(tcp: TcpHeader, length: number): void {
    const index = this.#pending.findIndex((event) => isSame(event, tcp, length));
    const [meant] = index < 0 ? [] : this.#pending.splice(index, 1);
    if (meant === undefined)
      this.#broken(`a segment left that nobody meant: seq ${tcp.seq} ack ${tcp.ack ?? '-'} length ${length}`);
  }

  #broken(what: string): void {
    this.#breach(8, [this.#host.name], what);
  }
}

/** What the check needs of an IP header of either version. */
interface Header {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  readonly totalLength: number;
}

function readHeader(packet: PacketBuffer): Header | DropReason {
  if (packet.length === 0 || packet.view.getUint8(packet.head) >>> 4 !== 6) return parseIPv4(packet);
  const header = parseIPv6(packet);
  if (typeof header === 'string') return header;
  const { source, destination, nextHeader: protocol, payloadLength } = header;
  return { source, destination, protocol, totalLength: IPV6_HEADER_LENGTH + payloadLength };
}

function isSame({ header, length: meantLength }: SegmentEvent, tcp: TcpHeader, length: number): boolean {
  return (
    header.seq === tcp.seq &&
    header.ack === tcp.ack &&
    meantLength === length &&
    header.sourcePort === tcp.sourcePort &&
    header.destinationPort === tcp.destinationPort &&
    header.window === tcp.window &&
    header.syn === tcp.syn &&
    header.fin === tcp.fin &&
    header.rst === tcp.rst &&
    header.psh === tcp.psh &&
    header.options.mss === tcp.options.mss &&
    header.options.windowScale === tcp.options.windowScale &&
    header.options.timestamps?.value === tcp.options.timestamps?.value &&
    header.options.timestamps?.echo === tcp.options.timestamps?.echo
  );
}
