import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { copyPacket } from '../../stack/link/copy-packet.ts';
import {
  type Device,
  type DeviceLayer,
  type DeviceReceiver,
  NO_OFFLOADS,
  type Offloads,
} from '../../stack/link/device.ts';
import type { Scheduler } from '../../stack/time.ts';
import { FaultPlan } from '../plan.ts';
import type { Impairments } from './impairments.ts';
import { Lane, type LaneWorld } from './lane.ts';
import type { LinkEvent } from './link-event.ts';
import type { RuleHandle } from './rule.ts';

/** What a layer with impairments is made with. */
export interface ImpairLayerOptions {
  readonly scheduler: Scheduler;
  readonly seed: number | string;
  /** What leaves the stack, and what comes to it. */
  readonly out?: Impairments;
  readonly in?: Impairments;
  readonly rules?: readonly RuleHandle[];
  readonly plan?: FaultPlan;
  /** Hears what the layer does. */
  readonly emit?: (event: LinkEvent) => void;
}

/**
 * The impairments of a link as a layer in front of any device, such as a TUN: the same code, the same dice. `a→b` is out of the stack.
 * Whatever waits in the layer when the device refuses it is lost, as on a real wire.
 */
export function impair(options: ImpairLayerOptions): DeviceLayer {
  const { scheduler, seed, plan = new FaultPlan(), rules = [], emit = () => undefined } = options;
  const world: LaneWorld = { scheduler, seed, plan, emit };
  return (inner) => {
    const lane = (direction: 'a→b' | 'b→a', impairments: Impairments = {}): Lane =>
      new Lane(world, inner.name, direction, inner.medium, rules, impairments);
    const out = lane('a→b', options.out);
    const incoming = lane('b→a', options.in);
    out.sendBack = (packet) => incoming.inject(packet);
    incoming.sendBack = (packet) => out.inject(packet);
    out.receiver = {
      // With the room in front that the device asks for.
      framesArrived: (frames) =>
        void inner.transmit(frames.map((frame) => copyPacket(frame, inner.headroom))),
      deviceClosed: () => undefined,
    };
    return new ImpairedDevice(inner, out, incoming);
  };
}

class ImpairedDevice implements Device {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  /** Frames cross the layer one by one, cut and with their checksums. */
  readonly offloads: Offloads = NO_OFFLOADS;
  readonly headroom: number = 0;
  readonly receiveQueue: number | undefined;
  /** Never called: the layer takes everything. */
  onWritable: (() => void) | undefined;
  readonly #inner: Device;
  readonly #out: Lane;
  readonly #incoming: Lane;

  constructor(inner: Device, out: Lane, incoming: Lane) {
    this.name = inner.name;
    this.medium = inner.medium;
    this.mtu = inner.mtu;
    this.receiveQueue = inner.receiveQueue;
    this.#inner = inner;
    this.#out = out;
    this.#incoming = incoming;
  }

  attach(receiver: DeviceReceiver): void {
    this.#incoming.receiver = receiver;
    this.#inner.attach({
      framesArrived: (frames) => void transmitAll(this.#incoming, frames),
      deviceClosed: (error) => receiver.deviceClosed(error),
    });
  }

  transmit(frames: readonly PacketBuffer[]): number {
    return transmitAll(this.#out, frames);
  }

  hold(keepAlive: boolean): void {
    this.#inner.hold(keepAlive);
  }

  close(): void {
    this.#incoming.receiver = undefined;
    this.#inner.close();
  }
}

function transmitAll(lane: Lane, frames: readonly PacketBuffer[]): number {
  for (const frame of frames) lane.transmit(frame);
  return frames.length;
}
