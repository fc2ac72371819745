/** Counts what happens in a stretch of time, after a stretch that does not count. */
export class Meter {
  readonly #warmUp: number;
  readonly #length: number;
  readonly #begun: number = performance.now();
  #from: number | undefined;
  #count: number = 0;
  #rate: number | undefined;

  /** Both in seconds. */
  constructor(warmUp: number, length: number) {
    this.#warmUp = warmUp * 1000;
    this.#length = length * 1000;
  }

  /** Counts `amount` that happened just now. True when the time is over. */
  add(amount: number): boolean {
    const now = performance.now();
    if (this.#from === undefined) {
      if (now - this.#begun >= this.#warmUp) this.#from = now;
      return false;
    }
    this.#count += amount;
    const passed = now - this.#from;
    if (passed < this.#length) return false;
    this.#rate ??= (this.#count / passed) * 1000;
    return true;
  }

  /** Per second, once the time is over. */
  get rate(): number {
    return this.#rate ?? 0;
  }

  /** The same for bytes, in Gbit/s. */
  get gigabits(): number {
    return (this.rate * 8) / 1e9;
  }
}
