import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { Instant } from '../time.ts';

/** What a device takes off the stack's hands. */
export interface Offloads {
  /** Finishes transport checksums that are marked `partial`, and marks those it vouches for. */
  readonly checksum: boolean;
  /** Takes TCP super-segments over IPv4 (up to 65,535 bytes of IP packet) and cuts them. */
  readonly tso4: boolean;
  /** The same over IPv6. */
  readonly tso6: boolean;
}

/** A device without help: every packet leaves as it will be on the wire. */
export const NO_OFFLOADS: Offloads = { checksum: false, tso4: false, tso6: false };

/** Gets what a device received. */
export interface DeviceReceiver {
  /**
   * A batch of frames, oldest first. Frames and their bytes are valid until the call returns; who wants to keep one copies.
   */
  framesArrived(frames: readonly PacketBuffer[]): void;
  /** The device is gone (unplugged, closed by the system); no frame will come or go any more. */
  deviceClosed(error?: Error): void;
}

/** Where frames come from and go to: a TUN or TAP device, one end of an in-memory wire, a packet Duplex, or a layer. */
export interface Device {
  readonly name: string;
  /** `ip`: frames begin with the IP header. `ethernet`: with the Ethernet header. */
  readonly medium: 'ip' | 'ethernet';
  /** The largest IP packet in bytes, super-segments aside. */
  readonly mtu: number;
  readonly offloads: Offloads;
  /** Bytes that the device wants in front of each frame it is given (a virtio header, say). */
  readonly headroom: number;
  /** How many packets the device's queue towards us holds, if known: bounds the window we offer (`performance.md`). */
  readonly receiveQueue: number | undefined;
  /** Starts delivery to `receiver`; a device has one. */
  attach(receiver: DeviceReceiver): void;
  /**
   * Sends a batch, oldest first, and returns how many it took; the rest was refused for now (`writable` will be called).
   * It has read the bytes before it returns, so that the caller may use the memory again.
   */
  transmit(frames: readonly PacketBuffer[]): number;
  /** Called once by the device when it has room again after it refused frames. */
  onWritable: (() => void) | undefined;
  /** Whether the open device keeps the process alive (`true` at first). */
  hold(keepAlive: boolean): void;
  /** Stops delivery and gives the device up; twice is fine. */
  close(): void;
}

/** Wraps a device in another one: capture, impairment, counters. */
export type DeviceLayer = (inner: Device) => Device;

/** Gets every frame that passes a device. */
export interface FrameSink {
  /** `packet` and its bytes are valid during the call only; a super-segment comes uncut, as the device gets or gave it. */
  frame(
    at: Instant,
    direction: 'in' | 'out',
    packet: PacketBuffer,
    medium: 'ip' | 'ethernet',
    deviceName: string,
  ): void;
}
