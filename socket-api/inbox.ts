import type { TcpConnection } from '../stack/tcp/connection.ts';

/** Bytes given to `data` at most at once (row 31): larger blocks come fresh from the system each time, and cost page faults. */
const LARGEST_CHUNK = 64 * 1024;

/** Who gets what was received. */
export interface InboxOwner {
  /** False once it wants nothing any more; its handlers may change that at any time. */
  readonly isOpen: boolean;
  dataArrived(chunk: Uint8Array): void;
  /** The peer's FIN, after all data; once. */
  endArrived(): void;
}

/** The way of received bytes out of the connection: in order, as fast as the user wants them. */
export class Inbox {
  readonly #owner: InboxOwner;
  /** Nothing is read, so that the window closes. */
  paused: boolean = false;
  /** `shutdown()`: no data, no end any more (row 43). */
  shut: boolean = false;
  #delivering: boolean = false;
  #endDelivered: boolean = false;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Row 45: after an orderly end data and `end` wait for `resume()`, and `close` has to wait for them. */
  get holdsBack(): boolean {
    return this.paused && !this.shut && !this.#endDelivered;
  }

  /**
   * Hands over what is there. `died`: the connection was reset or timed out; then what came before is delivered even if paused, for there
   * is no later, and no end follows (row 44).
   */
  deliver(connection: TcpConnection, died: boolean): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#wanted(died)) {
        const chunk = connection.receive(LARGEST_CHUNK);
        if (chunk === undefined) break;
        this.#owner.dataArrived(chunk);
      }
      if (died || this.#endDelivered || !connection.atEnd || !this.#wanted(died)) return;
      this.#endDelivered = true;
      this.#owner.endArrived();
    } finally {
      this.#delivering = false;
    }
  }

  #wanted(died: boolean): boolean {
    return this.#owner.isOpen && !this.shut && (!this.paused || died);
  }
}
