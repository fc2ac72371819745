import { between, NEVER, type Alarm, type Instant, type Scheduler } from '../../stack/time.ts';

/** The longest wait that `setTimeout` knows, in milliseconds: a longer one takes several. */
const LONGEST_TIMEOUT = 0x7fff_ffff;

/** A timer that goes off so much after its deadline, in microseconds, had to wait for the program. */
const LATE = 3_000;

/** Every so many flushes Node gets to look at timers and I/O: two hosts in one process could else talk for ever in one turn. */
const FLUSHES_PER_TURN = 64;

/**
 * Node's time and turns. Instants are microseconds since 1970, so that captures show the time of day; they move with the
 * monotonic clock, so setting the system's clock changes nothing.
 */
export class SystemScheduler implements Scheduler {
  readonly #origin: number = Math.round(performance.timeOrigin * 1000);
  #tasks: (() => void)[] = [];
  readonly #flush = (): void => this.#runTasks();
  readonly #afterMicrotasks = (): void => process.nextTick(this.#flush);
  #flushes: number = 0;

  now(): Instant {
    return (this.#origin + Math.floor(performance.now() * 1000)) as Instant;
  }

  /**
   * Runs `task` when the present callback and all promise continuations that follow from it are through, before Node looks at
   * timers and I/O again (but for one flush in `FLUSHES_PER_TURN`): so all that a program writes in one turn leaves together.
   */
  soon(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length > 1) return;
    this.#flushes = (this.#flushes + 1) % FLUSHES_PER_TURN;
    if (this.#flushes === 0) setImmediate(this.#flush);
    else queueMicrotask(this.#afterMicrotasks);
  }

  alarm(task: () => void): Alarm {
    return new SystemAlarm(this, task);
  }

  #runTasks(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    let done = 0;
    try {
      for (const task of tasks) {
        done += 1;
        task();
      }
    } finally {
      // After a task that threw, the others are still owed their turn.
      for (let index = done; index < tasks.length; index++) this.soon(tasks[index] ?? (() => undefined));
    }
  }
}

/**
 * At most one timer of Node's at a time. One that goes off too soon, because the deadline has moved to later or because
 * Node's timers count from a slightly stale time, is set again then: moving a deadline to later costs no more than storing it.
 */
class SystemAlarm implements Alarm {
  readonly #scheduler: SystemScheduler;
  readonly #task: () => void;
  readonly #wake = (): void => this.#woken();
  readonly #fire = (): void => this.#fired();
  readonly #fireAfterReading = (): void => {
    this.#immediate = setImmediate(this.#fire);
  };
  #deadline: Instant = NEVER;
  /** When the timer goes off; `NEVER` if there is none. */
  #armedFor: Instant = NEVER;
  #timeout: NodeJS.Timeout | undefined;
  /** Instead of the timer when the deadline had passed already (`setTimeout` would take a millisecond), and after it. */
  #immediate: NodeJS.Immediate | undefined;
  #keepAlive: boolean = true;

  constructor(scheduler: SystemScheduler, task: () => void) {
    this.#scheduler = scheduler;
    this.#task = task;
  }

  set(at: Instant): void {
    if (at === NEVER) return this.clear();
    const wasIdle = this.#deadline === NEVER;
    this.#deadline = at;
    if (at < this.#armedFor) this.#arm();
    else if (wasIdle) this.#holdTimer();
  }

  /** The timer stays, but it no longer keeps the process alive: most often the next `set` comes before it goes off. */
  clear(): void {
    if (this.#deadline === NEVER) return;
    this.#deadline = NEVER;
    this.#holdTimer();
  }

  hold(keepAlive: boolean): void {
    this.#keepAlive = keepAlive;
    this.#holdTimer();
  }

  #arm(): void {
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
    this.#timeout = undefined;
    this.#immediate = undefined;
    const wait = between(this.#scheduler.now(), this.#deadline);
    // A turn that lasted beyond the deadline it sets: what has come meanwhile is read first, and immediates of now run before that.
    if (wait <= 0) this.#immediate = setImmediate(this.#fireAfterReading);
    else this.#timeout = setTimeout(this.#wake, Math.min(Math.ceil(wait / 1000), LONGEST_TIMEOUT));
    this.#armedFor = this.#deadline;
    if (!this.#keepAlive) this.#holdTimer();
  }

  /** An immediate is never let go: unlike a timer it would not wake a process that something else keeps alive, and it is over at once. */
  #holdTimer(): void {
    if (this.#keepAlive && this.#deadline !== NEVER) this.#timeout?.ref();
    else this.#timeout?.unref();
  }

  /**
   * Node looks at timers before it reads from devices. If the process was busy past the deadline, the ACK that the timer waits for may
   * lie there unread, so the devices go first.
   */
  #woken(): void {
    this.#timeout = undefined;
    if (between(this.#deadline, this.#scheduler.now()) < LATE) return this.#fired();
    this.#immediate = setImmediate(this.#fire);
  }

  #fired(): void {
    this.#immediate = undefined;
    this.#armedFor = NEVER;
    if (this.#deadline === NEVER) return;
    if (this.#scheduler.now() < this.#deadline) return this.#arm();
    this.#deadline = NEVER;
    this.#task();
  }
}
