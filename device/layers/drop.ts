import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Device, DeviceLayer } from '../../stack/link/device.ts';
import type { Clock } from '../../stack/time.ts';
import type { FrameRule, PassOrDrop } from './frame-rule.ts';
import { LayeredDevice } from './layered-device.ts';

/**
 * A layer that loses frames as `rule` says, in front of any device: how a test over TUN gets its losses. Frames count from 0
 * in each direction; a super-segment is one frame. For tests: frames go out one by one.
 */
export function drop(clock: Clock, rule: FrameRule<PassOrDrop>): DeviceLayer {
  return (inner) => {
    let indexIn = 0;
    let indexOut = 0;
    const passes = (direction: 'in' | 'out', index: number, packet: PacketBuffer): boolean =>
      rule({ index, direction, at: clock.now(), packet }) === 'pass';
    return new LayeredDevice(inner, {
      transmit: (frames) => {
        let taken = 0;
        for (const packet of frames) {
          // A frame that the device refuses keeps its index: the rule is asked again when it is offered again.
          if (passes('out', indexOut, packet) && !sendOne(inner, packet)) break;
          indexOut += 1;
          taken += 1;
        }
        return taken;
      },
      framesArrived: (frames, receiver) => {
        const kept = frames.filter((packet) => passes('in', indexIn++, packet));
        if (kept.length > 0) receiver.framesArrived(kept);
      },
    });
  };
}

function sendOne(inner: Device, packet: PacketBuffer): boolean {
  return inner.transmit([packet]) === 1;
}
