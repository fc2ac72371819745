import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { randomBelow } from '../random.ts';
import { after, type Duration, earlier, type Instant, NEVER } from '../time.ts';
import type { DropEvent } from '../trace.ts';
import { type IPv6Address, isGroupMac, MAC_ZERO, type MacAddress } from '../wire/address.ts';
import type { NeighbourAdvertisement } from '../wire/ndp.ts';
import { copyPacket } from './copy-packet.ts';
import type { NeighbourCache } from './neighbour-cache.ts';

/** States of neighbour unreachability detection [RFC 4861 7.3.2]. */
export type NeighbourState = 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE';

/** What neighbour discovery needs of its interface. */
export interface NeighbourLink6 {
  /** Sends a solicitation for `target`: to its solicited-node group, or to `mac`. */
  solicit(target: IPv6Address, mac: MacAddress | undefined): void;
  /** Sends a packet that was held back. */
  sendHeld(packet: PacketBuffer, destination: MacAddress): void;
  drop(layer: DropEvent['layer'], reason: DropReason): void;
  /** A held packet will not be sent: nobody answered. */
  failed(packet: PacketBuffer): void;
}

interface Neighbour {
  readonly address: IPv6Address;
  readonly key: string;
  state: NeighbourState;
  /** Undefined while INCOMPLETE. */
  mac: MacAddress | undefined;
  /** The neighbour said that it is a router. */
  isRouter: boolean;
  /** We sent by it since it was last spared by an eviction. */
  used: boolean;
  /** Solicitations sent without an answer. */
  solicitations: number;
  /** REACHABLE: until when. INCOMPLETE, DELAY, PROBE: when the next step is due. */
  deadline: Instant;
  /** Copies of packets that wait for `mac`, oldest first. */
  readonly waiting: PacketBuffer[];
}

/** What all packets that wait for neighbours may hold together. */
const WAITING_BYTES = 1024 * 1024;
/** Entries that an eviction may spare because they are in use. */
const SPARED = 16;

/** Ethernet addresses of the neighbours, learnt by neighbour discovery, and whether they are still there [RFC 4861 7.2, 7.3]. */
export class Neighbours6 implements NeighbourCache<IPv6Address> {
  /** BaseReachableTime and RetransTimer of this interface: routers may set them [RFC 4861 6.3.2]. */
  reachableTime: Duration;
  retransTimer: Duration;
  readonly #context: HostContext;
  readonly #link: NeighbourLink6;
  readonly #fixed: Map<string, MacAddress> = new Map();
  /** In the order of their making, so the oldest is first. */
  readonly #learnt: Map<string, Neighbour> = new Map();
  /** Those that wait for an instant (INCOMPLETE, DELAY, PROBE), and the earliest of their deadlines (or an earlier instant). */
  readonly #timed: Set<Neighbour> = new Set();
  #earliest: Instant = NEVER;
  #waitingBytes: number = 0;

  constructor(context: HostContext, link: NeighbourLink6) {
    this.#context = context;
    this.#link = link;
    this.reachableTime = context.settings.ip.reachableTime;
    this.retransTimer = context.settings.ip.retransTimer;
  }

  get size(): number {
    return this.#learnt.size;
  }

  addStatic(address: IPv6Address, mac: MacAddress): void {
    this.#fixed.set(keyOf(address), mac);
  }

  /** The state of an entry; undefined if there is none. */
  stateOf(address: IPv6Address): NeighbourState | undefined {
    const neighbour = this.#learnt.get(keyOf(address));
    if (neighbour !== undefined) this.#age(neighbour);
    return neighbour?.state;
  }

  /** Whether the neighbour advertised itself as a router. */
  isRouter(address: IPv6Address): boolean {
    return this.#learnt.get(keyOf(address))?.isRouter === true;
  }

  resolve(address: IPv6Address): MacAddress | undefined {
    const key = keyOf(address);
    const fixed = this.#fixed.get(key);
    if (fixed !== undefined) return fixed;
    const neighbour = this.#learnt.get(key);
    if (neighbour?.mac === undefined) return undefined;
    neighbour.used = true;
    this.#age(neighbour);
    if (neighbour.state === 'STALE')
      this.#wait(neighbour, 'DELAY', this.#context.settings.ip.delayFirstProbe);
    return neighbour.mac;
  }

  hold(packet: PacketBuffer, address: IPv6Address, headroom: number): void {
    const neighbour = this.#learnt.get(keyOf(address)) ?? this.#make(address);
    const { waiting } = neighbour;
    if (waiting.length >= this.#context.settings.ip.neighbourQueue) {
      this.#waitingBytes -= waiting.shift()?.length ?? 0; // RFC 4861 7.2.2: the oldest has to go
      this.#link.drop('ndp', 'NEIGH_QUEUEFULL');
    }
    if (this.#waitingBytes + packet.length > WAITING_BYTES) {
      this.#link.drop('ndp', 'NEIGH_QUEUEFULL');
    } else {
      waiting.push(copyPacket(packet, headroom));
      this.#waitingBytes += packet.length;
    }
    neighbour.used = true;
    if (neighbour.solicitations === 0) this.#solicit(neighbour);
  }

  /** Advice from above that packets to it seem to be lost: it is probed with the next packet, without the usual delay. */
  doubt(address: IPv6Address): void {
    const neighbour = this.#learnt.get(keyOf(address));
    if (neighbour?.mac === undefined || neighbour.state === 'PROBE') return;
    this.#wait(neighbour, 'DELAY', 0 as Duration);
  }

  /** Advice from above that packets to it arrive [RFC 4861 7.3.1]. */
  confirm(address: IPv6Address): void {
    const neighbour = this.#learnt.get(keyOf(address));
    if (neighbour?.mac !== undefined) this.#reachable(neighbour);
  }

  /**
   * A solicitation (or a router's message) tells the sender's Ethernet address: an entry is made, or becomes STALE if it said something else
   * [RFC 4861 7.2.3].
   */
  heard(address: IPv6Address, mac: MacAddress): void {
    if (!isPossible(mac) || this.#fixed.has(keyOf(address))) return;
    const neighbour = this.#learnt.get(keyOf(address)) ?? this.#make(address);
    if (neighbour.mac === mac) return;
    neighbour.mac = mac;
    this.#stale(neighbour);
    this.#sendWaiting(neighbour, mac);
  }

  /** RFC 4861 7.2.5. */
  advertised(message: NeighbourAdvertisement): void {
    const { target, mac, solicited, override, router } = message;
    const neighbour = this.#learnt.get(keyOf(target));
    // Nobody asked: advertisements fill no cache [attacks.md B9].
    if (neighbour === undefined || this.#fixed.has(keyOf(target)))
      return this.#link.drop('ndp', 'INVALID_PROTO');
    if (mac !== undefined && !isPossible(mac)) return this.#link.drop('ndp', 'INVALID_PROTO');
    if (neighbour.mac === undefined) {
      if (mac === undefined) return this.#link.drop('ndp', 'INVALID_PROTO');
      neighbour.mac = mac;
      neighbour.isRouter = router;
      if (solicited) this.#reachable(neighbour);
      else this.#stale(neighbour);
      this.#sendWaiting(neighbour, mac);
      return;
    }
    this.#age(neighbour);
    const differs = mac !== undefined && mac !== neighbour.mac;
    if (differs && !override) {
      if (neighbour.state === 'REACHABLE') this.#stale(neighbour);
      return;
    }
    if (differs) neighbour.mac = mac;
    if (solicited) this.#reachable(neighbour);
    else if (differs) this.#stale(neighbour);
    neighbour.isRouter = router;
  }

  nextDeadline(): Instant {
    return this.#earliest;
  }

  advance(): void {
    if (this.#context.now < this.#earliest) return;
    this.#earliest = NEVER;
    for (const neighbour of [...this.#timed]) {
      if (neighbour.deadline > this.#context.now)
        this.#earliest = earlier(this.#earliest, neighbour.deadline);
      else this.#step(neighbour);
    }
  }

  /** A deadline passed [RFC 4861 7.2.2, 7.3.3]. */
  #step(neighbour: Neighbour): void {
    const { maxMulticastSolicit, maxUnicastSolicit } = this.#context.settings.ip;
    const most = neighbour.state === 'INCOMPLETE' ? maxMulticastSolicit : maxUnicastSolicit;
    if (neighbour.state !== 'DELAY' && neighbour.solicitations >= most) {
      for (const packet of this.#remove(neighbour)) this.#link.failed(packet);
      return;
    }
    if (neighbour.state === 'DELAY') neighbour.state = 'PROBE';
    this.#solicit(neighbour);
  }

  #solicit(neighbour: Neighbour): void {
    neighbour.solicitations += 1;
    neighbour.deadline = after(this.#context.now, this.retransTimer);
    this.#timed.add(neighbour);
    this.#earliest = earlier(this.#earliest, neighbour.deadline);
    this.#link.solicit(neighbour.address, neighbour.mac);
  }

  #wait(neighbour: Neighbour, state: NeighbourState, time: Duration): void {
    neighbour.state = state;
    neighbour.solicitations = 0;
    neighbour.deadline = after(this.#context.now, time);
    this.#timed.add(neighbour);
    this.#earliest = earlier(this.#earliest, neighbour.deadline);
  }

  #reachable(neighbour: Neighbour): void {
    // RFC 4861 6.3.2: uniformly distributed between 0.5 and 1.5 of the base, so that neighbours do not probe in step.
    const half = Math.floor(this.reachableTime / 2);
    const time = half + randomBelow(this.#context.random, Math.max(1, this.reachableTime));
    neighbour.state = 'REACHABLE';
    neighbour.solicitations = 0;
    neighbour.deadline = after(this.#context.now, time as Duration);
    this.#timed.delete(neighbour);
  }

  #stale(neighbour: Neighbour): void {
    neighbour.state = 'STALE';
    neighbour.solicitations = 0;
    this.#timed.delete(neighbour);
  }

  /** REACHABLE for too long without a confirmation. */
  #age(neighbour: Neighbour): void {
    if (neighbour.state === 'REACHABLE' && this.#context.now >= neighbour.deadline) this.#stale(neighbour);
  }

  #sendWaiting(neighbour: Neighbour, mac: MacAddress): void {
    for (const packet of neighbour.waiting.splice(0)) {
      this.#waitingBytes -= packet.length;
      this.#link.sendHeld(packet, mac);
    }
  }

  #make(address: IPv6Address): Neighbour {
    if (this.#learnt.size >= this.#context.settings.ip.neighbours) this.#evict();
    const neighbour: Neighbour = {
      address,
      key: keyOf(address),
      state: 'INCOMPLETE',
      mac: undefined,
      isRouter: false,
      used: false,
      solicitations: 0,
      deadline: NEVER,
      waiting: [],
    };
    this.#learnt.set(neighbour.key, neighbour);
    return neighbour;
  }

  /** The oldest that is not in use goes, so that who floods us with addresses drives out its own [attacks.md B9; RFC 6583 7.1]. */
  #evict(): void {
    let spared = 0;
    for (const oldest of this.#learnt.values()) {
      if (oldest.used && spared < SPARED) {
        oldest.used = false;
        spared += 1;
        this.#learnt.delete(oldest.key);
        this.#learnt.set(oldest.key, oldest);
        continue;
      }
      this.#remove(oldest);
      return; // the transports are not told: this may happen while one of them sends
    }
  }

  /** Returns the packets that waited. */
  #remove(neighbour: Neighbour): PacketBuffer[] {
    this.#learnt.delete(neighbour.key);
    this.#timed.delete(neighbour);
    const waiting = neighbour.waiting.splice(0);
    for (const packet of waiting) {
      this.#waitingBytes -= packet.length;
      this.#link.drop('ndp', 'NEIGH_FAILED');
    }
    return waiting;
  }
}

/** One station's address. */
function isPossible(mac: MacAddress): boolean {
  return !isGroupMac(mac) && mac !== MAC_ZERO;
}

/** A string: the engine's own hash is seeded, so that nobody can choose addresses that collide. */
function keyOf({ a, b, c, d }: IPv6Address): string {
  return `${a} ${b} ${c} ${d}`;
}
