import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS, type Offloads } from '../../stack/link/device.ts';
import type { Instant } from '../../stack/time.ts';
import type { FaultRule } from '../rules.ts';
import type { Verdict } from '../../device/layers/frame-rule.ts';
import type { Impairments } from './impairments.ts';
import { type ImpairmentChanges, Lane, type LaneWorld } from './lane.ts';
import type { LinkDirection } from './link-event.ts';
import { RuleHandle, type RuleOptions } from './rule.ts';

/** What a link is made with. Impairments at the top count for both directions, those under a direction for it alone. */
export interface LinkOptions extends Impairments {
  /** How the trace and the plan call it; `a-b` after its ends at first. Its dice depend on it. */
  readonly name?: string;
  /** The largest IP packet in bytes that the devices at its ends know of; 1500 at first. */
  readonly mtu?: number;
  readonly medium?: 'ip' | 'ethernet';
  readonly 'a→b'?: Impairments;
  readonly 'b→a'?: Impairments;
  /** Such as `10.0.1.0/24`: the ends get its first two addresses. By default 10.0.n.0/24 for the n-th link. */
  readonly subnet?: string;
  /** The devices at its ends take super-segments and cut them, as TSO does; false at first. */
  readonly segmentation?: boolean;
  /** Such as `fd00:1::/64`: hosts and routers at its ends get IPv6 addresses too, in use at once; none at first. */
  readonly subnet6?: string;
}

/** What a link needs of its world, beyond what a lane does. */
export interface LinkWorld extends LaneWorld {
  /** Runs `task` at `at`. */
  at(at: Instant, task: () => void): void;
  /** Whether the plan has this change of a link; asks in the order in which the scenario makes them. */
  scheduled(place: string, at: Instant, what: string): boolean;
}

/** Which directions something is about. */
export type Directions = LinkDirection | 'both';

/** A link between two ends. `a→b` leads from the first to the second. */
export class Link {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly 'a→b': Lane;
  readonly 'b→a': Lane;
  /** Its two devices. */
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly rules: RuleHandle[] = [];
  readonly #world: LinkWorld;

  constructor(world: LinkWorld, name: string, endNames: readonly [string, string], options: LinkOptions) {
    this.#world = world;
    this.name = name;
    this.medium = options.medium ?? 'ip';
    this.mtu = options.mtu ?? 1500;
    const both = impairmentsOf(options);
    const lane = (direction: LinkDirection): Lane =>
      new Lane(world, name, direction, this.medium, this.rules, { ...both, ...options[direction] });
    const there = lane('a→b');
    const back = lane('b→a');
    this['a→b'] = there;
    this['b→a'] = back;
    there.sendBack = (packet) => back.inject(packet);
    back.sendBack = (packet) => there.inject(packet);
    const cuts = options.segmentation ?? false;
    this.ends = [
      new LinkEnd(endNames[0], this, there, back, cuts),
      new LinkEnd(endNames[1], this, back, there, cuts),
    ];
  }

  /** Packets that wait, are on their way, or are held, both ways. */
  get carried(): number {
    return this['a→b'].carried + this['b→a'].carried;
  }

  lanes(directions: Directions = 'both'): readonly Lane[] {
    return directions === 'both' ? [this['a→b'], this['b→a']] : [this[directions]];
  }

  /** Adds a rule; it looks at packets after those that were added before it. */
  rule(options: RuleOptions): RuleHandle {
    const handle = new RuleHandle(options, (rule, count) => {
      for (const lane of this.lanes()) lane.gate.release(rule, count);
    });
    this.rules.push(handle);
    return handle;
  }

  /** Adds a fault of `rules.ts`; `fault.assertFired()` still says whether it struck, and the world asks as well. */
  fault(fault: FaultRule<Verdict>): RuleHandle {
    return this.rule({
      name: fault.name,
      verdict: ({ index, direction, at, packet }) => fault.judge({ index, direction, at, packet }),
    });
  }

  /** Changes impairments from now on; `undefined` switches one off. */
  configure(changes: ImpairmentChanges, directions: Directions = 'both'): void {
    for (const lane of this.lanes(directions)) lane.configure(changes);
  }

  /** Switches everything off but delay, rate, queue and middleboxes: loss, corruption, duplication, reordering, jitter, slots. */
  calm(): void {
    const off = { loss: undefined, corruption: undefined, duplication: undefined, reordering: undefined };
    this.configure({ ...off, jitter: undefined, slots: undefined });
    for (const lane of this.lanes()) {
      lane.gate.setDown(false);
      lane.gate.setClogged(false);
    }
    for (const rule of this.rules) rule.lift();
  }

  /** Down from `from` to `to` (for good, without it), or only one way. An entry of the plan. */
  down(from: Instant, to?: Instant, directions: Directions = 'both'): void {
    const end = to === undefined ? 'the end' : `${to} µs`;
    if (!this.#world.scheduled(`${this.name} ${directions}`, from, `down ${from} µs to ${end}`)) return;
    this.#world.at(from, () => this.#setDown(true, directions));
    if (to !== undefined) this.#world.at(to, () => this.#setDown(false, directions));
  }

  /** Other impairments from `at` on. An entry of the plan. */
  change(at: Instant, changes: ImpairmentChanges, directions: Directions = 'both'): void {
    const what = `change of ${Object.keys(changes).join(', ')}`;
    if (!this.#world.scheduled(`${this.name} ${directions}`, at, what)) return;
    this.#world.at(at, () => this.configure(changes, directions));
  }

  /** Holds everything that enters from `from` to `to`. An entry of the plan. */
  clog(from: Instant, to: Instant, directions: Directions = 'both'): void {
    if (!this.#world.scheduled(`${this.name} ${directions}`, from, `clogged ${from} µs to ${to} µs`)) return;
    this.#world.at(from, () => this.lanes(directions).forEach((lane) => lane.gate.setClogged(true)));
    this.#world.at(to, () => this.lanes(directions).forEach((lane) => lane.gate.setClogged(false)));
  }

  #setDown(down: boolean, directions: Directions): void {
    for (const lane of this.lanes(directions)) lane.gate.setDown(down);
  }
}

/** The impairments among the options of a link. */
function impairmentsOf(options: LinkOptions): Impairments {
  const {
    name: _n,
    mtu: _m,
    medium: _d,
    subnet: _s,
    subnet6: _6,
    segmentation: _t,
    'a→b': _a,
    'b→a': _b,
    ...impairments
  } = options;
  return impairments;
}

/** Super-segments of both versions of IP are taken. */
const CUTS: Offloads = { checksum: false, tso4: true, tso6: true };

/** A device at one end of a link. It takes every frame: what waits does so in the link's queue. */
export class LinkEnd implements Device {
  readonly name: string;
  readonly link: Link;
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offloads: Offloads;
  readonly headroom: number = 0;
  readonly receiveQueue: number | undefined = undefined;
  onWritable: (() => void) | undefined;
  readonly out: Lane;
  readonly in: Lane;
  #closed: boolean = false;

  constructor(name: string, link: Link, out: Lane, incoming: Lane, cuts: boolean) {
    this.name = name;
    this.link = link;
    this.medium = link.medium;
    this.mtu = link.mtu;
    this.out = out;
    this.in = incoming;
    this.offloads = cuts ? CUTS : NO_OFFLOADS;
  }

  attach(receiver: DeviceReceiver): void {
    if (this.in.receiver !== undefined) throw new Error(`device ${this.name} has a receiver already`);
    this.in.receiver = receiver;
  }

  transmit(frames: readonly PacketBuffer[]): number {
    if (!this.#closed) for (const frame of frames) this.out.transmit(frame); // the lane cuts
    return frames.length;
  }

  hold(_keepAlive: boolean): void {
    // Virtual time keeps no process alive.
  }

  close(): void {
    this.#closed = true;
    this.in.receiver = undefined;
  }
}
