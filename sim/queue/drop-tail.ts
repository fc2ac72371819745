import type { Instant } from '../../stack/time.ts';
import type { LinkPacket } from '../link/link-packet.ts';
import { type DropTailOptions, Fifo, type Queue, type QueueEnvironment } from './queue.ts';

/** First in, first out; what comes when it is full is lost. */
export class DropTail implements Queue {
  readonly #fifo: Fifo = new Fifo();
  readonly #environment: QueueEnvironment;
  readonly #mostPackets: number;
  readonly #mostBytes: number;

  constructor(options: Omit<DropTailOptions, 'discipline'>, environment: QueueEnvironment) {
    this.#environment = environment;
    const unlimited = Number.POSITIVE_INFINITY;
    this.#mostPackets = options.packets ?? (options.bytes === undefined ? 1000 : unlimited);
    this.#mostBytes = options.bytes ?? unlimited;
  }

  get packets(): number {
    return this.#fifo.packets;
  }

  get bytes(): number {
    return this.#fifo.bytes;
  }

  enqueue(packet: LinkPacket): void {
    const full = this.packets >= this.#mostPackets || this.bytes + packet.packet.length > this.#mostBytes;
    if (full) this.#environment.lose(packet, 'LINK_QUEUE_FULL');
    else this.#fifo.push(packet);
  }

  dequeue(_now: Instant): LinkPacket | undefined {
    return this.#fifo.shift();
  }
}
