import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { NO_OFFLOADS, type Device, type DeviceReceiver, type Offloads } from '../stack/link/device.ts';
import { us, type Duration, type Scheduler } from '../stack/time.ts';
import type { FrameRule } from './layers/frame-rule.ts';
import { WireLane, type WireDirection, type WireSettings } from './wire-lane.ts';

export type { WireDirection };

/** How a wire behaves; each field has a default. */
export interface WireOptions {
  /** The largest IP packet in bytes; 1500. */
  readonly mtu?: number;
  /** How long a frame is on its way: the same both ways, or one for each direction; 0. */
  readonly delay?: Duration | Readonly<Record<WireDirection, Duration>>;
  /** `ip`. */
  readonly medium?: 'ip' | 'ethernet';
  /** Which help the wire gives; none, so that each frame crosses cut and with its checksum, as on a real wire. */
  readonly offloads?: Offloads;
  /** The names of the two devices; `a` and `b`. */
  readonly names?: readonly [string, string];
  /** How many frames may be on their way per direction before `transmit` refuses; no limit. */
  readonly queue?: number;
  /** Decides about each frame; it may change the bytes. */
  readonly onFrame?: FrameRule;
}

/**
 * An in-memory wire between two devices. Frames are copied when they are transmitted, so the sender keeps its memory; what is
 * due at one instant arrives as one batch, in order, never within the call that sent it. Frames to an end that nobody is
 * attached to are lost, as on a cable with nothing plugged in.
 */
export function wire(scheduler: Scheduler, options: WireOptions = {}): [Device, Device] {
  const settings: WireSettings = {
    mtu: options.mtu ?? 1500,
    medium: options.medium ?? 'ip',
    offloads: options.offloads ?? NO_OFFLOADS,
    queue: options.queue,
    onFrame: options.onFrame,
  };
  const { delay = us(0), names = ['a', 'b'] } = options;
  const delays = typeof delay === 'number' ? { 'a→b': delay, 'b→a': delay } : delay;
  const there = new WireLane(scheduler, 'a→b', delays['a→b'], settings);
  const back = new WireLane(scheduler, 'b→a', delays['b→a'], settings);
  return [new WireEnd(names[0], settings, there, back), new WireEnd(names[1], settings, back, there)];
}

/** One end of the wire. */
class WireEnd implements Device {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offloads: Offloads;
  readonly headroom: number = 0;
  readonly receiveQueue: number | undefined;
  readonly #out: WireLane;
  readonly #in: WireLane;
  #closed: boolean = false;

  constructor(name: string, settings: WireSettings, outgoing: WireLane, incoming: WireLane) {
    this.name = name;
    this.medium = settings.medium;
    this.mtu = settings.mtu;
    this.offloads = settings.offloads;
    this.receiveQueue = settings.queue;
    this.#out = outgoing;
    this.#in = incoming;
  }

  get onWritable(): (() => void) | undefined {
    return this.#out.onWritable;
  }

  set onWritable(callback: (() => void) | undefined) {
    this.#out.onWritable = callback;
  }

  attach(receiver: DeviceReceiver): void {
    if (this.#closed) throw new Error(`device ${this.name} is closed: attach to an open one`);
    if (this.#in.receiver !== undefined) throw new Error(`device ${this.name} has a receiver already`);
    this.#in.receiver = receiver;
  }

  transmit(frames: readonly PacketBuffer[]): number {
    return this.#closed ? frames.length : this.#out.transmit(frames);
  }

  hold(keepAlive: boolean): void {
    this.#in.hold(keepAlive);
  }

  close(): void {
    this.#closed = true;
    this.#in.receiver = undefined;
    this.#out.onWritable = undefined;
  }
}
