import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { Host } from '../../stack/host.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS, type Offloads } from '../../stack/link/device.ts';
import type { Settings } from '../../stack/settings.ts';
import { type Instant, seconds } from '../../stack/time.ts';
import type { Tracer } from '../../stack/trace.ts';
import { IPV4_ANY, IPV6_ANY, isIPv4 } from '../../stack/wire/address.ts';
import { type LivePacket, readPacket } from '../packets/live-packet.ts';
import { type Defaults, type Started, StackSystem } from '../system/stack-system.ts';
import type { CallOutcome } from '../system/system-call.ts';
import type { Answer, Step, SyncTarget } from './target.ts';

/** When the script's time 0 is: not at the clock's own beginning, so that nothing is there by chance. */
const START: Instant = seconds(1_000) as unknown as Instant;

/** What the host is to be. */
export interface StackTargetOptions {
  readonly settings: Settings;
  readonly seed: number | string;
  readonly mtu: number;
  readonly prefixLength: number;
  readonly defaults: Defaults;
  readonly tracer: Tracer | undefined;
}

/** A host of ours on a virtual clock, with a device that keeps what it is given. */
export class StackTarget implements SyncTarget {
  readonly #clock: VirtualClock = new VirtualClock({ start: START });
  readonly #device: ScriptDevice;
  readonly #host: Host;
  readonly #system: StackSystem;
  /** The call that waits. */
  #waiting: (Started & { readonly retry: unknown }) | undefined;
  #deadline: Instant | undefined;
  #returned: Answer['returned'] | undefined;
  #lookSoon: boolean = false;

  constructor({ settings, seed, mtu, prefixLength, defaults, tracer }: StackTargetOptions) {
    this.#device = new ScriptDevice(mtu, () => this.#now());
    this.#host = new Host({
      name: 'stack',
      scheduler: this.#clock,
      random: seededRandom(seed, 'script'),
      settings,
      ...(tracer === undefined ? {} : { tracer }),
    });
    const added = this.#host.addInterface(this.#device, [{ address: defaults.local, prefixLength }]);
    const everywhere = isIPv4(defaults.local) ? IPV4_ANY : IPV6_ANY;
    this.#host.ip.routes.add({ destination: everywhere, prefixLength: 0, interface: added });
    this.#system = new StackSystem(this.#host, defaults, () => this.#look());
  }

  get host(): Host {
    return this.#host;
  }

  perform(step: Step): Answer {
    switch (step.type) {
      case 'sleep':
        this.#advance(step.until, () => false);
        this.#clock.advanceTo(later(this.#clock.now(), absolute(step.until)));
        break;
      case 'packet':
        this.#advance(step.until, () => this.#device.sent.length > 0);
        break;
      case 'result':
        this.#advance(step.until, () => this.#waiting === undefined);
        break;
      case 'inject':
        this.#device.inject(step.bytes);
        break;
      case 'start':
        this.#start(this.#system.start(step.call));
        break;
      case 'cancel':
        this.#waiting = undefined;
        break;
      case 'info':
        return { ...this.#answer(), info: this.#system.info() };
    }
    return this.#answer();
  }

  #answer(): Answer {
    const returned = this.#returned;
    this.#returned = undefined;
    const answer = { now: this.#now(), packets: this.#device.sent.splice(0) };
    return returned === undefined ? answer : { ...answer, returned };
  }

  #now(): Instant {
    return (this.#clock.now() - START) as Instant;
  }

  #start(started: Started): void {
    if ('outcome' in started) {
      this.#return(started.outcome);
    } else {
      this.#waiting = started;
      this.#deadline =
        started.timeout === undefined ? undefined : ((this.#clock.now() + started.timeout) as Instant);
      const deadline = this.#deadline;
      if (deadline !== undefined) this.#clock.at(deadline, () => this.#expire(started));
      this.#retry();
    }
    // What the call set off leaves at once, before the script's next line.
    this.#clock.advanceTo(this.#clock.now());
  }

  #expire(started: Started): void {
    if (this.#waiting !== started || !('expired' in started) || started.expired === undefined) return;
    this.#waiting = undefined;
    this.#return(started.expired());
  }

  #return(outcome: CallOutcome): void {
    this.#returned = { at: this.#now(), outcome };
  }

  /** A socket has changed: what waits is asked again when this turn is over. */
  #look(): void {
    if (this.#waiting === undefined || this.#lookSoon) return;
    this.#lookSoon = true;
    this.#clock.soon(() => {
      this.#lookSoon = false;
      this.#retry();
    });
  }

  #retry(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || 'outcome' in waiting) return;
    const outcome = waiting.retry();
    if (outcome === undefined) return;
    this.#waiting = undefined;
    this.#return(outcome);
  }

  /** Runs events until `done`, or until the next one lies after `until`. */
  #advance(until: Instant, done: () => boolean): void {
    const end = absolute(until);
    while (!done() && this.#clock.nextEvent <= end) if (!this.#clock.step()) return;
  }
}

function absolute(at: Instant): Instant {
  return (at + START) as Instant;
}

function later(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}

/** Keeps what it is given to send, and delivers what the script injects. */
class ScriptDevice implements Device {
  readonly name: string = 'script';
  readonly medium: Device['medium'] = 'ip';
  readonly mtu: number;
  readonly offloads: Offloads = NO_OFFLOADS;
  readonly headroom: number = 0;
  readonly receiveQueue: undefined = undefined;
  onWritable: (() => void) | undefined = undefined;
  /** Oldest first. */
  readonly sent: LivePacket[] = [];
  readonly #now: () => Instant;
  #receiver: DeviceReceiver | undefined;

  constructor(mtu: number, now: () => Instant) {
    this.mtu = mtu;
    this.#now = now;
  }

  attach(receiver: DeviceReceiver): void {
    this.#receiver = receiver;
  }

  transmit(frames: readonly PacketBuffer[]): number {
    for (const frame of frames) this.sent.push(readPacket(frame.contents().slice(), this.#now()));
    return frames.length;
  }

  inject(bytes: Uint8Array): void {
    this.#receiver?.framesArrived([PacketBuffer.copyOf(bytes)]);
  }

  hold(): void {}

  close(): void {
    this.#receiver = undefined;
  }
}
