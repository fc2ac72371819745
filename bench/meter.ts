/**
 * Counts what happens in a stretch of time, after a stretch that does not count. Both are of this process's CPU time: on a core of its own
 * that is the time of day, and on a core that it has to share it is its share.
 */
export class Meter {
  readonly #warmUp: number;
  readonly #length: number;
  readonly #begun: number = cpuMilliseconds();
  /** When, by the clock, it is worth looking at the CPU time again, which takes a system call. */
  #nextLook: number;
  #from: number | undefined;
  #count: number = 0;
  #rate: number | undefined;

  /** Both in seconds. */
  constructor(warmUp: number, length: number) {
    this.#warmUp = warmUp * 1000;
    this.#length = length * 1000;
    this.#nextLook = performance.now() + this.#warmUp;
  }

  /** Counts `amount` that happened just now. True when the time is over. */
  add(amount: number): boolean {
    if (this.#from !== undefined) this.#count += amount;
    const now = performance.now();
    if (now < this.#nextLook) return false;
    const used = cpuMilliseconds();
    if (this.#from === undefined) {
      const left = this.#warmUp - (used - this.#begun);
      if (left <= 0) this.#from = used;
      this.#nextLook = now + (left > 0 ? left : this.#length);
      return false;
    }
    const left = this.#length - (used - this.#from);
    this.#nextLook = now + left;
    if (left > 0) return false;
    this.#rate ??= (this.#count / (used - this.#from)) * 1000;
    return true;
  }

  /** Per second of CPU time, once the time is over. */
  get rate(): number {
    return this.#rate ?? 0;
  }

  /** The same for bytes, in Gbit/s. */
  get gigabits(): number {
    return (this.rate * 8) / 1e9;
  }
}

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
