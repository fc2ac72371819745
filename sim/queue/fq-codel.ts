import { transportOf } from '../../device/segmentation.ts';
import type { Duration, Instant } from '../../stack/time.ts';
import type { LinkPacket } from '../link/link-packet.ts';
import { CoDelState } from './codel.ts';
import { Fifo, type Queue, type QueueEnvironment } from './queue.ts';

/** Flow queues, each with CoDel, served in turns [RFC 8290]. */
export interface FqCoDelOptions {
  readonly discipline: 'fq-codel';
  /** Queues that flows are hashed to; 1024 at first [RFC 8290 5.2.4]. */
  readonly flows?: number;
  /** Bytes a queue may send per turn; 1514 at first [RFC 8290 5.2.3]. */
  readonly quantum?: number;
  /** Packets in all queues together; 10240 at first [RFC 8290 5.2.5]. */
  readonly limit?: number;
  /** See `CoDelOptions`. */
  readonly target?: Duration;
  readonly interval?: Duration;
  readonly ecn?: boolean;
}

interface Flow {
  readonly fifo: Fifo;
  readonly codel: CoDelState;
  /** Bytes that it may still send in this turn. */
  credit: number;
  list: 'new' | 'old' | undefined;
}

/** FQ-CoDel: deficit round robin over flows, new flows first, CoDel in each. */
export class FqCoDel implements Queue {
  readonly #options: FqCoDelOptions;
  readonly #environment: QueueEnvironment;
  readonly #quantum: number;
  readonly #limit: number;
  readonly #flows: Map<number, Flow> = new Map();
  readonly #new: Flow[] = [];
  readonly #old: Flow[] = [];
  packets: number = 0;
  bytes: number = 0;

  constructor(options: FqCoDelOptions, environment: QueueEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#quantum = options.quantum ?? 1514;
    this.#limit = options.limit ?? 10_240;
  }

  enqueue(packet: LinkPacket): void {
    const flow = this.#flowOf(packet);
    flow.fifo.push(packet);
    this.#count(packet, 1);
    if (flow.list === undefined) {
      flow.list = 'new';
      flow.credit = this.#quantum;
      this.#new.push(flow);
    }
    if (this.packets > this.#limit) this.#dropFromFattest();
  }

  dequeue(now: Instant): LinkPacket | undefined {
    for (;;) {
      const list = this.#new.length > 0 ? this.#new : this.#old;
      const flow = list[0];
      if (flow === undefined) return undefined;
      if (flow.credit <= 0) {
        flow.credit += this.#quantum;
        this.#moveToOld(list, flow);
        continue;
      }
      const packet = flow.codel.dequeue(flow.fifo, now, (dropped) => this.#count(dropped, -1));
      if (packet !== undefined) {
        flow.credit -= packet.packet.length;
        this.#count(packet, -1);
        return packet;
      }
      // A new flow that ran empty takes a turn among the old ones, so that it cannot stay new for ever [RFC 8290 4.2].
      if (list === this.#new && this.#old.length > 0) this.#moveToOld(list, flow);
      else {
        list.shift();
        flow.list = undefined;
      }
    }
  }

  #moveToOld(list: Flow[], flow: Flow): void {
    list.shift();
    flow.list = 'old';
    this.#old.push(flow);
  }

  #count(packet: LinkPacket, sign: 1 | -1): void {
    this.packets += sign;
    this.bytes += sign * packet.packet.length;
  }

  /** From the head of the queue with the most bytes [RFC 8290 4.1.2]. */
  #dropFromFattest(): void {
    let fattest: Flow | undefined;
    for (const flow of this.#flows.values()) if (flow.fifo.bytes > (fattest?.fifo.bytes ?? 0)) fattest = flow;
    const packet = fattest?.fifo.shift();
    if (packet === undefined) return;
    this.#count(packet, -1);
    this.#environment.lose(packet, 'LINK_QUEUE_FULL');
  }

  #flowOf(packet: LinkPacket): Flow {
    const bucket = this.#hash(packet) % (this.#options.flows ?? 1024);
    let flow = this.#flows.get(bucket);
    if (flow === undefined) {
      const codel = new CoDelState(this.#options, this.#environment);
      flow = { fifo: new Fifo(), codel, credit: 0, list: undefined };
      this.#flows.set(bucket, flow);
    }
    return flow;
  }

  /** Of addresses, protocol and ports; all that is neither TCP nor UDP is one flow. */
  #hash({ packet }: LinkPacket): number {
    const layout = transportOf(packet, this.#environment.medium);
    if (layout === undefined) return 0;
    const { view } = packet;
    const from = layout.version === 4 ? layout.ip + 12 : layout.ip + 8;
    const to = layout.version === 4 ? layout.ip + 20 : layout.ip + 40;
    let hash = this.#environment.perturbation ^ layout.protocol ^ view.getUint32(layout.transport);
    for (let at = from; at < to; at += 4) {
      hash = Math.imul(hash ^ view.getUint32(at), 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    return hash >>> 0;
  }
}
