import { transportOf } from '../device/segmentation.ts';
import { LayeredDevice } from '../device/layers/layered-device.ts';
import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { DeviceLayer } from '../stack/link/device.ts';

/** TCP's protocol number. */
const TCP = 6;
const SYN = 0x02;
const FIN = 0x01;

/** What left of one connection; frames cut, that is: a super-segment counts as what it is on the wire. */
export class SegmentCounter {
  segments: number = 0;
  /** Those with sequence numbers that had left before. */
  retransmissions: number = 0;
  /** One beyond the highest sequence number that left. */
  #highest: number | undefined;

  /** A segment, or super-segment, that leaves. */
  count(packet: PacketBuffer, medium: 'ip' | 'ethernet'): void {
    const layout = transportOf(packet, medium);
    if (layout === undefined || layout.protocol !== TCP) return;
    const { view, segmentSize } = packet;
    const flags = view.getUint8(layout.transport + 13);
    const payload = layout.end - layout.payload;
    const length = payload + ((flags & SYN) === 0 ? 0 : 1) + ((flags & FIN) === 0 ? 0 : 1);
    const pieces = segmentSize > 0 ? Math.max(1, Math.ceil(payload / segmentSize)) : 1;
    this.segments += pieces;
    if (length === 0) return;
    const seq = view.getUint32(layout.transport + 4);
    const old = this.#highest === undefined ? 0 : Math.min(length, (this.#highest - seq) | 0);
    if (old > 0) this.retransmissions += segmentSize > 0 ? Math.ceil(old / segmentSize) : 1;
    if (old < length) this.#highest = (seq + length) >>> 0;
  }
}

/** A layer that counts what goes out, right below the stack. For one connection at a time. */
export function countSegments(counter: SegmentCounter): DeviceLayer {
  return (inner) =>
    new LayeredDevice(inner, {
      transmit: (frames) => {
        const taken = inner.transmit(frames);
        for (const packet of frames.slice(0, taken)) counter.count(packet, inner.medium);
        return taken;
      },
      framesArrived: (frames, receiver) => receiver.framesArrived(frames),
    });
}
