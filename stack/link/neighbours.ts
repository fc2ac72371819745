import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { after, earlier, type Instant, NEVER } from '../time.ts';
import type { DropEvent } from '../trace.ts';
import {
  type IPv4Address,
  IPV4_ANY,
  isBroadcast,
  isGroupMac,
  isLoopback,
  isMulticast,
  MAC_BROADCAST,
  MAC_ZERO,
  type MacAddress,
} from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import { copyPacket } from './copy-packet.ts';
import type { NeighbourCache } from './neighbour-cache.ts';

/** What ARP needs of its interface. */
export interface NeighbourLink {
  isLocal(address: IPv4Address): boolean;
  isOnLink(address: IPv4Address): boolean;
  /** Our address to ask for `target` with. */
  sourceFor(target: IPv4Address): IPv4Address | undefined;
  sendArp(message: arp.ArpPacket, destination: MacAddress): void;
  /** Sends a packet that was held back. */
  sendHeld(packet: PacketBuffer, destination: MacAddress): void;
  drop(layer: DropEvent['layer'], reason: DropReason): void;
  /** A held packet will not be sent: nobody answered. */
  failed(packet: PacketBuffer): void;
}

interface Neighbour {
  readonly address: IPv4Address;
  /** Undefined: not known yet. */
  mac: MacAddress | undefined;
  /** Until when `mac` is believed without asking again. */
  validUntil: Instant;
  /** ARP requests sent without an answer; 0: none is under way. */
  requests: number;
  /** When the next request is due, or the neighbour is given up. */
  deadline: Instant;
  /** Copies of packets that wait for `mac`, oldest first. */
  readonly waiting: PacketBuffer[];
}

/** What all packets that wait for neighbours may hold together. */
const WAITING_BYTES = 1024 * 1024;

/** Ethernet addresses of the neighbours, learnt by ARP [RFC 826, RFC 1122 2.3.2]. */
export class Neighbours implements NeighbourCache<IPv4Address> {
  readonly #context: HostContext;
  readonly #mac: MacAddress;
  readonly #link: NeighbourLink;
  readonly #fixed: Map<IPv4Address, MacAddress> = new Map();
  /** In the order of their making, so the oldest is first. */
  readonly #learnt: Map<IPv4Address, Neighbour> = new Map();
  /** Those with a request under way, and the earliest of their deadlines (or an earlier instant). */
  readonly #asked: Set<Neighbour> = new Set();
  #earliest: Instant = NEVER;
  #waitingBytes: number = 0;
  /** Sees every ARP packet that makes sense: who watches over an address of ours [RFC 5227]. */
  onArp: ((message: arp.ArpPacket) => void) | undefined;

  constructor(context: HostContext, mac: MacAddress, link: NeighbourLink) {
    this.#context = context;
    this.#mac = mac;
    this.#link = link;
  }

  /** Entries learnt; static ones are not among them. */
  get size(): number {
    return this.#learnt.size;
  }

  /** Sets an address that ARP neither changes nor evicts [attacks.md B9]. */
  addStatic(address: IPv4Address, mac: MacAddress): void {
    this.#fixed.set(address, mac);
  }

  /**
   * The Ethernet address of `address` if it is known. One that is older than `neighbourTimeout` is still given while the
   * neighbour is asked whether it holds (the unicast poll of RFC 1122 2.3.2.1).
   */
  resolve(address: IPv4Address): MacAddress | undefined {
    const fixed = this.#fixed.get(address);
    if (fixed !== undefined) return fixed;
    const neighbour = this.#learnt.get(address);
    if (neighbour?.mac === undefined) return undefined;
    if (this.#context.now >= neighbour.validUntil && neighbour.requests === 0) this.#ask(neighbour);
    return neighbour.mac;
  }

  /** What is known of `address` may be wrong: the next packet to it asks again, by unicast, and goes there meanwhile. */
  doubt(address: IPv4Address): void {
    const neighbour = this.#learnt.get(address);
    if (neighbour !== undefined) neighbour.validUntil = this.#context.now;
  }

  /** Keeps a copy of `packet` until `address` is resolved; asks for it if nobody did [RFC 1122 2.3.2.2]. */
  hold(packet: PacketBuffer, address: IPv4Address, headroom: number): void {
    const neighbour = this.#learnt.get(address) ?? this.#make(address);
    const { waiting } = neighbour;
    if (waiting.length >= this.#context.settings.ip.neighbourQueue) {
      this.#waitingBytes -= waiting.shift()?.length ?? 0; // the latest packet is the one to keep
      this.#link.drop('arp', 'NEIGH_QUEUEFULL');
    }
    if (this.#waitingBytes + packet.length > WAITING_BYTES) {
      this.#link.drop('arp', 'NEIGH_QUEUEFULL');
    } else {
      waiting.push(copyPacket(packet, headroom));
      this.#waitingBytes += packet.length;
    }
    if (neighbour.requests === 0) this.#ask(neighbour);
  }

  /** Packet reception of RFC 826; the packet's head is at the ARP packet. */
  arpArrived(packet: PacketBuffer): void {
    const message = arp.parse(packet);
    if (typeof message === 'string') return this.#link.drop('arp', message);
    const { senderIp, senderMac } = message;
    const isHost = !isGroupMac(senderMac) && senderMac !== MAC_ZERO;
    if (isHost) this.onArp?.(message);
    if (!isHost || !this.#maySend(senderIp)) {
      return this.#link.drop('arp', 'INVALID_PROTO');
    }
    const forUs = this.#link.isLocal(message.targetIp);
    // Only who asks for us, or whom we asked, gets an entry: replies that nobody asked for fill no cache.
    const asksUs = forUs && message.operation === 'request';
    if (senderIp !== IPV4_ANY) this.#learn(senderIp, senderMac, asksUs && this.#link.isOnLink(senderIp));
    if (asksUs) this.#answer(message);
  }

  /** Sends an ARP packet that is no question of this cache: a probe, an announcement [RFC 5227]. */
  send(message: arp.ArpPacket, destination: MacAddress): void {
    this.#link.sendArp(message, destination);
  }

  nextDeadline(): Instant {
    return this.#earliest;
  }

  /** Asks again whom it is time to ask again, and gives up who did not answer. */
  advance(): void {
    if (this.#context.now < this.#earliest) return;
    this.#earliest = NEVER;
    for (const neighbour of [...this.#asked]) {
      if (neighbour.deadline > this.#context.now) {
        this.#earliest = earlier(this.#earliest, neighbour.deadline);
      } else if (neighbour.requests >= this.#context.settings.ip.arpRetries) {
        for (const packet of this.#remove(neighbour)) this.#link.failed(packet);
      } else {
        this.#ask(neighbour);
      }
    }
  }

  /** Not ours (an address conflict, or our own broadcast come back), and one that a host can have. */
  #maySend(address: IPv4Address): boolean {
    if (isMulticast(address) || isBroadcast(address) || isLoopback(address)) return false;
    return !this.#link.isLocal(address);
  }

  #learn(address: IPv4Address, mac: MacAddress, mayAdd: boolean): void {
    if (this.#fixed.has(address)) return;
    const known = this.#learnt.get(address);
    if (known === undefined && !mayAdd) return;
    const neighbour = known ?? this.#make(address);
    neighbour.mac = mac;
    neighbour.validUntil = after(this.#context.now, this.#context.settings.ip.neighbourTimeout);
    neighbour.requests = 0;
    this.#asked.delete(neighbour);
    for (const packet of neighbour.waiting.splice(0)) {
      this.#waitingBytes -= packet.length;
      this.#link.sendHeld(packet, mac);
    }
  }

  #answer(request: arp.ArpPacket): void {
    this.#link.sendArp(
      {
        operation: 'reply',
        senderMac: this.#mac,
        senderIp: request.targetIp,
        targetMac: request.senderMac,
        targetIp: request.senderIp,
      },
      request.senderMac,
    );
  }

  #ask(neighbour: Neighbour): void {
    neighbour.requests += 1;
    neighbour.deadline = after(this.#context.now, this.#context.settings.ip.arpInterval);
    this.#asked.add(neighbour);
    this.#earliest = earlier(this.#earliest, neighbour.deadline);
    this.#link.sendArp(
      {
        operation: 'request',
        senderMac: this.#mac,
        senderIp: this.#link.sourceFor(neighbour.address) ?? IPV4_ANY,
        targetMac: MAC_ZERO,
        targetIp: neighbour.address,
      },
      neighbour.mac ?? MAC_BROADCAST,
    );
  }

  #make(address: IPv4Address): Neighbour {
    if (this.#learnt.size >= this.#context.settings.ip.neighbours) {
      for (const oldest of this.#learnt.values()) {
        this.#remove(oldest);
        break; // the transports are not told: this may happen while one of them sends
      }
    }
    const neighbour: Neighbour = {
      address,
      mac: undefined,
      validUntil: this.#context.now,
      requests: 0,
      deadline: NEVER,
      waiting: [],
    };
    this.#learnt.set(address, neighbour);
    return neighbour;
  }

  /** Returns the packets that waited. */
  #remove(neighbour: Neighbour): PacketBuffer[] {
    this.#learnt.delete(neighbour.address);
    this.#asked.delete(neighbour);
    const waiting = neighbour.waiting.splice(0);
    for (const packet of waiting) {
      this.#waitingBytes -= packet.length;
      this.#link.drop('arp', 'NEIGH_FAILED');
    }
    return waiting;
  }
}
