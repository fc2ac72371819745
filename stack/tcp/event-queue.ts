import type { ConnectionEvent } from './events.ts';

/** Events that wait for a connection's owner: several `readable` in a row are one, and `closed` comes once, last. */
export class EventQueue {
  readonly #events: ConnectionEvent[] = [];
  #closed: boolean = false;

  push(event: ConnectionEvent): void {
    if (this.#closed) return;
    if (event.type === 'readable' && this.#events[this.#events.length - 1]?.type === 'readable') return;
    if (event.type === 'closed') this.#closed = true;
    this.#events.push(event);
  }

  /** Takes the oldest out. */
  shift(): ConnectionEvent | undefined {
    return this.#events.shift();
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }
}
