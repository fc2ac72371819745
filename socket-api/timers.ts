import {
  type Alarm,
  after,
  type Duration,
  type Instant,
  NEVER,
  type Scheduler,
  seconds,
} from '../stack/time.ts';

/**
 * The two timers of a socket: `timeout()`, which only a new call starts anew, and `idleTimeout`, which traffic does. One alarm
 * serves both, made when it is first needed.
 */
export class SocketTimers {
  readonly #scheduler: Scheduler;
  readonly #idle: Duration | undefined;
  readonly #progress: () => number;
  readonly #onTimeout: () => void;
  #alarm: Alarm | undefined;
  #timeoutAt: Instant = NEVER;
  #idleAt: Instant = NEVER;
  #lastProgress = 0;

  /**
   * `progress`: the bytes that wait in the connection. It catches traffic that no call and no event shows, such as a long queue
   * that empties slowly: while it changes and is not 0, the socket is not idle.
   */
  constructor(
    scheduler: Scheduler,
    idle: Duration | undefined,
    progress: () => number,
    onTimeout: () => void,
  ) {
    this.#scheduler = scheduler;
    this.#idle = idle;
    this.#progress = progress;
    this.#onTimeout = onTimeout;
  }

  /** Starts (or starts anew) the user's timeout; 0 seconds: none (rows 62, 64). */
  timeout(length: number): void {
    this.#timeoutAt = length === 0 ? NEVER : after(this.#scheduler.now(), seconds(length));
    this.#set();
  }

  /** Data went or came: the idle timer starts anew. The alarm is moved only when it goes off, for this is called often. */
  touch(): void {
    if (this.#idle === undefined) return;
    const armed = this.#idleAt !== NEVER;
    this.#idleAt = after(this.#scheduler.now(), this.#idle);
    if (!armed) this.#set();
  }

  /** No more time-outs. */
  stop(): void {
    this.#timeoutAt = NEVER;
    this.#idleAt = NEVER;
    this.#alarm?.clear();
  }

  #set(): void {
    const at = Math.min(this.#timeoutAt, this.#idleAt) as Instant;
    if (at === NEVER) {
      this.#alarm?.clear();
      return;
    }
    if (this.#alarm === undefined) {
      this.#alarm = this.#scheduler.alarm(() => this.#wake());
      this.#alarm.hold(false); // the host's holds keep the process alive for sockets that are ref'd
    }
    this.#alarm.set(at);
  }

  #wake(): void {
    const now = this.#scheduler.now();
    const progress = this.#idleAt <= now ? this.#progress() : this.#lastProgress;
    if (progress !== 0 && progress !== this.#lastProgress) this.touch();
    this.#lastProgress = progress;
    if (this.#timeoutAt > now && this.#idleAt > now) {
      this.#set();
      return;
    }
    this.stop();
    this.#onTimeout();
  }
}
