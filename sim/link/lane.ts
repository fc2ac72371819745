import { checkImpairments } from './check-impairments.ts';
import { segments } from '../../device/segmentation.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { DeviceReceiver } from '../../stack/link/device.ts';
import type { Duration, Instant, Scheduler } from '../../stack/time.ts';
import type { Passage } from '../middlebox/middlebox.ts';
import type { FaultPlan } from '../plan.ts';
import { markCongestion } from '../queue/ecn.ts';
import { makeQueue } from '../queue/make-queue.ts';
import type { QueueEnvironment, QueueOptions } from '../queue/queue.ts';
import { corrupt } from './corruption.ts';
import { DelayLine, buffersOf } from './delay-line.ts';
import { Gate } from './gate.ts';
import { FateDice } from './fate.ts';
import type { Impairments } from './impairments.ts';
import { LINK_REASONS, type LinkDirection, type LinkEvent, type LinkReason } from './link-event.ts';
import { type LinkPacket, copyOf } from './link-packet.ts';
import { PacketView } from './packet-view.ts';
import { tooBigFor } from './path-mtu.ts';
import type { RuleHandle } from './rule.ts';
import { Server } from './server.ts';

/** What a lane needs from its world. */
export interface LaneWorld {
  readonly scheduler: Scheduler;
  readonly seed: number | string;
  readonly plan: FaultPlan;
  /** Adds to the trace. */
  emit(event: LinkEvent): void;
}

/** Impairments that may be changed in a run; `undefined` switches one off. */
export type ImpairmentChanges = { readonly [name in keyof Impairments]?: Impairments[name] | undefined };

/**
 * One direction of a link. A packet that enters gets a number, and passes: link up or down, rules, middleboxes, path MTU, loss,
 * corruption, duplication (as the dice for its number say), the queue with its rate, and the way with its delay.
 */
export class Lane {
  readonly direction: LinkDirection;
  /** Link and direction, for messages and the trace. */
  readonly name: string;
  receiver: DeviceReceiver | undefined;
  /** Sends a packet back along the other direction. */
  sendBack: (packet: PacketBuffer) => void = () => undefined;
  /** Whether it is down, clogged, and what the rules hold. */
  readonly gate: Gate;
  readonly medium: 'ip' | 'ethernet';
  readonly #world: LaneWorld;
  readonly #dice: FateDice;
  readonly #server: Server;
  readonly #line: DelayLine;
  #settings: { [name in keyof Impairments]?: Impairments[name] | undefined } = {};
  #entered: number = 0;

  constructor(
    world: LaneWorld,
    link: string,
    direction: LinkDirection,
    medium: 'ip' | 'ethernet',
    rules: readonly RuleHandle[],
    impairments: Impairments,
  ) {
    this.#world = world;
    this.direction = direction;
    this.name = `${link} ${direction}`;
    this.medium = medium;
    this.gate = new Gate(rules, {
      view: (packet) => this.#view(packet),
      lose: (packet, reason) => this.#lose(packet, reason),
      tell: (action, index, detail) => this.#action(action, index, detail),
      goOn: (packet, delay, duplicates) => this.#pastRules(packet, delay, duplicates),
    });
    this.#dice = new FateDice(world.seed, this.name, world.plan);
    const queue = makeQueue(impairments.queue, this.#queueEnvironment());
    this.#server = new Server(world.scheduler, queue, this.#dice.dice('slots'), (packet, at) =>
      this.#depart(packet, at),
    );
    this.#line = new DelayLine(world.scheduler, (packets) => this.#deliver(packets));
    this.configure(impairments);
  }

  /** Packets that entered. */
  get entered(): number {
    return this.#entered;
  }

  /** Packets that wait, are on their way, or are held. */
  get carried(): number {
    return this.#server.queue.packets + this.#line.size + this.gate.held;
  }

  /** Packets and bytes that wait before the link. */
  get queued(): { readonly packets: number; readonly bytes: number } {
    return { packets: this.#server.queue.packets, bytes: this.#server.queue.bytes };
  }

  /** Changes impairments from now on. A new queue begins empty; what waits in the old one is lost. */
  configure(changes: ImpairmentChanges): void {
    checkImpairments(this.name, changes);
    this.#settings = { ...this.#settings, ...changes };
    this.#dice.configure(changes);
    if ('rate' in changes) this.#server.rate = changes.rate;
    if ('slots' in changes) this.#server.slots = changes.slots;
    if ('queue' in changes && this.#entered > 0) this.#replaceQueue(changes.queue);
  }

  /** Takes a frame from a device: cut, and with its checksum, as on a wire. */
  transmit(frame: PacketBuffer): void {
    if (frame.segmentSize === 0 && frame.checksum !== 'partial') return this.#enter(copyOf(frame));
    const allocate = (headroom: number, size: number): PacketBuffer =>
      PacketBuffer.allocate(headroom + size, headroom);
    segments(frame, this.medium, allocate, (segment) => this.#enter(segment), 16);
  }

  /** Puts a packet of a router's or middlebox's own onto the lane, past rules and middleboxes. */
  inject(packet: PacketBuffer): void {
    const entered = this.#numbered(packet);
    this.#action('inject', entered.index, this.#view(entered).describe());
    this.#impaired(entered);
  }

  #numbered(packet: PacketBuffer): LinkPacket {
    const at = this.#world.scheduler.now();
    const index = this.#entered;
    this.#entered += 1;
    const view = (): PacketView => new PacketView(index, this.direction, at, packet, this.medium);
    // The dice are thrown in the order of the numbers, whatever comes of the packet before it meets them.
    const fate = this.#dice.of(index, at, view);
    return { packet, index, copy: 0, at, fate, queuedAt: at, extraDelay: 0, mayOvertake: false };
  }

  #enter(frame: PacketBuffer): void {
    this.gate.enter(this.#numbered(frame));
  }

  #pastRules(packet: LinkPacket, delay: number, duplicates: number): void {
    packet.extraDelay += delay;
    packet.mayOvertake = delay > 0;
    const refused = this.#throughMiddleboxes(packet);
    if (refused !== undefined) return this.#lose(packet, refused);
    for (const each of this.#fit(packet)) this.#impaired(each);
    for (let copy = 1; copy <= duplicates; copy++) this.#toQueue(this.#copy(packet, 100 + copy, 0));
  }

  #throughMiddleboxes(packet: LinkPacket): LinkReason | undefined {
    for (const box of this.#settings.middleboxes ?? []) {
      const passage: Passage = {
        packet: packet.packet,
        direction: this.direction,
        medium: this.medium,
        now: this.#world.scheduler.now(),
        inject: (own, direction) => (direction === this.direction ? this.inject(own) : this.sendBack(own)),
        rewrote: (detail) => this.#action('rewrite', packet.index, `${box.name}: ${detail}`),
      };
      const verdict = box.process(passage);
      if (verdict !== 'pass') return verdict;
    }
    return undefined;
  }

  /** The packet, or the pieces that the path takes it in. */
  #fit(packet: LinkPacket): readonly LinkPacket[] {
    const { pathMtu } = this.#settings;
    if (pathMtu === undefined) return [packet];
    const offset = this.medium === 'ethernet' ? 14 : 0;
    packet.packet.head += offset;
    const result = tooBigFor(packet.packet, pathMtu);
    packet.packet.head -= offset;
    if (result === undefined) return [packet];
    if (offset > 0 && pathMtu.tooBig === 'icmp')
      throw new Error(`${this.name}: pathMtu with ICMP needs a link of medium ip; use tooBig: 'black-hole'`);
    if (result.error !== undefined) this.sendBack(result.error);
    if (result.reason !== undefined) this.#lose(packet, result.reason);
    return result.pieces.map((piece) => ({ ...packet, packet: piece }));
  }

  #impaired(packet: LinkPacket): void {
    const { fate } = packet;
    if (fate.lost) return this.#lose(packet, 'LINK_LOSS');
    if (fate.corruption !== undefined) {
      corrupt(packet.packet, fate.corruption, this.medium);
      const { kind = 'bit', checksum = 'wrong' } = this.#settings.corruption ?? {};
      this.#action('corrupt', packet.index, `${kind}, checksum ${checksum}`);
    }
    packet.extraDelay += fate.jitter;
    if (fate.heldUp !== undefined) {
      packet.extraDelay += fate.heldUp;
      packet.mayOvertake = true;
      this.#action('reorder', packet.index, `held up ${fate.heldUp} µs`);
    }
    const copies = fate.copies.map((delay, number) => this.#copy(packet, number + 1, delay));
    this.#toQueue(packet);
    for (const copy of copies) {
      this.#action('duplicate', packet.index, 'copy');
      this.#toQueue(copy);
    }
  }

  #copy(packet: LinkPacket, copy: number, delay: number): LinkPacket {
    const extraDelay = packet.extraDelay + delay;
    return {
      ...packet,
      packet: copyOf(packet.packet),
      copy,
      extraDelay,
      mayOvertake: delay > 0 || packet.mayOvertake,
    };
  }

  #toQueue(packet: LinkPacket): void {
    if (this.#server.isNeeded) this.#server.push(packet);
    else this.#depart(packet, this.#world.scheduler.now());
  }

  #depart(packet: LinkPacket, at: number): void {
    const { delay = 0 as Duration, jitter } = this.#settings;
    const arrival = Math.max(at, at + delay + packet.extraDelay);
    // Without jitter a link does not reorder, even if its delay changes.
    this.#line.send(packet, arrival, jitter === undefined || (jitter.ordered ?? false));
  }

  #deliver(packets: readonly LinkPacket[]): void {
    if (this.receiver !== undefined) {
      this.receiver.framesArrived(buffersOf(packets));
      // As a device does that uses its memory again: who keeps frames without copying them is found out.
      for (const { packet } of packets) packet.bytes.fill(0xdb);
      return;
    }
    for (const packet of packets) this.#lose(packet, 'LINK_UNPLUGGED');
  }

  #replaceQueue(options: QueueOptions | undefined): void {
    const now = this.#world.scheduler.now();
    for (
      let packet = this.#server.queue.dequeue(now);
      packet !== undefined;
      packet = this.#server.queue.dequeue(now)
    )
      this.#lose(packet, 'LINK_QUEUE_FULL');
    this.#server.queue = makeQueue(options, this.#queueEnvironment());
  }

  #queueEnvironment(): QueueEnvironment {
    const dice = this.#dice.dice('queue');
    return {
      lose: (packet, reason) => this.#lose(packet, reason),
      mark: (packet) => {
        const marked = markCongestion(packet.packet, this.medium);
        if (marked) this.#action('mark', packet.index, 'congestion experienced');
        return marked;
      },
      chance: (packet, probability) =>
        this.#redChance(packet, () => dice.chance(probability, packet.index, 2 + packet.copy)),
      perturbation: dice.u32(0, 1),
      medium: this.medium,
    };
  }

  #redChance(packet: LinkPacket, roll: () => boolean): boolean {
    const text = (): string => `${this.name} #${packet.index} RED ${this.#view(packet).describe()}`;
    const key = `${this.name} #${packet.index} red${packet.copy > 0 ? ` copy ${packet.copy}` : ''}`;
    const now = this.#world.scheduler.now();
    return this.#world.plan.decide(key, 'red', now, () => (roll() ? true : undefined), text) ?? false;
  }

  #lose(packet: LinkPacket, reason: LinkReason): void {
    const { bytes, head, tail } = packet.packet;
    this.#world.emit({
      type: 'link-loss',
      at: this.#world.scheduler.now(),
      by: this.name,
      reason,
      sentence: LINK_REASONS[reason],
      medium: this.medium,
      bytes,
      head,
      tail,
      index: packet.index,
    });
  }

  #action(action: Extract<LinkEvent, { type: 'link' }>['action'], index: number, detail: string): void {
    this.#world.emit({ type: 'link', at: this.#world.scheduler.now(), by: this.name, action, index, detail });
  }

  #view(packet: LinkPacket): PacketView {
    return new PacketView(
      packet.index,
      this.direction,
      this.#world.scheduler.now() as Instant,
      packet.packet,
      this.medium,
    );
  }
}
