import { type Settings, settings as settingsOf, type SettingsChanges } from '../stack/settings.ts';
import type { Random } from '../stack/random.ts';
import { NEVER, type Instant, after, type Duration } from '../stack/time.ts';
import { Invariants } from './check/invariants.ts';
import { SimulationFailure } from './failure.ts';
import { Link, type LinkOptions, type LinkWorld } from './link/link.ts';
import { Partitions } from './network/partitions.ts';
import { WorldHost } from './network/host.ts';
import { Network, type NetworkNode } from './network/network.ts';
import { Router } from './network/router.ts';
import { Switch } from './network/switch.ts';
import { FaultPlan, type PlanEntry } from './plan.ts';
import { seededRandom } from './random.ts';
import { TraceHash } from './trace-hash.ts';
import { VirtualClock } from './virtual-clock.ts';
import { type WorldEvent, isHostEvent, keptEvent } from './world-event.ts';

/** What a world is made with. */
export interface WorldOptions {
  /** Everything that is left to chance follows from it. */
  readonly seed: number | string;
  /** Events of one instant: in the order they were scheduled in, or shuffled by the seed. `fifo` at first. */
  readonly order?: 'fifo' | 'shuffled';
  /** Keeps the trace (`events`); true at first. Sweeps do without, and run a seed that fails again. */
  readonly record?: boolean;
  /** Checks the invariants all along; true at first. */
  readonly checks?: boolean;
  /** Follows this plan instead of the dice. */
  readonly plan?: readonly PlanEntry[];
  /** Settings of hosts that name none. */
  readonly settings?: SettingsChanges;
  /** Virtual time at the beginning, in µs; 0 at first. */
  readonly start?: Instant;
  /** Most events in all; 100 million at first. */
  readonly maxEvents?: number;
  /** Virtual time at which a run that has not ended counts as failed, in µs; none at first. */
  readonly timeLimit?: Duration;
  /**
   * Resolves when the program has had a turn: for programs with promises and streams. `sim/node/tick.ts` has the real one for Node.
   */
  readonly tick?: () => Promise<void>;
}

/** What a host may differ in. */
export interface WorldHostOptions {
  readonly settings?: SettingsChanges;
}

/** How often the program may have a turn without anything coming of it before it counts as settled. */
const QUIET_TICKS = 3;

/** A world of its own: clock, chance, network, trace. Nothing in it depends on anything outside. */
export class World {
  readonly seed: number | string;
  readonly clock: VirtualClock;
  readonly plan: FaultPlan;
  readonly network: Network = new Network();
  readonly hosts: WorldHost[] = [];
  readonly routers: Router[] = [];
  readonly switches: Switch[] = [];
  readonly links: Link[] = [];
  readonly invariants: Invariants | undefined;
  readonly #options: WorldOptions;
  readonly #hash: TraceHash = new TraceHash();
  readonly #events: WorldEvent[] = [];
  readonly #readers: ((event: WorldEvent) => void)[] = [];
  readonly #partitions: Partitions = new Partitions();
  readonly #linkWorld: LinkWorld;
  #lastScheduled: Instant = 0 as Instant;
  #changes: number = 0;
  #actions: number = 0;
  #steps: number = 0;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.#options = options;
    const shuffle = options.order === 'shuffled' ? { shuffle: this.random('event order') } : {};
    this.clock = new VirtualClock({
      ...shuffle,
      ...(options.start !== undefined && { start: options.start }),
    });
    this.plan = new FaultPlan(options.plan);
    if (options.checks !== false)
      this.invariants = new Invariants(this.hosts, () => ({ at: this.now, event: this.#hash.events }));
    this.#linkWorld = {
      scheduler: this.clock,
      seed: this.seed,
      plan: this.plan,
      emit: (event) => this.#emit(event),
      at: (at, task) => this.clock.at(at, task),
      scheduled: (place, at, what) => this.#scheduled(place, at, what),
    };
  }

  get now(): Instant {
    return this.clock.now();
  }

  /** The instant `duration` from now. */
  in(duration: Duration): Instant {
    return after(this.now, duration);
  }

  /** Events of the clock so far. */
  get steps(): number {
    return this.#steps;
  }

  /** The trace so far; empty with `record: false`. */
  get events(): readonly WorldEvent[] {
    return this.#events;
  }

  /** How many trace events there were. */
  get eventCount(): number {
    return this.#hash.events;
  }

  /** The hash of the whole trace so far: sixteen hexadecimal digits. */
  get hash(): string {
    return this.#hash.value;
  }

  /** A stream of chance with a name of its own, for the scenario. */
  random(...names: readonly string[]): Random {
    return seededRandom(this.#options.seed, 'scenario', ...names);
  }

  /** Calls `reader` with each event from now on; views of bytes are valid during the call only. */
  read(reader: (event: WorldEvent) => void): void {
    this.#readers.push(reader);
  }

  // What there is.

  /** A host; its chance depends on its name. */
  host(name: string, options: WorldHostOptions = {}): WorldHost {
    if (this.hosts.some((host) => host.name === name)) throw new Error(`there is a host ${name} already`);
    const changes = options.settings ?? this.#options.settings;
    const settings: Settings | undefined = changes && settingsOf(changes);
    const host = new WorldHost(name, this.seed, this.clock, (event) => this.#emit(event), settings);
    this.hosts.push(host);
    return host;
  }

  /** A router; give it links with `medium: 'ip'`. */
  router(name: string): Router {
    const router = new Router(name, {
      now: () => this.now,
      emit: (event) => this.#emit(event),
      routesOf: (of) => this.network.routesOf(of),
    });
    this.routers.push(router);
    return router;
  }

  /** A switch; give it links with `medium: 'ethernet'`. */
  switch(name: string): Switch {
    const made = new Switch(name);
    this.switches.push(made);
    return made;
  }

  /** A link from `first` to `second`: `a→b` is that way. */
  link(first: NetworkNode, second: NetworkNode, options: LinkOptions = {}): Link {
    const name = options.name ?? this.network.nameFor(first, second);
    if (this.links.some((link) => link.name === name)) throw new Error(`there is a link ${name} already`);
    const endNames = [`${first.name}.${first.ends.length}`, `${second.name}.${second.ends.length}`] as const;
    const link = new Link(this.#linkWorld, name, endNames, options);
    for (const lane of link.lanes()) lane.gate.barrier = (view) => this.#partitions.barrier(view);
    this.links.push(link);
    this.network.connect(link, first, second, options);
    return link;
  }

  // What the scenario does.

  /** Runs `task` at `at`; nothing of the plan. */
  at(at: Instant, task: () => void): void {
    this.clock.at(at, task);
  }

  /** An action of the user at `at`: an entry of the plan, so that shrinking can leave it out. */
  act(name: string, at: Instant, task: () => void): void {
    const number = this.#actions;
    this.#actions += 1;
    const key = `action ${number}`;
    const wanted = this.plan.decide(
      key,
      'action',
      at,
      () => true,
      () => `${name} at ${at} µs`,
    );
    if (wanted === true) this.clock.at(at, task);
  }

  /** A size that shrinking may lower: `whole`, unless the plan says less. */
  size(name: string, whole: number): number {
    const text = (value: number): string => `${name}: ${value}`;
    return this.plan.decide(`size ${name}`, 'size', this.now, () => whole, text) ?? whole;
  }

  /** Lets nothing through from the hosts `from` to the hosts `to` (and back, unless `oneWay`), in the given time. */
  partition(
    from: readonly WorldHost[],
    to: readonly WorldHost[],
    when: { readonly from: Instant; readonly to: Instant; readonly oneWay?: boolean },
  ): void {
    const oneWay = when.oneWay ?? false;
    const what = `${Partitions.describe(from, to, oneWay)} until ${when.to} µs`;
    if (!this.#scheduled('network', when.from, what)) return;
    let end = (): void => undefined;
    this.clock.at(when.from, () => (end = this.#partitions.begin(from, to, oneWay)));
    this.clock.at(when.to, () => end());
  }

  /** Ends all partitions and calms all links: from now on the network does what it can. */
  heal(): void {
    this.#partitions.end();
    for (const link of this.links) link.calm();
  }

  // How time passes.

  /** Runs the next event of the clock; false if there is none. */
  step(): boolean {
    if (this.clock.nextEvent > this.now) this.invariants?.instantOver();
    this.#throwIfBroken();
    this.#steps += 1;
    const most = this.#options.maxEvents ?? 100_000_000;
    if (this.#steps > most)
      throw this.fail('endless', `${most} events: taken for an endless loop; raise maxEvents if it is none`);
    if (this.clock.nextEvent !== NEVER && this.clock.nextEvent > (this.#options.timeLimit ?? NEVER))
      throw this.fail(
        'time limit',
        `the run is not over after ${this.#options.timeLimit} µs of virtual time`,
      );
    const ran = this.clock.step();
    this.#throwIfBroken();
    return ran;
  }

  /** Runs events up to and including `until`, where time then stands; without it until none is left. */
  run(until: Instant = NEVER): void {
    while (this.clock.nextEvent <= until && this.clock.nextEvent !== NEVER) this.step();
    this.invariants?.instantOver();
    this.#throwIfBroken();
    if (until !== NEVER && until > this.now) this.clock.advanceTo(until);
  }

  /** Runs for `duration`. */
  runFor(duration: Duration): void {
    this.run(this.in(duration));
  }

  /** Runs until `done` or `until`; whether it is done. */
  runUntil(done: () => boolean, until: Instant = NEVER): boolean {
    while (!done() && this.clock.nextEvent <= until && this.clock.nextEvent !== NEVER) this.step();
    return done();
  }

  /** Runs what is due now, turn by turn with the program (`tick`), until neither has anything to do at this instant. */
  async settle(): Promise<void> {
    const { tick } = this.#options;
    if (tick === undefined)
      throw new Error('settle needs a tick: createWorld({ tick }) with the one of sim/node');
    for (let quiet = 0; quiet < QUIET_TICKS; quiet++) {
      await tick();
      while (this.clock.nextEvent <= this.now) {
        this.step();
        quiet = -1;
      }
    }
  }

  /** As `run`, with the program settled before each step of time. */
  async runSettled(until: Instant = NEVER, done: () => boolean = () => false): Promise<void> {
    for (;;) {
      await this.settle();
      if (done() || this.clock.nextEvent > until || this.clock.nextEvent === NEVER) break;
      this.step();
    }
    if (!done() && until !== NEVER && until > this.now) this.clock.advanceTo(until);
  }

  // How it ends.

  /**
   * The checks of the end: every rule struck, no entry of a schedule lies after the end, and unless `open`, nothing is left: no
   * connection, no timer, no fragment (invariant 10).
   */
  finish(options: { readonly open?: boolean } = {}): void {
    this.invariants?.instantOver();
    this.#throwIfBroken();
    for (const link of this.links) {
      for (const rule of link.rules) {
        const complaint = rule.complaint();
        if (complaint !== undefined) throw this.fail('rule', `${complaint}, on link ${link.name}`);
      }
    }
    if (!this.plan.isReplay && this.#lastScheduled > this.now)
      throw this.fail(
        'schedule',
        `a change is scheduled for ${this.#lastScheduled} µs, after the end of the run`,
      );
    if (options.open !== true) this.invariants?.atEnd();
    this.#throwIfBroken();
  }

  /** A failure of a check named `check`, here and now; to be thrown. */
  fail(check: string, message: string, hosts: readonly string[] = []): SimulationFailure {
    return new SimulationFailure(check, message, { at: this.now, event: this.eventCount, hosts });
  }

  #emit(event: WorldEvent): void {
    this.#hash.update(event);
    if (this.#options.record !== false) this.#events.push(keptEvent(event));
    if (this.invariants !== undefined && isHostEvent(event)) this.invariants.event(event);
    for (const reader of this.#readers) reader(event);
  }

  #throwIfBroken(): void {
    const broken = this.invariants?.broken;
    if (broken !== undefined) throw broken;
  }

  #scheduled(place: string, at: Instant, what: string): boolean {
    const number = this.#changes;
    this.#changes += 1;
    if (at > this.#lastScheduled) this.#lastScheduled = at;
    const key = `schedule ${number}`;
    return (
      this.plan.decide(
        key,
        'schedule',
        at,
        () => what,
        () => `${place} ${what}`,
      ) !== undefined
    );
  }
}

/** A new world: see `WorldOptions`. */
export function createWorld(options: WorldOptions): World {
  return new World(options);
}
