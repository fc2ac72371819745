import type { DeviceLayer, FrameSink } from '../../stack/link/device.ts';
import type { Clock } from '../../stack/time.ts';
import { LayeredDevice } from './layered-device.ts';

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
