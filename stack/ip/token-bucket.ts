import type { Instant } from '../time.ts';

/** Lets `rate` things a second through on average, and up to `burst` at once. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: Instant | undefined;

  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes a token; false if there is none. */
  take(now: Instant): boolean {
    const elapsed = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#rate) / 1_000_000);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
