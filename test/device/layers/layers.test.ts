import { describe, expect, it } from 'vitest';
import { capture } from '../../../device/layers/capture.ts';
import { count, DeviceCounters } from '../../../device/layers/counters.ts';
import { drop } from '../../../device/layers/drop.ts';
import { LayeredDevice } from '../../../device/layers/layered-device.ts';
import { wire, type WireOptions } from '../../../device/wire.ts';
import { dropFrames, rules } from '../../../sim/rules.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Device, DeviceLayer } from '../../../stack/link/device.ts';
import { us } from '../../../stack/time.ts';

function frame(first: number, length: number = 1): PacketBuffer {
  const packet = PacketBuffer.allocate(length);
  packet.tail = length;
  packet.bytes[0] = first;
  return packet;
}

/** A wire whose end `a` has `layer` around it; `heardByA` and `heardByB` are the first bytes of the frames. */
function world(
  layer: (clock: VirtualClock) => DeviceLayer,
  options: WireOptions = {},
): { clock: VirtualClock; a: Device; b: Device; heardByA: number[]; heardByB: number[] } {
  const clock = new VirtualClock();
  const [inner, b] = wire(clock, { delay: us(10), names: ['left', 'right'], ...options });
  const a = layer(clock)(inner);
  const heardByA: number[] = [];
  const heardByB: number[] = [];
  for (const [device, heard] of [
    [a, heardByA],
    [b, heardByB],
  ] as const) {
    device.attach({
      framesArrived: (frames) => heard.push(...frames.map(({ bytes, head }) => bytes[head] ?? -1)),
      deviceClosed: () => undefined,
    });
  }
  return { clock, a, b, heardByA, heardByB };
}

describe('a layer', () => {
  it('shows the inner device through in everything but the frames', () => {
    const calls: string[] = [];
    let attached: Parameters<Device['attach']>[0] | undefined;
    const inner: Device = {
      name: 'inner',
      medium: 'ethernet',
      mtu: 1234,
      offloads: { checksum: true, tso4: true, tso6: false },
      headroom: 12,
      receiveQueue: 500,
      attach: (receiver) => {
        attached = receiver;
      },
      transmit: (frames) => frames.length - 1,
      onWritable: undefined,
      hold: (keepAlive) => calls.push(`hold ${keepAlive}`),
      close: () => calls.push('close'),
    };
    const outer = count(new DeviceCounters())(inner);
    const shown = [outer.name, outer.medium, outer.mtu, outer.offloads, outer.headroom, outer.receiveQueue];
    expect(shown).toEqual(['inner', 'ethernet', 1234, inner.offloads, 12, 500]);
    const writable = (): void => undefined;
    outer.onWritable = writable;
    expect([inner.onWritable, outer.onWritable]).toEqual([writable, writable]);
    expect(outer.transmit([frame(1), frame(2)])).toBe(1);
    outer.hold(false);
    outer.attach({
      framesArrived: () => undefined,
      deviceClosed: (error) => calls.push(`closed: ${error?.message}`),
    });
    attached?.deviceClosed(new Error('unplugged'));
    outer.close();
    expect(calls).toEqual(['hold false', 'closed: unplugged', 'close']);
    expect(outer).toBeInstanceOf(LayeredDevice);
  });
});

describe('the capture layer', () => {
  it('shows each frame once, with its time, direction, medium and device', () => {
    const seen: string[] = [];
    const sink = {
      frame: (
        ...[at, direction, packet, medium, name]: Parameters<Parameters<typeof capture>[1]['frame']>
      ) => {
        seen.push(`${at} ${direction} ${packet.bytes[packet.head]} ${medium} ${name}`);
      },
    };
    const { clock, a, b, heardByA, heardByB } = world((c) => capture(c, sink), { queue: 2 });
    expect(a.transmit([frame(1), frame(2), frame(3)])).toBe(2);
    b.transmit([frame(9)]);
    clock.run();
    a.transmit([frame(3)]);
    clock.run();
    expect(seen).toEqual(['0 out 1 ip left', '0 out 2 ip left', '10 in 9 ip left', '10 out 3 ip left']);
    expect(heardByA).toEqual([9]);
    expect(heardByB).toEqual([1, 2, 3]);
  });
});

describe('the counting layer', () => {
  it('counts frames, bytes, batches, super-segments and refusals', () => {
    const counters = new DeviceCounters();
    const offloads = { checksum: true, tso4: true, tso6: true };
    const { clock, a, b } = world(() => count(counters), { queue: 3, offloads });
    const large = frame(0, 4000);
    large.segmentSize = 1400;
    expect(a.transmit([frame(1, 100), large])).toBe(2);
    expect(a.transmit([frame(2), frame(3), frame(4)])).toBe(1);
    expect(a.transmit([frame(3)])).toBe(0);
    b.transmit([frame(5, 7), frame(6, 8)]);
    clock.run();
    expect({ ...counters.out }).toEqual({
      frames: 3,
      bytes: 4101,
      batches: 2,
      superSegments: 1,
      refused: 3,
    });
    expect({ ...counters.in }).toEqual({ frames: 2, bytes: 15, batches: 1, superSegments: 0, refused: 0 });
  });
});

describe('the dropping layer', () => {
  it('loses the frames that its rule names, in and out', () => {
    const lostOut = dropFrames('out', [1]);
    const lostIn = dropFrames('in', [0, 2]);
    const { clock, a, b, heardByA, heardByB } = world((c) => drop(c, rules(lostOut, lostIn)));
    expect(a.transmit([frame(1), frame(2), frame(3)])).toBe(3);
    b.transmit([frame(4), frame(5), frame(6)]);
    clock.run();
    expect(heardByB).toEqual([1, 3]);
    expect(heardByA).toEqual([5]);
    lostOut.assertFired(1);
    lostIn.assertFired(2);
  });

  it('counts a refused frame when it is taken, so that no index is used twice', () => {
    const lost = dropFrames('out', [0, 3]);
    const { clock, a, heardByB } = world((c) => drop(c, rules(lost)), { queue: 2 });
    expect(a.transmit([1, 2, 3, 4, 5, 6].map((first) => frame(first)))).toBe(4);
    expect(a.transmit([5, 6].map((first) => frame(first)))).toBe(0);
    clock.run();
    expect(a.transmit([5, 6].map((first) => frame(first)))).toBe(2);
    clock.run();
    expect(heardByB).toEqual([2, 3, 5, 6]);
    lost.assertFired(2);
  });
});
