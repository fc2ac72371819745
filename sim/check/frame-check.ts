import { transportOf } from '../../device/segmentation.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Host } from '../../stack/host.ts';
import type { FrameEvent, SegmentEvent } from '../../stack/trace.ts';
import { PROTOCOL_TCP, parse as parseIPv4 } from '../../stack/wire/ipv4.ts';
import { type TcpHeader, parse, verifyChecksum } from '../../stack/wire/tcp.ts';
import type { Breach } from './breach.ts';

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
    if (medium === 'ethernet' && view.getUint16(head + 12) !== 0x0800) return;
    const header = parseIPv4(packet);
    if (typeof header === 'string') return this.#broken(`its own IP header does not parse: ${header}`);
    if (header.totalLength !== packet.length)
      this.#broken(`the IP header says ${header.totalLength} bytes, the frame has ${packet.length}`);
    this.#checkSize(event, packet.length);
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
