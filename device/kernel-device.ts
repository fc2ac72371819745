import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS, type Offloads } from '../stack/link/device.ts';
import { DeviceError, explainDeviceFailure, type Subject } from './device-error.ts';
import { KernelInterface } from './kernel-interface.ts';
import { type Channel, type ChannelCounters, nativeAddon } from './native-addon.ts';
import { namespacePath } from './namespace.ts';
import { emitVirtioHeader, parseVirtioHeader, virtioHeaderSize } from './virtio.ts';

/** How a TUN or TAP interface is opened. What is left out stays as the kernel has it. */
export interface KernelDeviceOptions {
  /** The interface's name, at most 15 bytes; `demo%d` lets the kernel count. Left out, the kernel chooses. */
  readonly name?: string | undefined;
  /** The kernel's own address or addresses on the interface with prefix length: `10.0.0.1/24`, `fd00::1/64`. */
  readonly address?: string | readonly string[] | undefined;
  /** The largest IP packet in bytes; 1500 if the kernel has its way. */
  readonly mtu?: number | undefined;
  /** A name that `ip netns` shows, or a path such as `/proc/PID/ns/net`: where the interface is to live. */
  readonly networkNamespace?: string | undefined;
  /** Super-segments and checksums left to the kernel, as far as it takes them (`true`). */
  readonly offload?: boolean | undefined;
  /** How many packets the kernel keeps for us before it drops (4,000). */
  readonly transmitQueueLength?: number | undefined;
  /** Whether to bring the interface up (`true`). */
  readonly up?: boolean | undefined;
}

/** Packets in one batch at most. */
const BATCH = 1_024;
/** Room for one batch: about 70 super-segments, or 1,024 packets of MTU 1500. */
const RING_BYTES = 4 * 1_024 * 1_024;
/**
 * Frames handed up at once: what they bring (ACKs, window) leaves after each such part, not after a full ring, which may take longer
 * than the peer's retransmission timeout.
 */
const PART = 64;
/** Packets that the kernel keeps for us unless the caller says otherwise: ACKs for our own bursts share the queue with data. */
const QUEUE_LENGTH = 4_000;
/** The longest that the kernel hands over: an IP packet of 65,535 bytes, headers for Ethernet with VLAN tags and virtio. */
const LONGEST = 65_535 + 14 + 8 + 12;

/** A TUN or TAP interface of this machine's kernel. */
export class KernelDevice implements Device {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offloads: Offloads;
  readonly headroom: number;
  readonly receiveQueue: number | undefined;
  onWritable: (() => void) | undefined = undefined;
  /** The other side of the interface. */
  readonly kernelSide: KernelInterface;
  readonly #channel: Channel;
  #receiver: DeviceReceiver | undefined;
  readonly #writes: Int32Array = new Int32Array(2 * BATCH);

  /** Opens and configures the interface. @throws DeviceError */
  constructor(medium: 'ip' | 'ethernet', options: KernelDeviceOptions) {
    const subject: Subject = {
      kind: medium === 'ip' ? 'TUN' : 'TAP',
      name: options.name ?? '',
      networkNamespace: options.networkNamespace,
    };
    checkName(subject.name);
    const channel = openChannel(medium, options, subject);
    this.#channel = channel;
    this.kernelSide = new KernelInterface(channel, subject);
    this.name = channel.name;
    this.medium = medium;
    this.headroom = channel.headerSize;
    const { checksumOffload: checksum, tso4, tso6 } = channel;
    this.offloads = channel.headerSize === 0 ? NO_OFFLOADS : { checksum, tso4, tso6 };
    try {
      configure(this.kernelSide, options);
      this.mtu = this.kernelSide.mtu;
      this.receiveQueue = this.offloads.tso4 ? undefined : this.kernelSide.queueLength;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Packets that the kernel would not give or take since the device was opened. */
  get counters(): ChannelCounters {
    return this.#channel.counters();
  }

  attach(receiver: DeviceReceiver): void {
    if (this.#receiver !== undefined)
      throw new Error(`device ${this.name} has a receiver already: open another one`);
    this.#receiver = receiver;
    const ring = new Uint8Array(RING_BYTES);
    const view = new DataView(ring.buffer);
    const places = new Int32Array(2 * BATCH);
    const packets = Array.from({ length: BATCH }, () => new PacketBuffer(ring, view, 0, 0));
    this.#channel.start(
      ring,
      places,
      LONGEST,
      (count) => this.#batchArrived(packets, places, count),
      () => this.onWritable?.(),
      (errno) => this.#gone(errno),
    );
  }

  transmit(frames: readonly PacketBuffer[]): number {
    let sent = 0;
    while (sent < frames.length) {
      const bytes = frames[sent]?.bytes;
      if (bytes === undefined) break;
      const run = this.#layOut(frames, sent, bytes);
      const taken = this.#channel.write(bytes, this.#writes, run);
      sent += taken;
      if (taken < run) break;
    }
    return sent;
  }

  /** Stops reading or goes on; the kernel keeps up to `receiveQueue` packets meanwhile. */
  pause(paused: boolean): void {
    this.#channel.pause(paused);
  }

  hold(keepAlive: boolean): void {
    this.#channel.hold(keepAlive);
  }

  close(): void {
    this.#channel.close();
  }

  /** Notes the frames from `first` on that lie in the same memory, for one system call loop; returns how many. */
  #layOut(frames: readonly PacketBuffer[], first: number, bytes: Uint8Array): number {
    const headroom = this.headroom;
    let count = 0;
    while (count < BATCH) {
      const frame = frames[first + count];
      if (frame === undefined || frame.bytes !== bytes) break;
      if (frame.head < headroom) {
        throw new RangeError(
          `device ${this.name} wants ${headroom} bytes of headroom, a frame has ${frame.head}`,
        );
      }
      if (headroom > 0) emitVirtioHeader(frame, headroom, this.medium);
      this.#writes[2 * count] = frame.head - headroom;
      this.#writes[2 * count + 1] = frame.tail - frame.head + headroom;
      count += 1;
    }
    return count;
  }

  #batchArrived(packets: readonly PacketBuffer[], places: Int32Array, count: number): void {
    const headroom = this.headroom;
    for (let index = 0; index < count; index += 1) {
      const frame = packets[index];
      const offset = places[2 * index];
      const length = places[2 * index + 1];
      if (frame === undefined || offset === undefined || length === undefined) continue;
      frame.head = offset + headroom;
      frame.tail = offset + length;
      // A receiver may have changed these on the frame that was here before.
      frame.checksum = 'complete';
      frame.segmentSize = 0;
      if (headroom > 0) parseVirtioHeader(frame, offset);
    }
    for (let from = 0; from < count; from += PART) {
      this.#receiver?.framesArrived(packets.slice(from, Math.min(from + PART, count)));
    }
  }

  #gone(errno: number): void {
    const message = `The interface '${this.name}' was removed by the system (errno ${errno}): open a new device.`;
    this.#receiver?.deviceClosed(new DeviceError('ERR_TUN_CLOSED', message));
  }
}

function openChannel(medium: 'ip' | 'ethernet', options: KernelDeviceOptions, subject: Subject): Channel {
  const { Channel } = nativeAddon();
  try {
    return new Channel({
      ethernet: medium === 'ethernet',
      name: subject.name,
      namespacePath: namespacePath(options.networkNamespace),
      offload: options.offload ?? true,
      udpSegmentation: false,
      headerSize: virtioHeaderSize(medium),
    });
  } catch (error) {
    throw explainDeviceFailure(error, subject);
  }
}

/** Only what differs is changed, so that an interface which root has made ready can be used without privileges. */
function configure(kernelSide: KernelInterface, options: KernelDeviceOptions): void {
  const { address = [], mtu, transmitQueueLength, up = true } = options;
  if (transmitQueueLength === undefined) lengthenQueue(kernelSide);
  if (mtu !== undefined && kernelSide.mtu !== mtu) kernelSide.mtu = mtu;
  if (transmitQueueLength !== undefined && kernelSide.queueLength !== transmitQueueLength) {
    kernelSide.queueLength = transmitQueueLength;
  }
  const wanted = typeof address === 'string' ? [address] : address;
  const present = wanted.length === 0 ? [] : kernelSide.addresses;
  for (const each of wanted) if (!present.includes(each)) kernelSide.addAddress(each);
  if (up && !kernelSide.isUp) kernelSide.isUp = true;
}

/** Does without where it may not: an interface that root has made ready is used as it is. */
function lengthenQueue(kernelSide: KernelInterface): void {
  if (kernelSide.queueLength >= QUEUE_LENGTH) return;
  try {
    kernelSide.queueLength = QUEUE_LENGTH;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
  }
}

function checkName(name: string): void {
  if (name === '') return;
  const tooLong = new TextEncoder().encode(name).length > 15;
  if (!tooLong && !/[/\s:\0]/.test(name) && name !== '.' && name !== '..') return;
  const message = `'${name}' cannot name an interface: use at most 15 bytes without slash, colon or space.`;
  throw new DeviceError('ERR_TUN_NAME', message);
}
