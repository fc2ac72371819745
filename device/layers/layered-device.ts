import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Device, DeviceReceiver, Offloads } from '../../stack/link/device.ts';

/** What a layer does with the frames; the rest of the device shows through. */
export interface LayerHooks {
  /** Sends a batch through `inner`; returns how many were taken, as `Device.transmit` does. */
  transmit(frames: readonly PacketBuffer[], inner: Device): number;
  /** A batch has come in: hands on to `receiver` what is to go on. */
  framesArrived(frames: readonly PacketBuffer[], receiver: DeviceReceiver): void;
}

/** A device around a device: everything is the inner one's but for the frames, which pass through `hooks`. */
export class LayeredDevice implements Device {
  readonly #inner: Device;
  readonly #hooks: LayerHooks;

  constructor(inner: Device, hooks: LayerHooks) {
    this.#inner = inner;
    this.#hooks = hooks;
  }

  get name(): string {
    return this.#inner.name;
  }

  get medium(): 'ip' | 'ethernet' {
    return this.#inner.medium;
  }

  get mtu(): number {
    return this.#inner.mtu;
  }

  get offloads(): Offloads {
    return this.#inner.offloads;
  }

  get headroom(): number {
    return this.#inner.headroom;
  }

  get receiveQueue(): number | undefined {
    return this.#inner.receiveQueue;
  }

  get onWritable(): (() => void) | undefined {
    return this.#inner.onWritable;
  }

  set onWritable(callback: (() => void) | undefined) {
    this.#inner.onWritable = callback;
  }

  attach(receiver: DeviceReceiver): void {
    this.#inner.attach({
      framesArrived: (frames) => this.#hooks.framesArrived(frames, receiver),
      deviceClosed: (error) => receiver.deviceClosed(error),
    });
  }

  transmit(frames: readonly PacketBuffer[]): number {
    return this.#hooks.transmit(frames, this.#inner);
  }

  hold(keepAlive: boolean): void {
    this.#inner.hold(keepAlive);
  }

  close(): void {
    this.#inner.close();
  }
}
