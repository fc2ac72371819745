import { segmentCount, segments } from '../device/segmentation.ts';
import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { FrameSink } from '../stack/link/device.ts';
import type { Instant } from '../stack/time.ts';
import type { PcapngWriter } from './pcapng.ts';

const SCRATCH = 0x1_0000 + 256;

/**
 * Writes frames to a pcapng file as the wire has them: super-segments cut, checksums finished. One interface block a device
 * name. The frames themselves stay as they are.
 */
export class CaptureSink implements FrameSink {
  readonly #writer: PcapngWriter;
  readonly #interfaces: Map<string, number> = new Map();
  #scratch: PacketBuffer | undefined;

  constructor(writer: PcapngWriter) {
    this.#writer = writer;
  }

  /** Writes a frame. Of a super-segment, the first segment going out gets the comments, or the last one coming in. */
  frame(
    at: Instant,
    direction: 'in' | 'out',
    packet: PacketBuffer,
    medium: 'ip' | 'ethernet',
    deviceName: string,
    comments: readonly string[] = [],
  ): void {
    const number = this.#interfaceNumber(deviceName, medium);
    if (packet.segmentSize === 0 && packet.checksum !== 'partial') {
      this.#writer.packet(at, number, direction, packet.bytes, packet.head, packet.tail, comments);
      return;
    }
    let left = segmentCount(packet, medium);
    let first = true;
    const allocate = (headroom: number, size: number): PacketBuffer => this.#empty(headroom + size);
    segments(packet, medium, allocate, (segment) => {
      left -= 1;
      const commented = direction === 'out' ? first : left <= 0;
      first = false;
      this.#writer.packet(
        at,
        number,
        direction,
        segment.bytes,
        segment.head,
        segment.tail,
        commented ? comments : [],
      );
    });
  }

  /** Hands what was gathered to the file. */
  flush(): void {
    this.#writer.flush();
  }

  #interfaceNumber(name: string, medium: 'ip' | 'ethernet'): number {
    const known = this.#interfaces.get(name);
    if (known !== undefined) return known;
    const number = this.#writer.addInterface({ name, medium });
    this.#interfaces.set(name, number);
    return number;
  }

  /** One packet's memory, used again for each segment. */
  #empty(size: number): PacketBuffer {
    if (this.#scratch === undefined || this.#scratch.bytes.length < size) {
      this.#scratch = PacketBuffer.allocate(Math.max(SCRATCH, size));
    }
    this.#scratch.head = 0;
    this.#scratch.tail = 0;
    return this.#scratch;
  }
}
