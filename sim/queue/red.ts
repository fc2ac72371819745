import type { Duration, Instant } from '../../stack/time.ts';
import type { LinkPacket } from '../link/link-packet.ts';
import { Fifo, type Queue, type QueueEnvironment } from './queue.ts';

/** Random early detection [Floyd and Jacobson 1993; RFC 2309]. */
export interface RedOptions {
  readonly discipline: 'red';
  /** Average length in packets at which dropping begins, and at which everything is dropped. */
  readonly min: number;
  readonly max: number;
  /** Probability at `max`, 0..1; 0.1 at first. */
  readonly maxProbability?: number;
  /** Packets it holds at most; 4 × `max` at first. */
  readonly limit?: number;
  /** Weight of the present length in the average, 0..1; 0.002 at first. */
  readonly weight?: number;
  /** How long a typical packet takes to send, in µs: by this the average falls while the queue is empty; 1000 at first. */
  readonly idlePacket?: Duration;
  /** Marks ECN-capable packets instead of dropping them; false at first. */
  readonly ecn?: boolean;
}

/** RED: drops (or marks) packets with a probability that grows with the average length of the queue. */
export class Red implements Queue {
  readonly #fifo: Fifo = new Fifo();
  readonly #options: RedOptions;
  readonly #environment: QueueEnvironment;
  #average: number = 0;
  /** Packets since the last one that was dropped or marked; -1: below `min`. */
  #count: number = -1;
  #emptySince: Instant | undefined = 0 as Instant;

  constructor(options: RedOptions, environment: QueueEnvironment) {
    if (!(options.min < options.max)) throw new RangeError('RED: min has to be below max');
    this.#options = options;
    this.#environment = environment;
  }

  get packets(): number {
    return this.#fifo.packets;
  }

  get bytes(): number {
    return this.#fifo.bytes;
  }

  /** The average length in packets, for tests. */
  get average(): number {
    return this.#average;
  }

  enqueue(packet: LinkPacket, now: Instant): void {
    const { max, limit = 4 * max, ecn = false } = this.#options;
    this.#updateAverage(now);
    if (this.packets >= limit) return this.#environment.lose(packet, 'LINK_QUEUE_FULL');
    const chosen = this.#environment.chance(packet, this.#probability());
    if (chosen) {
      this.#count = 0;
      const marked = ecn && this.#average < max && this.#environment.mark(packet);
      if (!marked) return this.#environment.lose(packet, 'LINK_RED');
    }
    this.#emptySince = undefined;
    this.#fifo.push(packet);
  }

  dequeue(now: Instant): LinkPacket | undefined {
    const packet = this.#fifo.shift();
    if (this.packets === 0) this.#emptySince ??= now;
    return packet;
  }

  #updateAverage(now: Instant): void {
    const { weight = 0.002, idlePacket = 1000 } = this.#options;
    if (this.#emptySince === undefined) {
      this.#average += weight * (this.packets - this.#average);
      return;
    }
    // As if `idle` small packets had found an empty queue. Repeated squaring: `Math.pow` may differ between engines.
    let idle = Math.floor((now - this.#emptySince) / idlePacket);
    this.#emptySince = now;
    for (let factor = 1 - weight; idle > 0; idle = Math.floor(idle / 2), factor *= factor) {
      if (idle % 2 === 1) this.#average *= factor;
    }
  }

  #probability(): number {
    const { min, max, maxProbability = 0.1 } = this.#options;
    if (this.#average < min) {
      this.#count = -1;
      return 0;
    }
    if (this.#average >= max) return 1;
    this.#count += 1;
    const base = (maxProbability * (this.#average - min)) / (max - min);
    const spread = 1 - this.#count * base;
    return spread <= 0 ? 1 : Math.min(1, base / spread);
  }
}
