import type { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { DeviceReceiver, Offloads } from '../stack/link/device.ts';
import { after, us, type Alarm, type Duration, type Instant, type Scheduler } from '../stack/time.ts';
import type { FrameRule, PassingFrame, Verdict } from './layers/frame-rule.ts';
import { FrameStore, type StoreChunk } from './layers/frame-store.ts';
import { segments, transportOf } from './segmentation.ts';

/** From the first device of the pair to the second one, or back. */
export type WireDirection = 'a→b' | 'b→a';

/** What both directions of a wire have in common: see `WireOptions`. */
export interface WireSettings {
  readonly mtu: number;
  readonly medium: 'ip' | 'ethernet';
  readonly offloads: Offloads;
  readonly queue: number | undefined;
  readonly onFrame: FrameRule | undefined;
}

/** Frames that arrive together. `chunks[i]` holds the bytes of `packets[i]`. */
interface Arrival {
  at: Instant;
  readonly packets: PacketBuffer[];
  readonly chunks: StoreChunk[];
}

/** Room for an Ethernet header with two VLAN tags. */
const LARGEST_LINK_HEADER = 22;

/** One direction of the wire: the frames on their way, ordered by when they arrive, and one wake-up for the earliest. */
export class WireLane {
  receiver: DeviceReceiver | undefined;
  onWritable: (() => void) | undefined;
  readonly #scheduler: Scheduler;
  readonly #direction: WireDirection;
  readonly #delay: Duration;
  readonly #settings: WireSettings;
  readonly #store: FrameStore = new FrameStore();
  readonly #alarm: Alarm;
  /** In front of each frame, so that the IP header is aligned to four bytes. */
  readonly #headroom: number;
  readonly #largestFrame: number;
  readonly #arrivals: Arrival[] = [];
  readonly #spare: Arrival[] = [];
  #onTheirWay: number = 0;
  #crossed: number = 0;
  #refused: boolean = false;
  /** Whether `#deliver` is to run at the end of this turn. */
  #soon: boolean = false;

  readonly #allocate = (headroom: number, size: number): PacketBuffer => this.#store.allocate(headroom, size);
  readonly #cross = (frame: PacketBuffer): void => this.#depart(frame, this.#store.current);
  readonly #deliverSoon = (): void => {
    this.#soon = false;
    this.#deliver();
  };

  constructor(scheduler: Scheduler, direction: WireDirection, delay: Duration, settings: WireSettings) {
    this.#scheduler = scheduler;
    this.#direction = direction;
    this.#delay = delay;
    this.#settings = settings;
    this.#headroom = settings.medium === 'ethernet' ? 2 : 0;
    this.#largestFrame = settings.mtu + (settings.medium === 'ethernet' ? LARGEST_LINK_HEADER : 0);
    this.#alarm = scheduler.alarm(() => this.#deliver());
  }

  hold(keepAlive: boolean): void {
    this.#alarm.hold(keepAlive);
  }

  transmit(frames: readonly PacketBuffer[]): number {
    const limit = this.#settings.queue ?? Number.POSITIVE_INFINITY;
    let taken = 0;
    for (const frame of frames) {
      if (this.#onTheirWay >= limit) break;
      this.#take(frame);
      taken += 1;
    }
    if (taken < frames.length) this.#refused = true;
    return taken;
  }

  /** Copies a frame onto the wire: whole if the wire offers it, else as the segments it stands for. */
  #take(frame: PacketBuffer): void {
    if (frame.segmentSize > 0 ? this.#takesUncut(frame) : this.#takesChecksum(frame)) {
      this.#depart(this.#copyOf(frame), this.#store.current);
    } else {
      segments(frame, this.#settings.medium, this.#allocate, this.#cross, this.#headroom);
    }
  }

  #takesUncut(frame: PacketBuffer): boolean {
    const { tso4, tso6 } = this.#settings.offloads;
    if (tso4 === tso6) return tso4;
    return transportOf(frame, this.#settings.medium)?.version === 4 ? tso4 : tso6;
  }

  #takesChecksum(frame: PacketBuffer): boolean {
    return frame.checksum !== 'partial' || this.#settings.offloads.checksum;
  }

  #copyOf(frame: PacketBuffer): PacketBuffer {
    const copy = this.#store.allocate(this.#headroom, frame.length);
    copy.bytes.set(frame.contents(), copy.head);
    copy.tail = copy.head + frame.length;
    copy.segmentSize = frame.segmentSize;
    copy.checksum = frame.checksum === 'partial' ? 'partial' : 'complete';
    return copy;
  }

  /** Sends a frame of the wire's own memory on its way, as the rule says. */
  #depart(packet: PacketBuffer, chunk: StoreChunk): void {
    if (packet.segmentSize === 0 && packet.length > this.#largestFrame) {
      const { mtu } = this.#settings;
      throw new RangeError(`a frame of ${packet.length} bytes is too long for a wire with an MTU of ${mtu}`);
    }
    const index = this.#crossed;
    this.#crossed += 1;
    const rule = this.#settings.onFrame;
    if (rule === undefined) return this.#arrive(packet, chunk, this.#delay);
    const frame: PassingFrame = {
      index,
      direction: this.#direction,
      at: this.#scheduler.now(),
      packet,
    };
    this.#obey(rule(frame), packet, chunk);
  }

  #obey(verdict: Verdict, packet: PacketBuffer, chunk: StoreChunk): void {
    if (verdict === 'drop') return this.#store.release(chunk);
    if (verdict === 'pass') return this.#arrive(packet, chunk, this.#delay);
    const delay = us(this.#delay + (verdict.delay ?? 0));
    if (delay < 0) throw new RangeError(`a frame cannot arrive ${-delay} µs before it was sent`);
    this.#arrive(packet, chunk, delay);
    for (let copies = verdict.duplicate ?? 0; copies > 0; copies--) {
      this.#arrive(this.#copyOf(packet), this.#store.current, delay);
    }
  }

  #arrive(packet: PacketBuffer, chunk: StoreChunk, delay: Duration): void {
    const arrival = this.#arrivalAt(delay === 0 ? (0 as Instant) : after(this.#scheduler.now(), delay));
    arrival.packets.push(packet);
    arrival.chunks.push(chunk);
    this.#onTheirWay += 1;
  }

  /** The batch that arrives at `at`, new if there is none yet. `at` 0 stands for the end of this turn. */
  #arrivalAt(at: Instant): Arrival {
    const arrivals = this.#arrivals;
    let place = arrivals.length;
    while (place > 0) {
      const earlier = arrivals[place - 1];
      if (earlier === undefined || earlier.at < at) break;
      if (earlier.at === at) return earlier;
      place -= 1;
    }
    const arrival = this.#spare.pop() ?? { at, packets: [], chunks: [] };
    arrival.at = at;
    arrivals.splice(place, 0, arrival);
    if (at === 0 && !this.#soon) {
      this.#soon = true;
      this.#scheduler.soon(this.#deliverSoon);
    } else if (at > 0 && place === 0) {
      this.#alarm.set(at);
    }
    return arrival;
  }

  /** Hands over all that is due, in one batch, and takes the memory back. */
  #deliver(): void {
    const batch = this.#takeDue();
    if (batch === undefined) return;
    try {
      this.receiver?.framesArrived(batch.packets);
    } finally {
      this.#recycle(batch);
    }
    if (!this.#refused) return;
    this.#refused = false;
    this.onWritable?.();
  }

  #takeDue(): Arrival | undefined {
    const now = this.#scheduler.now();
    let batch: Arrival | undefined;
    let next = this.#arrivals[0];
    while (next !== undefined && next.at <= now) {
      this.#arrivals.shift();
      batch = batch === undefined ? next : this.#merge(batch, next);
      next = this.#arrivals[0];
    }
    if (next !== undefined) this.#alarm.set(next.at);
    return batch;
  }

  /** One batch out of two: a clock that wakes late finds several. */
  #merge(batch: Arrival, next: Arrival): Arrival {
    for (const packet of next.packets) batch.packets.push(packet);
    for (const chunk of next.chunks) batch.chunks.push(chunk);
    this.#empty(next);
    return batch;
  }

  #recycle(batch: Arrival): void {
    this.#onTheirWay -= batch.packets.length;
    for (const chunk of batch.chunks) this.#store.release(chunk);
    this.#empty(batch);
  }

  #empty(arrival: Arrival): void {
    arrival.packets.length = 0;
    arrival.chunks.length = 0;
    this.#spare.push(arrival);
  }
}
