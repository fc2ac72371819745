import { Duplex } from 'node:stream';
import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { DeviceReceiver } from '../stack/link/device.ts';
import { KernelDevice } from './kernel-device.ts';

/** Packets that may wait on either side of the stream. */
const HIGH_WATER_MARK = 1_024;

/** Which interface a `Tun` or `Tap` opens. */
export interface TunTapOptions {
  /** At most 15 bytes; left out, the kernel chooses. */
  readonly name?: string | undefined;
  /** A name that `ip netns` shows, or a path. */
  readonly networkNamespace?: string | undefined;
}

/**
 * An interface of the kernel as a Node stream in the shape of the package `tuntap2`: each chunk read or written is one
 * packet. Opened down and without addresses; properties ask or tell the kernel at each access and throw `DeviceError`s.
 * Streams are in object mode, so that packets keep their borders however they are read.
 */
class KernelStream extends Duplex implements DeviceReceiver {
  readonly #device: KernelDevice;
  #attached: boolean = false;

  constructor(medium: 'ip' | 'ethernet', options: TunTapOptions) {
    super({ objectMode: true, highWaterMark: HIGH_WATER_MARK });
    const { name, networkNamespace } = options;
    this.#device = new KernelDevice(medium, { name, networkNamespace, offload: false, up: false });
  }

  get name(): string {
    return this.#device.name;
  }

  /** The largest IP packet, in bytes. */
  get mtu(): number {
    return this.#device.kernelSide.mtu;
  }
  set mtu(bytes: number) {
    this.#device.kernelSide.mtu = bytes;
  }

  /** The kernel's IPv4 address on the interface with its prefix length, `10.0.0.1/24`; setting it replaces the one before. */
  get ipv4(): string | undefined {
    return this.#device.kernelSide.firstAddress(4);
  }
  set ipv4(address: string) {
    this.#device.kernelSide.replaceAddress(address);
  }

  /** The same for IPv6, `fd00::1/64`; link-local addresses are left to the kernel. */
  get ipv6(): string | undefined {
    return this.#device.kernelSide.firstAddress(6);
  }
  set ipv6(address: string) {
    this.#device.kernelSide.replaceAddress(address);
  }

  get isUp(): boolean {
    return this.#device.kernelSide.isUp;
  }
  set isUp(up: boolean) {
    this.#device.kernelSide.isUp = up;
  }

  /** The kernel's Ethernet address, `02:00:00:00:00:01`; empty for a TUN. */
  get mac(): string {
    return this.#device.kernelSide.mac;
  }
  set mac(address: string) {
    this.#device.kernelSide.mac = address;
  }

  /** Gives the interface up; it vanishes unless it is persistent. Twice is fine. */
  release(): void {
    this.destroy();
  }

  /** The open stream keeps the process alive (so it is at first). */
  ref(): this {
    this.#device.hold(true);
    return this;
  }

  /** The open stream does not keep the process alive. */
  unref(): this {
    this.#device.hold(false);
    return this;
  }

  /** Part of `DeviceReceiver`. */
  framesArrived(frames: readonly PacketBuffer[]): void {
    let wanted = true;
    for (const frame of frames) wanted = this.push(Buffer.from(frame.contents()));
    if (!wanted) this.#device.pause(true);
  }

  /** Part of `DeviceReceiver`. */
  deviceClosed(error?: Error): void {
    this.destroy(error);
  }

  override _read(): void {
    if (this.#attached) {
      this.#device.pause(false);
      return;
    }
    this.#attached = true;
    this.#device.attach(this);
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send([chunk], done);
  }

  override _writev(chunks: { readonly chunk: unknown }[], done: (error?: Error) => void): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#device.close();
    done(error);
  }

  #send(chunks: readonly unknown[], done: (error?: Error) => void): void {
    const packets: PacketBuffer[] = [];
    for (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) {
        done(new TypeError(`${this.name} takes packets as Buffers, one in each write`));
        return;
      }
      packets.push(
        new PacketBuffer(
          chunk,
          new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength),
          0,
          chunk.length,
        ),
      );
    }
    this.#sendFrom(packets, 0, done);
  }

  #sendFrom(packets: readonly PacketBuffer[], first: number, done: (error?: Error) => void): void {
    const sent = first + this.#device.transmit(first === 0 ? packets : packets.slice(first));
    if (sent === packets.length) {
      done();
      return;
    }
    // Readiness is heard only once the device is attached.
    if (!this.#attached) this._read();
    this.#device.onWritable = () => {
      this.#device.onWritable = undefined;
      this.#sendFrom(packets, sent, done);
    };
  }
}

/** A TUN interface as a stream of IP packets. */
export class Tun extends KernelStream {
  constructor(options: TunTapOptions = {}) {
    super('ip', options);
  }
}

/** A TAP interface as a stream of Ethernet frames. */
export class Tap extends KernelStream {
  constructor(options: TunTapOptions = {}) {
    super('ethernet', options);
  }
}
