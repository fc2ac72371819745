import { transportOf } from '../../device/segmentation.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import { type IpAddress, readIPv4, readIPv6 } from '../../stack/wire/address.ts';
import { PROTOCOL_TCP } from '../../stack/wire/ipv4.ts';
import { type TcpHeader, parse } from '../../stack/wire/tcp.ts';
import type { LinkDirection } from './link-event.ts';

/** A packet as rules and predicates see it. It is read when it is asked for, from the bytes as they are then. */
export class PacketView {
  /** How many entered this direction before it: 0 and up. */
  readonly index: number;
  readonly direction: LinkDirection;
  readonly at: Instant;
  /** The bytes, for the time of the call. */
  readonly packet: PacketBuffer;
  readonly medium: 'ip' | 'ethernet';

  constructor(
    index: number,
    direction: LinkDirection,
    at: Instant,
    packet: PacketBuffer,
    medium: 'ip' | 'ethernet',
  ) {
    this.index = index;
    this.direction = direction;
    this.at = at;
    this.packet = packet;
    this.medium = medium;
  }

  /** Length of the frame in bytes. */
  get length(): number {
    return this.packet.length;
  }

  /** The TCP header; undefined if this is none, or broken. */
  get tcp(): TcpHeader | undefined {
    const layout = transportOf(this.packet, this.medium);
    if (layout?.protocol !== PROTOCOL_TCP) return undefined;
    const { bytes, view } = this.packet;
    const header = parse(new PacketBuffer(bytes, view, layout.transport, layout.end));
    return typeof header === 'string' ? undefined : header;
  }

  /** The payload of TCP or UDP, for the time of the call; empty if there is none. */
  get payload(): Uint8Array {
    const layout = transportOf(this.packet, this.medium);
    return layout === undefined ? EMPTY : this.packet.bytes.subarray(layout.payload, layout.end);
  }

  /** Where it comes from; undefined if it is no IP. */
  get source(): IpAddress | undefined {
    return this.#address(0);
  }

  /** Where it goes. */
  get destination(): IpAddress | undefined {
    return this.#address(1);
  }

  /** `data 8761:10221 ack 1`, `SYN`, `ICMP or other, 56 bytes`: for people. */
  describe(): string {
    const tcp = this.tcp;
    if (tcp === undefined) return `no TCP, ${this.length} bytes`;
    const { length } = this.payload;
    const flags = [tcp.syn && 'SYN', tcp.fin && 'FIN', tcp.rst && 'RST'].filter((flag) => flag !== false);
    const what = length > 0 ? ['data', ...flags] : flags.length > 0 ? flags : ['ACK'];
    const ack = tcp.ack === undefined ? '' : ` ack ${tcp.ack}`;
    return `${what.join(',')} seq ${tcp.seq}${length > 0 ? ` length ${length}` : ''}${ack}`;
  }

  #address(which: 0 | 1): IpAddress | undefined {
    const { view, head, tail } = this.packet;
    const ip = this.medium === 'ip' ? head : head + 14;
    if (ip + 20 > tail) return undefined;
    const version = view.getUint8(ip) >>> 4;
    if (version === 4) return readIPv4(view, ip + 12 + 4 * which);
    return version === 6 && ip + 40 <= tail ? readIPv6(view, ip + 8 + 16 * which) : undefined;
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);
