import { copyPacket } from '../../stack/link/copy-packet.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS, type Offloads } from '../../stack/link/device.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Scheduler } from '../../stack/time.ts';
import { Lane, type LaneWorld } from '../../sim/link/lane.ts';
import type { Impairments } from '../../sim/link/impairments.ts';
import { FaultPlan } from '../../sim/plan.ts';

/** What leads out of a crossing on the senders' side: a device of the kernel's, or our own host. */
export interface Branch {
  /** The last-but-one byte of its IPv4 address: 10.77.BRANCH.1. */
  readonly number: number;
  readonly device: Device;
}

/** Counts what crosses, by the branch it comes from: payload and all, in bytes, and packets lost before the bottleneck. */
export interface Crossed {
  bytes: number;
  packets: number;
}

/**
 * Several senders' devices on one bottleneck towards one receiver's device, in real time: the lanes of the simulation with the
 * system's clock. Packets go back by their destination.
 */
export class Crossing {
  readonly crossed: Map<number, Crossed> = new Map();
  lost: number = 0;
  readonly #forward: Lane;

  constructor(
    scheduler: Scheduler,
    branches: readonly Branch[],
    receiver: Device,
    there: Impairments,
    back: Impairments,
  ) {
    const world: LaneWorld = {
      scheduler,
      seed: 1,
      plan: new FaultPlan(),
      emit: (event) => {
        if (event.type === 'link-loss') this.lost += 1;
      },
    };
    this.#forward = new Lane(world, 'bottleneck', 'a→b', 'ip', [], there);
    const backward = new Lane(world, 'bottleneck', 'b→a', 'ip', [], back);
    this.#forward.receiver = {
      framesArrived: (frames) => {
        for (const frame of frames) this.#count(frame);
        void receiver.transmit(frames.map((frame) => copyPacket(frame, receiver.headroom)));
      },
      deviceClosed: () => undefined,
    };
    backward.receiver = {
      framesArrived: (frames) => {
        for (const { number, device } of branches) {
          const own = frames.filter((frame) => byteAt(frame, 18) === number);
          if (own.length > 0) void device.transmit(own.map((frame) => copyPacket(frame, device.headroom)));
        }
      },
      deviceClosed: () => undefined,
    };
    receiver.attach(intoLane(backward));
    for (const { device } of branches) device.attach(intoLane(this.#forward));
  }

  /** Packets that came to the bottleneck. */
  get entered(): number {
    return this.#forward.entered;
  }

  #count(frame: PacketBuffer): void {
    const branch = byteAt(frame, 14);
    const count = this.crossed.get(branch) ?? { bytes: 0, packets: 0 };
    count.bytes += frame.length;
    count.packets += 1;
    this.crossed.set(branch, count);
  }
}

function byteAt(frame: PacketBuffer, offset: number): number {
  return frame.bytes[frame.head + offset] ?? 0;
}

function intoLane(lane: Lane): DeviceReceiver {
  return {
    framesArrived: (frames) => {
      for (const frame of frames) lane.transmit(frame);
    },
    deviceClosed: () => undefined,
  };
}

/** Two ends of a wire without delay, for a host of ours that is a branch. */
export class PlainWire implements Device {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet' = 'ip';
  readonly mtu: number = 1500;
  readonly offloads: Offloads = NO_OFFLOADS;
  readonly headroom: number = 0;
  readonly receiveQueue: number | undefined = undefined;
  onWritable: (() => void) | undefined;
  #receiver: DeviceReceiver | undefined;
  #other: PlainWire | undefined;

  constructor(name: string) {
    this.name = name;
  }

  static pair(): readonly [PlainWire, PlainWire] {
    const [one, other] = [new PlainWire('here'), new PlainWire('there')];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  attach(receiver: DeviceReceiver): void {
    this.#receiver = receiver;
  }

  transmit(frames: readonly PacketBuffer[]): number {
    this.#other?.arrived(frames);
    return frames.length;
  }

  /** Frames from the other end; valid during the call only, like those of any device. */
  arrived(frames: readonly PacketBuffer[]): void {
    this.#receiver?.framesArrived(frames);
  }

  hold(): void {}

  close(): void {}
}
