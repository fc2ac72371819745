import type { Duration, Instant } from '../../stack/time.ts';
import type { LinkPacket } from '../link/link-packet.ts';
import { Fifo, type Queue, type QueueEnvironment } from './queue.ts';

/** Controlled delay [RFC 8289]. */
export interface CoDelOptions {
  readonly discipline: 'codel';
  /** Standing delay that is fine, in µs; 5 ms at first [RFC 8289 4.4]. */
  readonly target?: Duration;
  /** About the longest round trip, in µs; 100 ms at first [RFC 8289 4.3]. */
  readonly interval?: Duration;
  /** Packets it holds at most; 1000 at first. */
  readonly limit?: number;
  /** Marks ECN-capable packets instead of dropping them; false at first. */
  readonly ecn?: boolean;
}

/** Bytes of the largest packet: with no more than that in the queue nothing is dropped [RFC 8289 5.5]. */
const LARGEST_PACKET = 1514;

/** The drop state of one queue [RFC 8289 5]. */
export class CoDelState {
  readonly #target: number;
  readonly #interval: number;
  readonly #ecn: boolean;
  readonly #environment: QueueEnvironment;
  /** When the delay will have been above target for an interval; undefined: it is not. */
  #firstAboveTime: number | undefined;
  #dropNext: number = 0;
  #count: number = 0;
  #lastCount: number = 0;
  #dropping: boolean = false;

  constructor(options: Omit<CoDelOptions, 'discipline'>, environment: QueueEnvironment) {
    this.#target = options.target ?? 5_000;
    this.#interval = options.interval ?? 100_000;
    this.#ecn = options.ecn ?? false;
    this.#environment = environment;
  }

  /** Takes the next packet that is not dropped out of `fifo`. `dropped` hears of each that is. */
  dequeue(
    fifo: Fifo,
    now: Instant,
    dropped: (packet: LinkPacket) => void = () => undefined,
  ): LinkPacket | undefined {
    let { packet, mayDrop } = this.#next(fifo, now);
    if (this.#dropping) {
      if (!mayDrop) this.#dropping = false;
      while (this.#dropping && packet !== undefined && now >= this.#dropNext) {
        this.#count += 1;
        if (this.#marked(packet)) {
          this.#dropNext = this.#controlLaw(this.#dropNext);
          return packet;
        }
        this.#drop(packet, dropped);
        ({ packet, mayDrop } = this.#next(fifo, now));
        if (mayDrop) this.#dropNext = this.#controlLaw(this.#dropNext);
        else this.#dropping = false;
      }
    } else if (mayDrop && packet !== undefined) {
      if (!this.#marked(packet)) {
        this.#drop(packet, dropped);
        ({ packet } = this.#next(fifo, now));
      }
      this.#beginDropping(now);
    }
    return packet;
  }

  #beginDropping(now: Instant): void {
    this.#dropping = true;
    // Soon after the last time, go on about where it had been [RFC 8289 5.4].
    const delta = this.#count - this.#lastCount;
    const recent = now - this.#dropNext < 16 * this.#interval;
    this.#count = delta > 1 && recent ? delta : 1;
    this.#dropNext = this.#controlLaw(now);
    this.#lastCount = this.#count;
  }

  #next(fifo: Fifo, now: Instant): { packet: LinkPacket | undefined; mayDrop: boolean } {
    const packet = fifo.shift();
    if (packet === undefined) {
      this.#firstAboveTime = undefined;
      return { packet, mayDrop: false };
    }
    if (now - packet.queuedAt < this.#target || fifo.bytes <= LARGEST_PACKET) {
      this.#firstAboveTime = undefined;
      return { packet, mayDrop: false };
    }
    if (this.#firstAboveTime === undefined) {
      this.#firstAboveTime = now + this.#interval;
      return { packet, mayDrop: false };
    }
    return { packet, mayDrop: now >= this.#firstAboveTime };
  }

  #marked(packet: LinkPacket): boolean {
    return this.#ecn && this.#environment.mark(packet);
  }

  #drop(packet: LinkPacket, dropped: (packet: LinkPacket) => void): void {
    dropped(packet);
    this.#environment.lose(packet, 'LINK_CODEL');
  }

  /** The next drop comes an interval divided by the root of the count later [RFC 8289 4.6]. */
  #controlLaw(from: number): number {
    return from + Math.floor((this.#interval * 1024) / squareRoot(this.#count * 1024 * 1024));
  }
}

/** The whole square root of a whole number above 0: by Newton's method, as `Math.sqrt` is only as good as the engine. */
export function squareRoot(of: number): number {
  let root = of;
  for (;;) {
    const next = Math.floor((root + Math.floor(of / root)) / 2);
    if (next >= root) return root;
    root = next;
  }
}

/** A queue that keeps its standing delay at the target by dropping (or marking) at its head. */
export class CoDel implements Queue {
  readonly #fifo: Fifo = new Fifo();
  readonly #state: CoDelState;
  readonly #limit: number;
  readonly #environment: QueueEnvironment;

  constructor(options: CoDelOptions, environment: QueueEnvironment) {
    this.#state = new CoDelState(options, environment);
    this.#limit = options.limit ?? 1000;
    this.#environment = environment;
  }

  get packets(): number {
    return this.#fifo.packets;
  }

  get bytes(): number {
    return this.#fifo.bytes;
  }

  enqueue(packet: LinkPacket): void {
    if (this.packets >= this.#limit) this.#environment.lose(packet, 'LINK_QUEUE_FULL');
    else this.#fifo.push(packet);
  }

  dequeue(now: Instant): LinkPacket | undefined {
    return this.#state.dequeue(this.#fifo, now);
  }
}
