import type { Alarm, Instant, Scheduler } from '../../stack/time.ts';
import type { KeyedDice } from '../random.ts';
import type { Queue } from '../queue/queue.ts';
import type { Rate, Slots } from './impairments.ts';
import type { LinkPacket } from './link-packet.ts';

/** What takes packets out of the queue at the link's rate and in its slots. */
export class Server {
  queue: Queue;
  readonly #scheduler: Scheduler;
  readonly #alarm: Alarm;
  readonly #dice: KeyedDice;
  readonly #leave: (packet: LinkPacket, at: number) => void;
  #rate: Rate | undefined;
  #slots: Slots | undefined;
  /** When the last packet is wholly sent, or (with a bucket) when there will be tokens again; in µs with fractions. */
  #free: number = Number.NEGATIVE_INFINITY;
  /** When the next packet may leave. */
  #busyUntil: number = 0;
  #slotNumber: number = 0;
  #slotOpens: number = 0;
  #slotPackets: number = 0;
  #slotBytes: number = 0;

  /** `leave` gets each packet, and when it has left: now or later. */
  constructor(
    scheduler: Scheduler,
    queue: Queue,
    dice: KeyedDice,
    leave: (packet: LinkPacket, at: number) => void,
  ) {
    this.#scheduler = scheduler;
    this.queue = queue;
    this.#dice = dice;
    this.#leave = leave;
    this.#alarm = scheduler.alarm(() => this.serve());
  }

  /** Whether packets have to queue at all. */
  get isNeeded(): boolean {
    return this.#rate !== undefined || this.#slots !== undefined || this.queue.packets > 0;
  }

  set rate(rate: Rate | undefined) {
    if (rate !== undefined && !(rate.bitsPerSecond > 0))
      throw new RangeError(
        `a link needs a rate above 0 bits/s, not ${rate.bitsPerSecond}: take it down instead`,
      );
    this.#rate = rate;
    // What is being sent goes on at the old rate.
    this.#alarm.set(this.#scheduler.now());
  }

  set slots(slots: Slots | undefined) {
    this.#slots = slots;
    this.#alarm.set(this.#scheduler.now());
  }

  push(packet: LinkPacket): void {
    const now = this.#scheduler.now();
    packet.queuedAt = now;
    this.queue.enqueue(packet, now);
    this.serve();
  }

  /** Sends what may leave now, and wakes up for the rest. */
  serve(): void {
    const now = this.#scheduler.now();
    while (this.queue.packets > 0) {
      const opens = Math.max(this.#busyUntil, this.#slotTime(now));
      if (opens > now) {
        this.#alarm.set(opens as Instant);
        return;
      }
      const packet = this.queue.dequeue(now);
      if (packet === undefined) return;
      this.#slotPackets -= 1;
      this.#slotBytes -= packet.packet.length;
      const left = this.#sent(packet, now);
      this.#busyUntil = left;
      this.#leave(packet, left);
    }
  }

  /** When a packet that is begun now has left. */
  #sent({ packet: { length }, queuedAt }: LinkPacket, now: Instant): number {
    const rate = this.#rate;
    if (rate === undefined) return now;
    const perByte = 8_000_000 / rate.bitsPerSecond;
    const saved = (rate.burst ?? 0) * perByte;
    // What a real clock's alarm was late is no idle time for a packet that waited; so little is a fraction of a µs that was rounded up.
    const could = (this.#slots === undefined ? queuedAt : now) - saved;
    const begins = Math.ceil(this.#free) >= could ? this.#free : could;
    this.#free = begins + Math.max(1, length + (rate.overhead ?? 0)) * perByte;
    return Math.max(now, Math.ceil(this.#free));
  }

  /** When the slot opens in which the next packet may leave. */
  #slotTime(now: Instant): number {
    const slots = this.#slots;
    if (slots === undefined) return now;
    const used = this.#slotPackets <= 0 || this.#slotBytes <= 0;
    if (now >= this.#slotOpens && used) {
      const width = slots.maxDelay - slots.minDelay + 1;
      const gap = slots.minDelay + (this.#dice.u32(this.#slotNumber) % width);
      this.#slotNumber += 1;
      this.#slotOpens = (this.#slotNumber === 1 ? now : Math.max(this.#slotOpens, now)) + gap;
      this.#slotPackets = slots.packets ?? Number.POSITIVE_INFINITY;
      this.#slotBytes = slots.bytes ?? Number.POSITIVE_INFINITY;
    }
    return this.#slotOpens;
  }
}
