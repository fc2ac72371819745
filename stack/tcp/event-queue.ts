import type { ConnectionEvent } from './events.ts';

/** An array that was once filled keeps room for 17 entries: an idle connection has none of its own. */
const NONE: readonly ConnectionEvent[] = [];

/** Events that wait for a connection's owner: several `readable` in a row are one, and `closed` comes once, last. */
export class EventQueue {
  #events: readonly ConnectionEvent[] = NONE;
  #closed: boolean = false;

  push(event: ConnectionEvent): void {
    if (this.#closed) return;
    if (event.type === 'readable' && this.#events[this.#events.length - 1]?.type === 'readable') return;
    if (event.type === 'closed') this.#closed = true;
    this.#events = [...this.#events, event]; // there are rarely two
  }

  /** Takes the oldest out. */
  shift(): ConnectionEvent | undefined {
    const [oldest] = this.#events;
    this.#events = this.#events.length <= 1 ? NONE : this.#events.slice(1);
    return oldest;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }
}
