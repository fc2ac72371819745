import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Alarm, Instant, Scheduler } from '../../stack/time.ts';
import type { LinkPacket } from './link-packet.ts';

interface Arrival {
  readonly at: Instant;
  readonly packets: LinkPacket[];
}

/** Packets on their way, ordered by when they arrive; what is due at one instant arrives together, in order. */
export class DelayLine {
  readonly #scheduler: Scheduler;
  readonly #alarm: Alarm;
  readonly #arrive: (packets: readonly LinkPacket[]) => void;
  /** Those before `#first` are over. Taking the first out each time would move all others: a long fat path has 80,000. */
  readonly #arrivals: (Arrival | undefined)[] = [];
  #first: number = 0;
  #onTheirWay: number = 0;
  /** When the latest packet arrives that others have to stay behind. */
  #last: number = 0;

  constructor(scheduler: Scheduler, arrive: (packets: readonly LinkPacket[]) => void) {
    this.#scheduler = scheduler;
    this.#arrive = arrive;
    this.#alarm = scheduler.alarm(() => this.#deliver());
  }

  /** Packets on their way. */
  get size(): number {
    return this.#onTheirWay;
  }

  /** Sends a packet on its way; `ordered`: not before the one that was sent before it. */
  send(packet: LinkPacket, arrival: number, ordered: boolean): void {
    const now = this.#scheduler.now();
    const at = Math.max(now, arrival, ordered && !packet.mayOvertake ? this.#last : 0);
    if (!packet.mayOvertake && at > this.#last) this.#last = at;
    this.#arrivalAt(at as Instant).packets.push(packet);
    this.#onTheirWay += 1;
    this.#alarm.set((this.#arrivals[this.#first]?.at ?? at) as Instant);
  }

  #arrivalAt(at: Instant): Arrival {
    let place = this.#arrivals.length;
    while (place > this.#first) {
      const earlier = this.#arrivals[place - 1];
      if (earlier === undefined || earlier.at < at) break;
      if (earlier.at === at) return earlier;
      place -= 1;
    }
    const arrival = { at, packets: [] };
    this.#arrivals.splice(place, 0, arrival);
    return arrival;
  }

  #deliver(): void {
    const first = this.#arrivals[this.#first];
    if (first === undefined || first.at > this.#scheduler.now()) return;
    this.#arrivals[this.#first] = undefined; // its packets are somebody else's now
    this.#first += 1;
    if (this.#first * 2 > this.#arrivals.length) {
      this.#arrivals.splice(0, this.#first);
      this.#first = 0;
    }
    const next = this.#arrivals[this.#first];
    if (next !== undefined) this.#alarm.set(next.at);
    this.#onTheirWay -= first.packets.length;
    this.#arrive(first.packets);
  }
}

/** The bytes of packets, as a device hands them over. */
export function buffersOf(packets: readonly LinkPacket[]): PacketBuffer[] {
  return packets.map(({ packet }) => packet);
}
