import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Device, DeviceReceiver } from '../../stack/link/device.ts';

/** Counts of what a peer saw, for tests to look at. */
export interface Seen {
  frames: number;
  batches: number;
  largest: number;
  readonly segmentSizes: number[];
  readonly checksums: Set<string>;
  closedWith: Error | undefined;
}

/** A receiver that counts, and then hands each frame to `take`. */
export function counting(take: (frame: PacketBuffer) => void = () => {}): {
  seen: Seen;
  receiver: DeviceReceiver;
} {
  const seen: Seen = {
    frames: 0,
    batches: 0,
    largest: 0,
    segmentSizes: [],
    checksums: new Set(),
    closedWith: undefined,
  };
  const receiver: DeviceReceiver = {
    framesArrived(frames) {
      seen.batches += 1;
      for (const frame of frames) {
        seen.frames += 1;
        seen.largest = Math.max(seen.largest, frame.length);
        if (frame.segmentSize > 0) seen.segmentSizes.push(frame.segmentSize);
        seen.checksums.add(frame.checksum);
        take(frame);
      }
    },
    deviceClosed(error) {
      seen.closedWith = error;
    },
  };
  return { seen, receiver };
}

/** The Internet checksum's sum, not yet complemented, over an even number of bytes. */
function sum(view: DataView, from: number, to: number, start: number = 0): number {
  let total = start;
  for (let at = from; at < to; at += 2) total += view.getUint16(at);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** Turns an ICMP echo request into its reply, in place; false if the frame (from its IP header at `ip`) is none. */
export function replyToEcho(frame: PacketBuffer, ip: number): boolean {
  const { bytes, view } = frame;
  const version = view.getUint8(ip) >> 4;
  const [size, from, icmp] = version === 4 ? [4, ip + 12, ip + 20] : [16, ip + 8, ip + 40];
  const protocol = view.getUint8(version === 4 ? ip + 9 : ip + 6);
  const request = version === 4 ? 8 : 128;
  if (protocol !== (version === 4 ? 1 : 58) || view.getUint8(icmp) !== request) return false;
  const source = bytes.slice(from, from + size);
  bytes.copyWithin(from, from + size, from + 2 * size);
  bytes.set(source, from + size);
  // 8 becomes 0 and 128 becomes 129: the checksum changes by as much, the other way.
  const change = version === 4 ? 0x0800 : 0xfeff;
  view.setUint8(icmp, version === 4 ? 0 : 129);
  const checksum = view.getUint16(icmp + 2) + change;
  view.setUint16(icmp + 2, (checksum & 0xffff) + (checksum >>> 16));
  return true;
}

const SYN = 2;
const ACK = 16;
const WINDOW = 60_000;

/**
 * The smallest TCP that a kernel talks to, over IPv4 on a TUN device: no retransmission, no closing, everything
 * acknowledged. Checksums are left to the device, so it needs one with offloads.
 */
export class TinyTcp {
  readonly seen: Seen;
  received: number = 0;
  acknowledged: number = 0;
  readonly #device: Device;
  readonly #address: number;
  #peer: number = 0;
  #port: number;
  #peerPort: number = 0;
  #next: number = 1_000;
  #expected: number = 0;

  /** `address` as one number: 10.0.0.2 is 0x0a000002. */
  constructor(device: Device, address: number, port: number) {
    this.#device = device;
    this.#address = address;
    this.#port = port;
    const { seen, receiver } = counting((frame) => this.#frameArrived(frame));
    this.seen = seen;
    device.attach(receiver);
  }

  connect(peer: number, port: number): void {
    this.#peer = peer;
    this.#peerPort = port;
    this.#send(SYN, 0, 0);
    this.#next += 1;
  }

  /** Sends a super-segment of `size` zeros, to be cut into segments of `segmentSize`. */
  sendSuperSegment(size: number, segmentSize: number): void {
    this.#send(ACK, size, segmentSize);
    this.#next += size;
  }

  #frameArrived(frame: PacketBuffer): void {
    const { view, head } = frame;
    if (view.getUint8(head) !== 0x45 || view.getUint8(head + 9) !== 6) return;
    const tcp = head + 20;
    const flags = view.getUint8(tcp + 13);
    this.#peer = view.getUint32(head + 12);
    this.#peerPort = view.getUint16(tcp);
    const payload = frame.tail - tcp - (view.getUint8(tcp + 12) >> 4) * 4;
    if ((flags & ACK) !== 0) this.acknowledged = view.getUint32(tcp + 8) - 1_001;
    this.#expected = (view.getUint32(tcp + 4) + payload + ((flags & SYN) !== 0 ? 1 : 0)) >>> 0;
    this.received += payload;
    if (flags === SYN) {
      this.#send(SYN | ACK, 0, 0);
      this.#next += 1;
    } else if (payload > 0 || (flags & SYN) !== 0) {
      this.#send(ACK, 0, 0);
    }
  }

  #send(flags: number, size: number, segmentSize: number): void {
    const options = (flags & SYN) !== 0 ? 8 : 0;
    const packet = PacketBuffer.allocate(this.#device.headroom + 40 + options + size, this.#device.headroom);
    packet.tail = packet.head + 40 + options + size;
    const { view, head } = packet;
    const tcp = head + 20;
    view.setUint16(head, 0x4500);
    view.setUint16(head + 2, packet.length);
    view.setUint16(head + 6, 0x4000);
    view.setUint16(head + 8, 0x4006);
    view.setUint32(head + 12, this.#address);
    view.setUint32(head + 16, this.#peer);
    view.setUint16(head + 10, ~sum(view, head, tcp) & 0xffff);
    view.setUint16(tcp, this.#port);
    view.setUint16(tcp + 2, this.#peerPort);
    view.setUint32(tcp + 4, this.#next);
    view.setUint32(tcp + 8, flags === SYN ? 0 : this.#expected);
    view.setUint16(tcp + 12, ((20 + options) << 10) | flags);
    view.setUint16(tcp + 14, WINDOW);
    // MSS 1460; the window is to be taken times 16.
    if (options > 0) view.setUint32(tcp + 20, 0x020405b4);
    if (options > 0) view.setUint32(tcp + 24, 0x01030304);
    view.setUint16(tcp + 16, sum(view, head + 12, tcp, 6 + packet.tail - tcp));
    packet.checksum = 'partial';
    packet.segmentSize = segmentSize;
    this.#device.transmit([packet]);
  }
}
