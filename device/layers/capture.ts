import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { DeviceLayer } from '../../stack/link/device.ts';
import type { Clock, Instant } from '../../stack/time.ts';
import { LayeredDevice } from './layered-device.ts';

/** Gets every frame that passes a device. */
export interface FrameSink {
  /** `packet` and its bytes are valid during the call only; a super-segment comes uncut, as the device gets or gave it. */
  frame(
    at: Instant,
    direction: 'in' | 'out',
    packet: PacketBuffer,
    medium: 'ip' | 'ethernet',
    deviceName: string,
  ): void;
}

/** A layer that shows each frame to `sink`: coming in before the stack sees it, going out once the device has taken it. */
export function capture(clock: Clock, sink: FrameSink): DeviceLayer {
  return (inner) =>
    new LayeredDevice(inner, {
      transmit: (frames) => {
        const taken = inner.transmit(frames);
        const at = clock.now();
        for (let index = 0; index < taken; index++) {
          const packet = frames[index];
          if (packet !== undefined) sink.frame(at, 'out', packet, inner.medium, inner.name);
        }
        return taken;
      },
      framesArrived: (frames, receiver) => {
        const at = clock.now();
        for (const packet of frames) sink.frame(at, 'in', packet, inner.medium, inner.name);
        receiver.framesArrived(frames);
      },
    });
}
