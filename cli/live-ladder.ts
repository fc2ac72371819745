import type { Instant } from '../stack/time.ts';
import type { Tracer } from '../stack/trace.ts';
import { followLadder } from '../trace/ladder-text.ts';
import { dim, type Terminal } from './terminal.ts';

/** Lines a second that a person may still read. */
const LINES_PER_SECOND = 20;
/** How many lines may come at once after silence, and how many are shown in a row under load. */
const BURST = 200;
const GROUP = 10;

/**
 * Draws the ladder on a terminal while it happens, times counted from the first event. Under load only changes of state and a
 * few lines now and then are shown, so that the terminal does not hold up the host.
 */
export function liveLadder(on: Terminal, title: string, peer: string): Tracer {
  const budget = new LineBudget();
  let start: number | undefined;
  let always = false;
  const draw = followLadder(
    (line) => {
      if (!budget.take(always)) return;
      const skipped = budget.skipped();
      if (skipped > 0)
        on.line(dim(`             ⋮ ${skipped} ${skipped === 1 ? 'line' : 'lines'} left out`, on));
      on.line(line);
    },
    { title, peer, width: on.width, colour: on.colour },
  );
  return (event) => {
    // The kernel's IPv6 and multicast chatter is in the capture; here it would only confuse.
    if (event.type === 'drop' && event.reason === 'UNHANDLED_PROTO') return;
    start ??= event.at;
    budget.timeIs(event.at);
    always = event.type === 'state' || event.type === 'connection';
    draw({ ...event, at: (event.at - start) as Instant });
  };
}

/** Counts the lines that may be written now. */
class LineBudget {
  #left: number = BURST;
  #waiting: boolean = false;
  #at: number = 0;
  #skipped: number = 0;

  timeIs(at: Instant): void {
    this.#left = Math.min(BURST, this.#left + ((at - this.#at) / 1_000_000) * LINES_PER_SECOND);
    this.#at = at;
  }

  /** Whether a line may be written; `always` allows it in any case. Once the budget is spent it waits for a whole group. */
  take(always: boolean): boolean {
    this.#waiting = this.#left < (this.#waiting ? GROUP : 1);
    if (this.#waiting && !always) {
      this.#skipped += 1;
      return false;
    }
    this.#left = Math.max(0, this.#left - 1);
    return true;
  }

  /** How many lines were refused since the last look. */
  skipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
