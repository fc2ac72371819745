import { PacketArena, PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { earlier, type Instant, NEVER } from '../time.ts';
import type { DropEvent } from '../trace.ts';
import {
  type IpAddress,
  type IPv4Address,
  type IPv6Address,
  isBroadcast,
  isGroupMac,
  isIPv4,
  isMulticast,
  MAC_BROADCAST,
  type MacAddress,
  sameSubnet,
} from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import * as ethernet from '../wire/ethernet.ts';
import {
  type AddressChange,
  AddressList,
  type AddressState,
  type InterfaceAddress,
  type OwnAddress,
} from './addresses.ts';
import { copyPacket } from './copy-packet.ts';
import type { Device } from './device.ts';
import { type InterfaceOptions, randomMac } from './interface-options.ts';
import { LINK_LOCAL_PREFIX } from './interface-identifier.ts';
import { groupMac, type NdpLink, NeighbourDiscovery } from './ndp.ts';
import { LinkParameters } from './link-parameters.ts';
import { Neighbours } from './neighbours.ts';

export type { AddressState, InterfaceAddress, OwnAddress } from './addresses.ts';
export type { InterfaceOptions } from './interface-options.ts';

/** What an interface hands its packets and troubles to. */
export interface InterfaceUpper {
  /** An IP packet, valid during the call. */
  packetArrived(packet: PacketBuffer, from: Interface): void;
  /** Traces and counts a drop. */
  drop(layer: DropEvent['layer'], reason: DropReason): void;
  /** One of our IP packets (head at the IP header) could not be sent, because its next hop does not answer ARP. */
  neighbourFailed(packet: PacketBuffer): void;
  /** The device takes frames again. */
  writable(from: Interface): void;
  /** An address came, went, or changed its state; not called for the ones that the interface is made with. */
  addressChanged(from: Interface, change: AddressChange): void;
  /** Tells the readers of the trace. */
  note(text: string): void;
}

/** The largest IP and TCP headers that are put in front of a payload: IPv6 40, TCP 60. */
const UPPER_HEADERS = 100;
/** Bytes of packets between two flushes; with super-segments (64 KiB each) more. */
const ARENA = 256 * 1024;
const ARENA_SUPER = 1024 * 1024;
/** What may wait for a device that is not writable. */
const BACKLOG_BYTES = 1024 * 1024;
const BACKLOG_FRAMES = 1_024;

/** One attachment of the host to a network: a device, our addresses on it, and on Ethernet the neighbours. */
export class Interface {
  readonly device: Device;
  /** What servers and routers say of the link. */
  readonly parameters: LinkParameters;
  /** Undefined unless the medium is Ethernet. */
  readonly mac: MacAddress | undefined;
  /** Bytes that a finished IP packet has to have in front, for the link's and the device's headers. */
  readonly headroom: number;
  readonly #context: HostContext;
  readonly #upper: InterfaceUpper;
  readonly #addresses: AddressList;
  readonly #neighbours: Neighbours | undefined;
  readonly #options: InterfaceOptions;
  #ndp: NeighbourDiscovery | undefined;
  readonly #arena: PacketArena;
  /** Finished frames since the last flush. */
  #batch: PacketBuffer[] = [];
  /** Copies of frames that the device refused, oldest first, and their bytes. */
  #backlog: PacketBuffer[] = [];
  #backlogBytes: number = 0;
  #transmitting: boolean = false;
  /** The addresses it was made with are there. */
  #begun: boolean = false;
  readonly #listeners: Set<(change: AddressChange) => void> = new Set();
  #groupFrame: boolean = false;

  constructor(
    context: HostContext,
    device: Device,
    addresses: readonly InterfaceAddress[],
    upper: InterfaceUpper,
    options: InterfaceOptions = {},
  ) {
    this.#context = context;
    this.device = device;
    this.parameters = new LinkParameters(device.mtu);
    this.#upper = upper;
    this.#options = options;
    this.#addresses = new AddressList((change) => this.#addressChanged(change));
    const onEthernet = device.medium === 'ethernet';
    this.mac = onEthernet ? (options.mac ?? randomMac(context.random)) : undefined;
    this.headroom = device.headroom + (onEthernet ? ethernet.ETHERNET_HEADER_LENGTH : 0);
    this.#arena = new PacketArena(device.offloads.tso4 || device.offloads.tso6 ? ARENA_SUPER : ARENA);
    if (this.mac !== undefined) this.#neighbours = this.#makeNeighbours(context, this.mac);
    device.onWritable = () => this.#deviceWritable();
    if (options.ipv6 === true || addresses.some(({ address }) => !isIPv4(address))) this.#startNdp();
    for (const address of addresses) this.addAddress(address);
    if (this.#ndp !== undefined) this.enableIpv6();
    this.#begun = true;
  }

  /** The largest IP packet in bytes, super-segments aside. */
  get mtu(): number {
    return this.parameters.mtu;
  }

  /** Our addresses, with their states, in the order of their coming. */
  get addresses(): readonly OwnAddress[] {
    return this.#addresses.all;
  }

  /**
   * Gives the interface an address, and a route to its subnet. One that it has gets the new prefix length and state. Throws a `RangeError`
   * for a multicast or broadcast address.
   */
  addAddress(address: InterfaceAddress): void {
    const detects = !isIPv4(address.address) && this.#startNdp() !== undefined;
    const unasked = this.#context.settings.ip.dupAddrDetectTransmits === 0;
    const state = address.state ?? (detects && !unasked ? 'tentative' : 'preferred');
    this.#addresses.add({ ...address, state, onLink: address.onLink ?? true });
    if (this.#begun && detects) this.enableIpv6();
  }

  /**
   * Begins with IPv6 on Ethernet: the interface gives itself a link-local address unless it has one [RFC 4862 5.3]. Twice is fine; on
   * other media nothing happens.
   */
  enableIpv6(): void {
    const ndp = this.#startNdp();
    const isThere = this.addresses.some(({ address }) => sameSubnet(address, LINK_LOCAL_PREFIX, 10));
    if (ndp !== undefined && !isThere) this.addAddress({ address: ndp.linkLocal(), prefixLength: 64 });
  }

  /** Takes an address and the route to its subnet away; false if it was not there. Connections from it get nothing any more. */
  removeAddress(address: IpAddress): boolean {
    return this.#addresses.remove(address);
  }

  /** Sets the state of an address; false if the interface does not have it. */
  setAddressState(address: IpAddress, state: AddressState): boolean {
    return this.#addresses.setState(address, state);
  }

  /** The address with its state; undefined if the interface does not have it. */
  ownAddress(address: IpAddress): OwnAddress | undefined {
    return this.#addresses.find(address);
  }

  /** Calls `listener` after each change of an address; the result ends that. */
  onAddressChange(listener: (change: AddressChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the device takes frames now; if not, `upper.writable` will be called. Who has a choice sends nothing till then. */
  get ready(): boolean {
    return this.#backlog.length === 0;
  }

  /** Whether the frame that is just being handed up was sent to an Ethernet group (broadcast or multicast). */
  get groupFrame(): boolean {
    return this.#groupFrame;
  }

  /** The cache of Ethernet addresses; undefined unless the medium is Ethernet. */
  get neighbours(): Neighbours | undefined {
    return this.#neighbours;
  }

  /** IPv6 neighbour discovery; undefined unless the medium is Ethernet and there is or was an IPv6 address. */
  get ndp(): NeighbourDiscovery | undefined {
    return this.#ndp;
  }

  /** A batch from the device: IP packets go up, ARP is answered here. */
  framesArrived(frames: readonly PacketBuffer[]): void {
    for (const frame of frames) {
      this.#trace('in', frame);
      if (this.mac === undefined) this.#upper.packetArrived(frame, this);
      else this.#ethernetArrived(frame, this.mac);
    }
  }

  /**
   * An empty packet with room for `size` bytes of payload (at most 65,535) behind all headers. Earlier packets that were
   * not given to `send` yet are void after this call. Undefined: the device takes nothing now, drop it or ask later.
   */
  allocate(size: number): PacketBuffer | undefined {
    if (this.#backlogFull()) return undefined;
    const headroom = this.headroom + UPPER_HEADERS;
    const packet = this.#arena.allocate(headroom, size);
    if (packet !== undefined) return packet;
    this.flush();
    return this.#backlogFull() ? undefined : this.#arena.allocate(headroom, size);
  }

  /** Queues a finished IP packet for `flush`; who calls `send` gives the packet away. */
  send(packet: PacketBuffer, nextHop: IpAddress): void {
    if (this.#neighbours === undefined) {
      this.#batch.push(packet);
      return;
    }
    if (!isIPv4(nextHop)) return this.#send6(packet, nextHop);
    const group = this.#groupAddress(nextHop);
    if (group !== undefined) return this.#sendTo(packet, group, ethernet.ETHERTYPE_IPV4);
    const mac = this.#neighbours.resolve(nextHop);
    if (mac !== undefined) this.#sendTo(packet, mac, ethernet.ETHERTYPE_IPV4);
    else this.#neighbours.hold(packet, nextHop, this.headroom);
  }

  #send6(packet: PacketBuffer, nextHop: IPv6Address): void {
    if (isMulticast(nextHop)) return this.#sendTo(packet, groupMac(nextHop), ethernet.ETHERTYPE_IPV6);
    const neighbours = this.#startNdp()?.neighbours;
    const mac = neighbours?.resolve(nextHop);
    if (mac !== undefined) this.#sendTo(packet, mac, ethernet.ETHERTYPE_IPV6);
    else neighbours?.hold(packet, nextHop, this.headroom);
  }

  /** Advice from above that packets through `nextHop` seem to be lost [RFC 1122 3.3.1.4]: a neighbour is asked whether it is still there. */
  doubt(nextHop: IpAddress): void {
    if (isIPv4(nextHop)) this.#neighbours?.doubt(nextHop);
    else this.#ndp?.neighbours.doubt(nextHop);
  }

  /** Gives all queued frames to the device. What it refuses waits, within bounds, until it is writable. */
  flush(): void {
    if (this.#transmitting) return; // a device that answers within `transmit`: the loop below takes the rest
    this.#transmitting = true;
    try {
      while (this.#batch.length > 0) {
        const batch = this.#batch;
        this.#batch = [];
        for (const frame of batch) this.#trace('out', frame);
        const taken = this.ready ? this.device.transmit(batch) : 0;
        for (let i = taken; i < batch.length; i++) this.#keep(batch[i]);
      }
    } finally {
      this.#transmitting = false;
      this.#arena.reset();
    }
  }

  nextDeadline(): Instant {
    const next = this.#neighbours?.nextDeadline() ?? NEVER;
    return this.#ndp === undefined ? next : earlier(next, this.#ndp.nextDeadline());
  }

  /** Does what is due at `context.now`: retries of ARP and neighbour discovery. */
  advance(): void {
    this.#neighbours?.advance();
    this.#ndp?.advance();
  }

  /** Whether `address` is one of this interface's own, and in use: neither tentative nor found to be somebody else's. */
  isLocal(address: IpAddress): boolean {
    return this.#addresses.isLocal(address);
  }

  /** Whether packets to this IPv6 group are for us too: all nodes, and the groups of our addresses [RFC 4291 2.8]. */
  isMember(group: IPv6Address): boolean {
    return this.#addresses.isMember(group);
  }

  /** Whether `address` means everyone on a subnet of this interface [RFC 1122 3.2.1.3 (d)]; /31 and /32 have no such address. */
  isSubnetBroadcast(address: IpAddress): boolean {
    return this.#addresses.isSubnetBroadcast(address);
  }

  #addressChanged(change: AddressChange): void {
    this.#ndp?.addressChanged(change);
    if (!this.#begun) return;
    this.#upper.addressChanged(this, change);
    for (const listener of [...this.#listeners]) listener(change);
  }

  #startNdp(): NeighbourDiscovery | undefined {
    if (this.mac === undefined || this.#ndp !== undefined) return this.#ndp;
    const link: NdpLink = {
      mac: this.mac,
      addresses: this.#addresses,
      headroom: this.headroom,
      sendTo: (packet, destination) => this.#sendTo(packet, destination, ethernet.ETHERTYPE_IPV6),
      send: (packet, nextHop) => this.#send6(packet, nextHop),
      drop: (layer, reason) => this.#upper.drop(layer, reason),
      failed: (packet) => this.#upper.neighbourFailed(packet),
      note: (text) => this.#upper.note(text),
    };
    const { identifiers, stableSecret } = this.#options;
    this.#ndp = new NeighbourDiscovery(this.#context, link, identifiers ?? 'stable', stableSecret);
    return this.#ndp;
  }

  #makeNeighbours(context: HostContext, mac: MacAddress): Neighbours {
    return new Neighbours(context, mac, {
      isLocal: (address) => this.isLocal(address),
      sourceFor: (target) => this.#addresses.sourceFor(target),
      isOnLink: (address) => this.#addresses.isOnLink(address),
      sendArp: (message, destination) => this.#sendArp(message, destination),
      sendHeld: (packet, destination) => this.#sendTo(packet, destination, ethernet.ETHERTYPE_IPV4),
      drop: (layer, reason) => this.#upper.drop(layer, reason),
      failed: (packet) => this.#upper.neighbourFailed(packet),
    });
  }

  #ethernetArrived(frame: PacketBuffer, mac: MacAddress): void {
    const header = ethernet.parse(frame);
    if (typeof header === 'string') return this.#upper.drop('ethernet', header);
    const group = isGroupMac(header.destination);
    if (!group && header.destination !== mac) return this.#upper.drop('ethernet', 'OTHERHOST');
    frame.head += ethernet.ETHERNET_HEADER_LENGTH;
    const version = frame.length > 0 ? frame.view.getUint8(frame.head) >>> 4 : 0;
    const { etherType } = header;
    if (etherType === (version === 6 ? ethernet.ETHERTYPE_IPV6 : ethernet.ETHERTYPE_IPV4)) {
      this.#groupFrame = group;
      this.#upper.packetArrived(frame, this);
      this.#groupFrame = false;
    } else if (etherType === ethernet.ETHERTYPE_ARP) {
      this.#neighbours?.arpArrived(frame);
    } else {
      this.#upper.drop('ethernet', 'UNHANDLED_PROTO');
    }
  }

  #sendTo(packet: PacketBuffer, destination: MacAddress, etherType: number): void {
    if (this.mac === undefined) return;
    ethernet.emit({ destination, source: this.mac, etherType }, packet);
    this.#batch.push(packet);
  }

  #sendArp(message: arp.ArpPacket, destination: MacAddress): void {
    // Memory of its own: a packet of the arena may be in hand, on its way through `send`.
    const room = this.headroom + arp.ARP_LENGTH;
    const packet = PacketBuffer.allocate(room, room);
    arp.emit(message, packet);
    this.#sendTo(packet, destination, ethernet.ETHERTYPE_ARP);
  }

  /** The Ethernet group for a broadcast or multicast address [RFC 894, RFC 1112 6.4]. */
  #groupAddress(address: IPv4Address): MacAddress | undefined {
    if (isBroadcast(address) || this.isSubnetBroadcast(address)) return MAC_BROADCAST;
    if (isMulticast(address)) return (0x0100_5e00_0000 + (address & 0x7f_ffff)) as MacAddress;
    return undefined;
  }

  #backlogFull(): boolean {
    return this.#backlogBytes >= BACKLOG_BYTES || this.#backlog.length >= BACKLOG_FRAMES;
  }

  #keep(frame: PacketBuffer | undefined): void {
    if (frame === undefined) return;
    if (this.#backlogFull()) return this.#upper.drop('device', 'DEVICE_QUEUE_FULL');
    this.#backlog.push(copyPacket(frame, this.device.headroom));
    this.#backlogBytes += frame.length;
  }

  #deviceWritable(): void {
    const waiting = this.#backlog;
    const taken = this.device.transmit(waiting);
    this.#backlog = waiting.slice(taken);
    this.#backlogBytes = 0;
    for (const frame of this.#backlog) this.#backlogBytes += frame.length;
    if (this.ready) this.#upper.writable(this);
  }

  #trace(direction: 'in' | 'out', frame: PacketBuffer): void {
    const { tracer } = this.#context;
    if (tracer === undefined) return;
    tracer({
      type: 'frame',
      at: this.#context.now,
      host: this.#context.name,
      direction,
      device: this.device.name,
      medium: this.device.medium,
      bytes: frame.bytes,
      head: frame.head,
      tail: frame.tail,
      segmentSize: frame.segmentSize,
      partialChecksum: frame.checksum === 'partial',
    });
  }
}
