import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import { type Bound, familyOf, isOnAll, overlap, takes } from '../ip/bind-family.ts';
import type { Ip } from '../ip/ip.ts';
import type { Route } from '../ip/routes.ts';
import type { IpMeta, Transport } from '../ip/transport.ts';
import type { Interface } from '../link/interface.ts';
import { randomBelow } from '../random.ts';
import type { Endpoint, IcmpErrorKind } from '../tcp/events.ts';
import { type IpAddress, isIPv4, sameAddress } from '../wire/address.ts';
import { UNREACHABLE } from '../wire/icmp.ts';
import { PROTOCOL_UDP } from '../wire/ipv4.ts';
import * as wire from '../wire/udp.ts';

/** Who a socket tells. */
export interface UdpReceiver {
  /** `data` is valid during the call. `by`: where it came in, to answer a link-local address there. */
  datagramArrived(data: Uint8Array, from: Endpoint, to: Endpoint, by: Interface): void;
  /** ICMP says that a datagram to `to` did not arrive [RFC 1122 4.1.3.3]. */
  errorArrived?(kind: IcmpErrorKind, to: Endpoint): void;
}

/** The largest IPv4 packet, less the IP and UDP headers; the largest IPv6 payload, less the UDP header. */
const LARGEST = 65_507;
const LARGEST_V6 = 65_527;

/** How a datagram is to leave. */
export interface UdpSendOptions {
  /** By this interface: for broadcasts, groups and link-local addresses. */
  readonly on?: Interface | undefined;
  /** A route that is not in the table: DHCP's, from 0.0.0.0 to everyone on one link. */
  readonly via?: Route | undefined;
}

/** A bound UDP port: what it gets goes to its receiver. Made by `Udp.bind`. */
export class UdpSocket {
  /** Undefined: all of the host's. `::` and 0.0.0.0: all of that version; `::` takes IPv4 too. */
  readonly address: IpAddress | undefined;
  /** 1..65535 */
  readonly port: number;
  readonly receiver: UdpReceiver;
  readonly #udp: Udp;
  #open: boolean = true;

  constructor(udp: Udp, address: IpAddress | undefined, port: number, receiver: UdpReceiver) {
    this.#udp = udp;
    this.address = address;
    this.port = port;
    this.receiver = receiver;
  }

  /** Sends a datagram of at most 65,507 bytes (IPv6: 65,527); false if there is no route, or the device takes nothing now. */
  send(data: Uint8Array, address: IpAddress, port: number, options: UdpSendOptions = {}): boolean {
    if (!this.#open) throw new Error('the UDP socket is closed: bind a new one');
    return this.#udp.send(this, data, address, port, options);
  }

  /** Gives the port up; twice is fine. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#udp.release(this);
  }
}

/** UDP [RFC 768, RFC 1122 4.1]. */
export class Udp implements Transport {
  readonly #context: HostContext;
  readonly #ip: Ip;
  readonly #wake: () => void;
  readonly #sockets: Map<number, UdpSocket[]> = new Map();

  /** Registers itself with `ip`. `wake` is called when a datagram waits for the next flush. */
  constructor(context: HostContext, ip: Ip, wake: () => void = () => {}) {
    this.#context = context;
    this.#ip = ip;
    this.#wake = wake;
    ip.register(PROTOCOL_UDP, this);
  }

  /**
   * Takes `port` (0: a random free one of `settings.tcp.ephemeralPorts`) on `address` (undefined: on all). Undefined if it is
   * taken.
   */
  bind(address: IpAddress | undefined, port: number, receiver: UdpReceiver): UdpSocket | undefined {
    const chosen = port === 0 ? this.#freePort(address) : port;
    if (chosen === undefined || this.#isTaken(address, chosen)) return undefined;
    const socket = new UdpSocket(this, address, chosen, receiver);
    const others = this.#sockets.get(chosen);
    if (others === undefined) this.#sockets.set(chosen, [socket]);
    else others.push(socket);
    return socket;
  }

  /** For `UdpSocket`. */
  send(
    socket: UdpSocket,
    data: Uint8Array,
    address: IpAddress,
    port: number,
    { on, via }: UdpSendOptions = {},
  ): boolean {
    const largest = isIPv4(address) ? LARGEST : LARGEST_V6;
    if (data.length > largest) {
      throw new RangeError(`a UDP datagram carries at most ${largest} bytes, not ${data.length}`);
    }
    const onAll = isOnAll(boundOf(socket));
    const route = via ?? this.#ip.routes.find(address, onAll ? undefined : socket.address, on);
    if (route === undefined) {
      this.#ip.drop('udp', 'IP_OUTNOROUTES');
      return false;
    }
    const packet = route.interface.allocate(data.length);
    if (packet === undefined) {
      this.#ip.drop('udp', 'DEVICE_QUEUE_FULL');
      return false;
    }
    packet.bytes.set(data, packet.head);
    packet.tail += data.length;
    const { source } = route;
    wire.emit({ sourcePort: socket.port, destinationPort: port }, packet, source, address);
    this.#ip.send(packet, { source, destination: address, protocol: PROTOCOL_UDP }, route);
    this.#wake();
    return true;
  }

  /** For `UdpSocket`. */
  release(socket: UdpSocket): void {
    const left = (this.#sockets.get(socket.port) ?? []).filter((other) => other !== socket);
    if (left.length > 0) this.#sockets.set(socket.port, left);
    else this.#sockets.delete(socket.port);
  }

  packetArrived(packet: PacketBuffer, meta: IpMeta): void {
    const header = wire.parse(packet);
    if (typeof header === 'string') return this.#ip.drop('udp', header);
    const { source, destination } = meta;
    if (!wire.verifyChecksum(packet, source, destination)) return this.#ip.drop('udp', 'UDP_CSUM');
    const at = packet.head + wire.UDP_HEADER_LENGTH;
    const data = packet.bytes.subarray(at, packet.head + header.length);
    const from = { address: source, port: header.sourcePort };
    const to = { address: destination, port: header.destinationPort };
    if (meta.broadcast) {
      // Everyone's copy [RFC 1122 4.1.3.3]; a new list, since a receiver may close or bind.
      for (const socket of [...(this.#sockets.get(to.port) ?? [])]) {
        const bound = boundOf(socket);
        if (isOnAll(bound) ? takes(bound, destination) : isOn(meta, socket.address)) {
          socket.receiver.datagramArrived(data, from, to, meta.from);
        }
      }
      return;
    }
    const socket = this.#find(destination, to.port);
    if (socket !== undefined) return socket.receiver.datagramArrived(data, from, to, meta.from);
    this.#ip.drop('udp', 'NO_SOCKET');
    this.#ip.icmpUnreachable(UNREACHABLE.port, packet, meta); // RFC 1122 4.1.3.1
  }

  icmpError(kind: IcmpErrorKind, source: IpAddress, destination: IpAddress, quoted: PacketBuffer): void {
    const { view, head } = quoted;
    const socket = this.#find(source, view.getUint16(head));
    if (socket === undefined) return this.#ip.drop('icmp', 'NO_SOCKET');
    socket.receiver.errorArrived?.(kind, { address: destination, port: view.getUint16(head + 2) });
  }

  /** The socket on this very address, else the one on all. */
  #find(address: IpAddress, port: number): UdpSocket | undefined {
    let onAll: UdpSocket | undefined;
    for (const socket of this.#sockets.get(port) ?? []) {
      if (socket.address !== undefined && sameAddress(socket.address, address)) return socket;
      const bound = boundOf(socket);
      if (isOnAll(bound) && takes(bound, address)) onAll = socket;
    }
    return onAll;
  }

  #isTaken(address: IpAddress | undefined, port: number): boolean {
    const bound = { address, family: familyOf(address, false) };
    return (this.#sockets.get(port) ?? []).some((other) => {
      const present = boundOf(other);
      return isOnAll(bound) === isOnAll(present) && overlap(bound, present);
    });
  }

  /** Simple port randomization [RFC 6056 3.3.1]: a random port, or the next free one after it. */
  #freePort(address: IpAddress | undefined): number | undefined {
    const { from, to } = this.#context.settings.tcp.ephemeralPorts;
    const count = to - from + 1;
    const start = randomBelow(this.#context.random, count);
    for (let i = 0; i < count; i++) {
      const port = from + ((start + i) % count);
      if (!this.#isTaken(address, port)) return port;
    }
    return undefined;
  }
}

function boundOf({ address }: UdpSocket): Bound {
  return { address, family: familyOf(address, false) };
}

function isOn({ from, destination }: IpMeta, address: IpAddress | undefined): boolean {
  return address !== undefined && from.isLocal(address) && isIPv4(address) === isIPv4(destination);
}
