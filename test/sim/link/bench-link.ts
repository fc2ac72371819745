import { Link, type LinkOptions } from '../../../sim/link/link.ts';
import type { LinkEvent } from '../../../sim/link/link-event.ts';
import { FaultPlan, type PlanEntry } from '../../../sim/plan.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../../stack/time.ts';
import { ipv4 } from '../../../stack/wire/address.ts';
import * as ip from '../../../stack/wire/ipv4.ts';
import { emit } from '../../../stack/wire/udp.ts';

/** What arrived at the second end. */
export interface Arrived {
  readonly at: number;
  /** The number that the packet carries. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** A link with nothing but a clock around it. */
export class BenchLink {
  readonly clock: VirtualClock = new VirtualClock();
  readonly events: LinkEvent[] = [];
  readonly plan: FaultPlan;
  readonly link: Link;
  /** By direction. */
  readonly there: Arrived[] = [];
  readonly back: Arrived[] = [];

  constructor(options: LinkOptions = {}, seed: number = 1, name: string = 'l', plan?: readonly PlanEntry[]) {
    this.plan = new FaultPlan(plan);
    this.link = new Link(
      {
        scheduler: this.clock,
        seed,
        plan: this.plan,
        emit: (event) => this.events.push(event),
        at: (at, task) => this.clock.at(at, task),
        scheduled: () => true,
      },
      name,
      ['left', 'right'],
      options,
    );
    this.#listen(1, this.there);
    this.#listen(0, this.back);
  }

  /** Sends `count` packets of `size` bytes, one each `gap` µs, from now on; they carry the numbers from `first` on. */
  send(
    count: number,
    options: { size?: number; gap?: number; first?: number; end?: 0 | 1; tos?: number; port?: number } = {},
  ): void {
    const { size = 100, gap = 0, first = 0, end = 0, tos = 0, port = 9 } = options;
    const begin = this.clock.now();
    for (let index = 0; index < count; index++) {
      this.clock.at((begin + index * gap) as Instant, () =>
        this.link.ends[end].transmit([packet(first + index, size, tos, port)]),
      );
    }
  }

  run(until?: number): this {
    this.clock.run(until as Instant | undefined);
    return this;
  }

  /** The numbers that arrived. */
  get numbers(): readonly number[] {
    return this.there.map(({ number }) => number);
  }

  /** The numbers of `count` that did not. */
  missing(count: number): readonly number[] {
    const here = new Set(this.numbers);
    return Array.from({ length: count }, (_, number) => number).filter((number) => !here.has(number));
  }

  /** Why packets were lost, and how many. */
  get losses(): Readonly<Record<string, number>> {
    const count: Record<string, number> = {};
    for (const event of this.events)
      if (event.type === 'link-loss') count[event.reason] = (count[event.reason] ?? 0) + 1;
    return count;
  }

  #listen(end: 0 | 1, into: Arrived[]): void {
    this.link.ends[end].attach({
      framesArrived: (frames) => {
        for (const { bytes, head, tail } of frames) {
          const copy = bytes.slice(head, tail);
          const number = copy.length < 32 ? -1 : new DataView(copy.buffer).getUint32(28);
          into.push({ at: this.clock.now(), number, bytes: copy });
        }
      },
      deviceClosed: () => undefined,
    });
  }
}

/** A UDP packet of `size` bytes (32 and up) whose payload begins with `number`. */
export function packet(number: number, size: number = 100, tos: number = 0, port: number = 9): PacketBuffer {
  const made = PacketBuffer.allocate(size, 28);
  made.tail = size;
  made.view.setUint32(28, number);
  for (let at = 32; at < size; at++) made.bytes[at] = at & 0xff;
  const [source, destination] = [ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 2)];
  emit({ sourcePort: port, destinationPort: 9 }, made, source, destination);
  const rest = { identification: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 };
  ip.emit({ source, destination, protocol: ip.PROTOCOL_UDP, ttl: 64, tos, ...rest }, made);
  return made;
}

/** The arithmetic mean, and the standard deviation. */
export function statistics(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
