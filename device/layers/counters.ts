import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { DeviceLayer } from '../../stack/link/device.ts';
import { LayeredDevice } from './layered-device.ts';

/** What passed in one direction. */
export class DirectionCounters {
  frames: number = 0;
  bytes: number = 0;
  /** Calls that carried frames. */
  batches: number = 0;
  /** Frames that stand for several on the wire. */
  superSegments: number = 0;
  /** Times that a frame was refused (a frame offered again and refused again counts twice); going out only. */
  refused: number = 0;

  /** Counts the first `taken` of `frames`. */
  count(frames: readonly PacketBuffer[], taken: number): void {
    this.refused += frames.length - taken;
    if (taken === 0) return;
    this.batches += 1;
    this.frames += taken;
    for (let index = 0; index < taken; index++) {
      const packet = frames[index];
      if (packet === undefined) continue;
      this.bytes += packet.length;
      if (packet.segmentSize > 0) this.superSegments += 1;
    }
  }
}

/** What passed a device; both sides start at 0. */
export class DeviceCounters {
  readonly in: DirectionCounters = new DirectionCounters();
  readonly out: DirectionCounters = new DirectionCounters();
}

/** A layer that counts into `counters`. */
export function count(counters: DeviceCounters): DeviceLayer {
  return (inner) =>
    new LayeredDevice(inner, {
      transmit: (frames) => {
        const taken = inner.transmit(frames);
        counters.out.count(frames, taken);
        return taken;
      },
      framesArrived: (frames, receiver) => {
        counters.in.count(frames, frames.length);
        receiver.framesArrived(frames);
      },
    });
}
