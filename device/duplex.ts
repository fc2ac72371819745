import type { Duplex } from 'node:stream';
import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS, type Offloads } from '../stack/link/device.ts';

/** What a Duplex does not say of itself. */
export interface DuplexDeviceOptions {
  /** What each chunk is: an IP packet (the default) or an Ethernet frame. */
  readonly medium?: 'ip' | 'ethernet' | undefined;
  /** For traces; the Duplex's own `name` if it has one. */
  readonly name?: string | undefined;
  /** The largest IP packet in bytes; the Duplex's own `mtu` if it has one, otherwise 1500. */
  readonly mtu?: number | undefined;
}

/** A `tuntap2` device has these; other streams may. */
interface PacketDuplex extends Duplex {
  readonly name?: unknown;
  readonly mtu?: unknown;
  ref?(): unknown;
  unref?(): unknown;
}

/**
 * A device over a Duplex that carries one packet in each chunk, both ways: a `tuntap2` interface, or one end of any tunnel.
 * Reads from the moment it is attached; stops taking frames while the Duplex is over its high-water mark.
 */
export function deviceFromDuplex(duplex: Duplex, options: DuplexDeviceOptions = {}): Device {
  return new DuplexDevice(duplex, options);
}

class DuplexDevice implements Device {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offloads: Offloads = NO_OFFLOADS;
  readonly headroom: number = 0;
  readonly receiveQueue: undefined = undefined;
  onWritable: (() => void) | undefined = undefined;
  readonly #duplex: PacketDuplex;
  #receiver: DeviceReceiver | undefined;
  /** Packets that came in this turn of the event loop. */
  #arrived: PacketBuffer[] = [];
  #full: boolean = false;
  #closed: boolean = false;

  constructor(duplex: PacketDuplex, options: DuplexDeviceOptions) {
    this.#duplex = duplex;
    this.name = options.name ?? (typeof duplex.name === 'string' ? duplex.name : 'duplex');
    this.medium = options.medium ?? 'ip';
    this.mtu = options.mtu ?? (typeof duplex.mtu === 'number' ? duplex.mtu : 1_500);
  }

  attach(receiver: DeviceReceiver): void {
    if (this.#receiver !== undefined)
      throw new Error(`device ${this.name} has a receiver already: make another one`);
    this.#receiver = receiver;
    this.#duplex.on('drain', () => this.#drained());
    this.#duplex.on('error', (error: Error) => this.#gone(error));
    this.#duplex.on('close', () => this.#gone());
    this.#duplex.on('end', () => this.#gone());
    this.#duplex.on('data', (chunk: unknown) => this.#chunkArrived(chunk));
    // Streams that were destroyed before say nothing any more.
    if (this.#duplex.destroyed) process.nextTick(() => this.#gone());
  }

  transmit(frames: readonly PacketBuffer[]): number {
    // Nobody waits for a device that is gone.
    if (this.#closed || !this.#duplex.writable) return frames.length;
    let sent = 0;
    for (const frame of frames) {
      if (this.#full) break;
      // A copy: the stream may keep the chunk, the caller uses the memory again.
      this.#full = !this.#duplex.write(Buffer.from(frame.contents()));
      sent += 1;
    }
    return sent;
  }

  hold(keepAlive: boolean): void {
    if (keepAlive) this.#duplex.ref?.();
    else this.#duplex.unref?.();
  }

  close(): void {
    this.#closed = true;
    this.#arrived = [];
    this.#duplex.destroy();
  }

  #chunkArrived(chunk: unknown): void {
    if (this.#closed) return;
    if (!(chunk instanceof Uint8Array)) {
      const error = new TypeError(`device ${this.name}: a chunk is no Buffer; set no encoding on the Duplex`);
      this.#gone(error);
      this.#duplex.destroy();
      return;
    }
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // Not the chunk itself: a Buffer's `slice` shares memory where a Uint8Array's copies.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#arrived.push(new PacketBuffer(bytes, view, 0, bytes.length));
    // A stream hands over all that it has in one go; the stack wants that as one batch.
    if (this.#arrived.length === 1) process.nextTick(() => this.#deliver());
  }

  #deliver(): void {
    const frames = this.#arrived;
    this.#arrived = [];
    if (frames.length > 0) this.#receiver?.framesArrived(frames);
  }

  #drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.onWritable?.();
  }

  #gone(error?: Error): void {
    if (this.#closed) return;
    this.#deliver();
    this.#closed = true;
    this.#receiver?.deviceClosed(error);
  }
}
