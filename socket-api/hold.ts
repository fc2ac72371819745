import type { Host } from '../stack/host.ts';

/**
 * One share in keeping the process alive: counted while there is something to wait for (`ref`) and the user did not say `unref`
 * (`wanted`).
 */
export class Hold {
  readonly #host: Host;
  #needed: boolean = false;
  #wanted: boolean = true;
  #held: boolean = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether the user wants the process to live on for this. */
  set wanted(wanted: boolean) {
    this.#wanted = wanted;
    this.#settle();
  }

  /** There is something to wait for. */
  begin(): void {
    this.#needed = true;
    this.#settle();
  }

  /** There is nothing to wait for any more; twice is fine. */
  end(): void {
    this.#needed = false;
    this.#settle();
  }

  #settle(): void {
    const hold = this.#needed && this.#wanted;
    if (hold === this.#held) return;
    this.#held = hold;
    if (hold) this.#host.holds.retain();
    else this.#host.holds.release();
  }
}
