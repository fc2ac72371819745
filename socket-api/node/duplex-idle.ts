import { type Alarm, after, type Duration, type Instant, NEVER, type Scheduler } from '../../stack/time.ts';

/**
 * Node's `socket.setTimeout`: goes off once when nothing happened for so long, and starts anew with the next activity. Activity
 * costs a store; the alarm is moved only when it goes off.
 */
export class IdleTimer {
  readonly #scheduler: Scheduler;
  readonly #progress: () => number;
  readonly #timedOut: () => void;
  #alarm: Alarm | undefined;
  #length: Duration | undefined;
  #at: Instant = NEVER;
  #lastProgress: number = 0;

  /** `progress`: bytes that wait to be acknowledged. While that falls, a long write is activity, as in Node. */
  constructor(scheduler: Scheduler, progress: () => number, timedOut: () => void) {
    this.#scheduler = scheduler;
    this.#progress = progress;
    this.#timedOut = timedOut;
  }

  /** From now on so long; undefined: never. */
  start(length: Duration | undefined): void {
    this.#length = length;
    this.#at = NEVER;
    if (length === undefined) this.#alarm?.clear();
    else this.touch();
  }

  /** Something happened. */
  touch(): void {
    if (this.#length === undefined) return;
    const armed = this.#at !== NEVER;
    this.#at = after(this.#scheduler.now(), this.#length);
    if (!armed) this.#arm();
  }

  #arm(): void {
    if (this.#alarm === undefined) {
      this.#alarm = this.#scheduler.alarm(() => this.#wake());
      this.#alarm.hold(false); // what keeps the process alive is the connection
    }
    this.#lastProgress = this.#progress();
    this.#alarm.set(this.#at);
  }

  #wake(): void {
    const progress = this.#progress();
    if (progress !== 0 && progress !== this.#lastProgress && this.#length !== undefined) {
      this.#at = after(this.#scheduler.now(), this.#length);
    }
    if (this.#at > this.#scheduler.now()) {
      this.#arm();
      return;
    }
    this.#at = NEVER;
    this.#timedOut();
  }
}
