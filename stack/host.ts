import { HostConfiguration } from './configuration/host-configuration.ts';
import type { HostContext } from './context.ts';
import { type Counters, noCounts } from './counters.ts';
import type { DropReason } from './drop-reasons.ts';
import { Ip } from './ip/ip.ts';
import type { Device } from './link/device.ts';
import type { Interface, InterfaceAddress, InterfaceOptions } from './link/interface.ts';
import { Memory, type MemoryKind } from './memory.ts';
import type { Random } from './random.ts';
import { PROFILES, type Settings } from './settings.ts';
import { type Alarm, type Instant, type Scheduler, earlier } from './time.ts';
import type { Tracer } from './trace.ts';
import { Tcp } from './tcp/tcp.ts';
import { Udp } from './udp/udp.ts';

/** What a host is made with. */
export interface HostOptions {
  /** How the trace calls it. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** The profile `standard` by default; see `settings()`. */
  readonly settings?: Settings;
  /** Reads the trace from the first event on. */
  readonly tracer?: Tracer;
}

/** What `Host.stats` tells. */
export interface HostStats {
  /** Connections by state; states without any are left out. */
  readonly connections: Readonly<Record<string, number>>;
  /** Connections in SYN-RECEIVED. */
  readonly halfOpen: number;
  /** Connections in TIME-WAIT. */
  readonly timeWait: number;
  /** Bytes held, in all, at most (`maxMemory`), and for what. */
  readonly memory: Readonly<Record<MemoryKind | 'total' | 'max', number>>;
  /** How often each thing has happened since the host was made; `COUNTERS` says what they mean. */
  readonly counters: Readonly<Counters>;
  /** Packets dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

/**
 * A host on the network: interfaces, IP, TCP, UDP. It takes one input (frames, a deadline, calls of the user), then drains: events go
 * to their owners, segments to the devices. All state is here, so a process may have as many hosts as it likes.
 */
export class Host {
  readonly name: string;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly ip: Ip;
  readonly tcp: Tcp;
  readonly udp: Udp;
  /** How interfaces configure themselves, and the DNS servers. */
  readonly configuration: HostConfiguration;
  /** Where the host's unpredictable numbers come from. */
  readonly random: Random;
  /** Whether the host keeps the process alive: as long as somebody retains it. */
  readonly holds: Holds;
  readonly #context: TurnContext;
  readonly #alarm: Alarm;
  #inTurn: boolean = false;
  #drainScheduled: boolean = false;
  #closed: boolean = false;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.settings = options.settings ?? PROFILES.standard;
    this.scheduler = options.scheduler;
    this.#context = new TurnContext(options, this.settings);
    this.#alarm = options.scheduler.alarm(() => this.#turn(() => this.#advance()));
    this.ip = new Ip(this.#context, () => this.#drainSoon());
    this.tcp = new Tcp(this.#context, this.ip, () => this.#drainSoon());
    this.udp = new Udp(this.#context, this.ip, () => this.#drainSoon());
    this.configuration = new HostConfiguration(this.#context, this.ip, this.udp, () => this.#drainSoon());
    this.random = options.random;
    this.holds = new Holds((keepAlive) => {
      this.#alarm.hold(keepAlive);
      for (const each of this.ip.interfaces) each.device.hold(keepAlive);
    });
  }

  /** Who reads the trace; undefined: nobody. May be changed at any time. */
  get tracer(): Tracer | undefined {
    return this.#context.tracer;
  }

  set tracer(tracer: Tracer | undefined) {
    this.#context.tracer = tracer;
  }

  /** Adds an interface over `device` with `addresses`, and routes to their subnets. */
  addInterface(
    device: Device,
    addresses: readonly InterfaceAddress[],
    options?: InterfaceOptions,
  ): Interface {
    const added = this.ip.addInterface(device, addresses, options);
    device.hold(this.holds.active);
    device.attach({
      framesArrived: (frames) => this.#turn(() => added.framesArrived(frames)),
      deviceClosed: (error) =>
        this.#note(`device ${device.name} is gone${error === undefined ? '' : `: ${error.message}`}`),
    });
    return added;
  }

  /** Makes a call from outside, such as `ip.icmp.ping`, and sends what comes of it. */
  run<T>(call: () => T): T {
    const result = call();
    this.#drainSoon();
    return result;
  }

  /** Aborts all connections, closes all listeners and devices. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#turn(() => {
      this.configuration.close();
      this.tcp.close();
    });
    this.#alarm.clear();
    this.ip.flush(); // within a turn, whose end comes too late
    for (const each of this.ip.interfaces) each.device.close();
  }

  /** Figures about the host, as they are now. */
  stats(): HostStats {
    const { counters, memory } = this.#context;
    const connections = this.tcp.countByState();
    return {
      connections: Object.fromEntries(connections),
      halfOpen: connections.get('SYN-RECEIVED') ?? 0,
      timeWait: connections.get('TIME-WAIT') ?? 0,
      memory: { total: memory.total, max: memory.max, ...memory.byKind() },
      counters: { ...counters },
      drops: Object.fromEntries(this.ip.counters),
    };
  }

  /** One input, and the drain that belongs to it. An input inside a turn (a device that answers at once) joins it. */
  #turn(input: () => void): void {
    if (this.#inTurn) {
      input();
      return;
    }
    this.#inTurn = true;
    this.#context.begin();
    try {
      input();
      this.#drain();
    } finally {
      this.#inTurn = false;
      this.#context.end();
    }
  }

  #drain(): void {
    do {
      this.tcp.drain();
      this.tcp.settle();
      this.ip.flush(); // a device may answer at once
    } while (this.ip.deliverLoopback() || this.tcp.hasWork);
    if (!this.#closed) this.#alarm.set(this.#nextDeadline());
  }

  #nextDeadline(): Instant {
    const next = earlier(this.tcp.nextDeadline(), this.ip.nextDeadline());
    return earlier(next, this.configuration.nextDeadline);
  }

  #drainSoon(): void {
    if (this.#inTurn || this.#drainScheduled) return;
    this.#drainScheduled = true;
    this.scheduler.soon(() => {
      this.#drainScheduled = false;
      this.#turn(() => {});
    });
  }

  #advance(): void {
    this.ip.advance();
    this.configuration.advance();
    this.tcp.advance();
  }

  #note(text: string): void {
    const { tracer, now, name } = this.#context;
    tracer?.({ type: 'note', at: now, host: name, text });
  }
}

/** The context of a host: reads the clock once per turn. Between turns, in the user's calls, each look reads it. */
class TurnContext implements HostContext {
  readonly name: string;
  readonly settings: Settings;
  readonly random: Random;
  readonly counters: Counters = noCounts();
  readonly drops: Map<DropReason, number> = new Map();
  readonly memory: Memory;
  tracer: Tracer | undefined;
  readonly #scheduler: Scheduler;
  #turnBegan: Instant | undefined;

  constructor(options: HostOptions, settings: Settings) {
    this.name = options.name;
    this.settings = settings;
    this.random = options.random;
    this.memory = new Memory(settings.tcp.maxMemory);
    this.tracer = options.tracer;
    this.#scheduler = options.scheduler;
  }

  get now(): Instant {
    return this.#turnBegan ?? this.#scheduler.now();
  }

  begin(): void {
    this.#turnBegan = this.#scheduler.now();
  }

  end(): void {
    this.#turnBegan = undefined;
  }
}

/** Counts who wants the process to stay alive. */
class Holds {
  readonly #changed: (active: boolean) => void;
  #count: number = 0;

  constructor(changed: (active: boolean) => void) {
    this.#changed = changed;
    changed(false);
  }

  get active(): boolean {
    return this.#count > 0;
  }

  /** One more. */
  retain(): void {
    this.#count += 1;
    if (this.#count === 1) this.#changed(true);
  }

  /** One less. */
  release(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#changed(false);
  }
}

export type { Holds };
