import type { Duration } from '../../stack/time.ts';
import type { LinkDirection } from './link-event.ts';
import type { PacketView } from './packet-view.ts';

/** What a rule does to a packet. */
export type RuleVerdict =
  | 'pass'
  | 'drop'
  /** It waits until the rule's `release` or `lift`. */
  | 'hold'
  | {
      /** Arrives this much later, in µs. */
      readonly delay?: Duration;
      /** Arrives this many times more than once. */
      readonly duplicate?: number;
      /** Changes the bytes, head and tail. Checksums are the rule's affair. */
      readonly edit?: (packet: PacketView) => void;
    };

/** A fault as a closure. */
export interface RuleOptions {
  /** For messages. */
  readonly name: string;
  /** Both ways, if it names none. */
  readonly direction?: LinkDirection;
  /** Which packets it is about; all, without it. */
  readonly match?: (packet: PacketView) => boolean;
  /** Of those that match, only the n-th (from 1), or every n-th. */
  readonly nth?: number;
  readonly every?: number;
  /** How often it strikes at most; without a limit at first. */
  readonly times?: number;
  /** What it does; `drop` at first. */
  readonly verdict?: RuleVerdict | ((packet: PacketView) => RuleVerdict);
  /** It may never strike without the run failing for it. */
  readonly optional?: boolean;
}

/** A rule in place. */
export class RuleHandle {
  readonly name: string;
  readonly optional: boolean;
  readonly #options: RuleOptions;
  readonly #release: (count: number) => void;
  #matched: number = 0;
  #fired: number = 0;
  #lifted: boolean = false;

  /** `release`: lets so many of the held packets go. */
  constructor(options: RuleOptions, release: (rule: RuleHandle, count: number) => void) {
    const { nth, every, times } = options;
    for (const [name, value] of Object.entries({ nth, every, times })) {
      if (value !== undefined && !(Number.isInteger(value) && value >= 1))
        throw new RangeError(`rule "${options.name}": ${name} has to be a whole number from 1, not ${value}`);
    }
    this.name = options.name;
    this.optional = options.optional ?? false;
    this.#options = options;
    this.#release = (count) => release(this, count);
  }

  /** Packets that it was about. */
  get matched(): number {
    return this.#matched;
  }

  /** Packets that it did something to. */
  get fired(): number {
    return this.#fired;
  }

  /** Lets the oldest `count` packets go that it holds; all, without a number. */
  release(count: number = Number.POSITIVE_INFINITY): void {
    this.#release(count);
  }

  /** Does nothing from now on, and lets go what it holds. */
  lift(): void {
    this.#lifted = true;
    this.release();
  }

  /** What is to become of `packet`. */
  judge(packet: PacketView): RuleVerdict {
    const { direction, match, nth, every, times, verdict = 'drop' } = this.#options;
    if (this.#lifted || (direction !== undefined && direction !== packet.direction)) return 'pass';
    if (times !== undefined && this.#fired >= times) return 'pass';
    if (match !== undefined && !this.#matches(match, packet)) return 'pass';
    this.#matched += 1;
    if (nth !== undefined && this.#matched !== nth) return 'pass';
    if (every !== undefined && this.#matched % every !== 0) return 'pass';
    const answer = typeof verdict === 'function' ? verdict(packet) : verdict;
    if (answer !== 'pass') this.#fired += 1;
    return answer;
  }

  /** What is wrong with it at the end of a run; undefined if it struck, or need not. */
  complaint(): string | undefined {
    if (this.#fired > 0 || this.optional) return undefined;
    const { nth, every } = this.#options;
    const wanted = nth ?? every;
    if (wanted !== undefined && this.#matched > 0)
      return `the rule "${this.name}" never struck: it waits for match ${wanted}, and there were ${this.#matched}`;
    return `the rule "${this.name}" matched no packet: a fault that never happens proves nothing (optional: true allows it)`;
  }

  #matches(match: (packet: PacketView) => boolean, packet: PacketView): boolean {
    try {
      return match(packet);
    } catch (error) {
      throw new Error(
        `the matcher of rule "${this.name}" failed at packet #${packet.index}: ${String(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}
