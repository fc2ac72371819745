import type { Instant } from '../stack/time.ts';
import type { Tracer } from '../stack/trace.ts';
import { followLadder } from '../trace/ladder-text.ts';
import type { Terminal } from './terminal.ts';

/** Lines a second that a person may still read; and how many may come at once. */
const LINES_PER_SECOND = 40;
const BURST = 200;

/**
 * Draws the ladder on a terminal while it happens, times counted from the first event. Under load only changes of state and
 * every so manieth line is shown, so that the terminal does not hold up the host.
 */
export function liveLadder(on: Terminal, title: string): Tracer {
  const budget = new LineBudget();
  let start: number | undefined;
  let always = false;
  const draw = followLadder(
    (line) => {
      if (!budget.take() && !always) return;
      const skipped = budget.skipped();
      if (skipped > 0) on.line(`             ⋮ ${skipped} lines are not shown`);
      on.line(line);
    },
    { title, width: on.width, colour: on.colour },
  );
  return (event) => {
    start ??= event.at;
    budget.timeIs(event.at);
    always = event.type === 'state' || event.type === 'connection';
    draw({ ...event, at: (event.at - start) as Instant });
  };
}

/** Counts the lines that may be written now. */
class LineBudget {
  #left: number = BURST;
  #at: number = 0;
  #skipped: number = 0;

  timeIs(at: Instant): void {
    this.#left = Math.min(BURST, this.#left + ((at - this.#at) / 1_000_000) * LINES_PER_SECOND);
    this.#at = at;
  }

  take(): boolean {
    if (this.#left < 1) {
      this.#skipped += 1;
      return false;
    }
    this.#left -= 1;
    return true;
  }

  /** How many lines were refused since the last look. */
  skipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
