import type {
  FrameDirection,
  FrameRule,
  PassingFrame,
  PassOrDrop,
  Verdict,
} from '../device/layers/frame-rule.ts';
import type { Duration } from '../stack/time.ts';

/**
 * A fault with a count: how often it struck. A test ends with `assertFired`, since a fault that never happened proves nothing
 * and looks like a pass. Give it to the wire with `rules(…)`.
 */
export class FaultRule<Answer extends Verdict = Verdict> {
  /** For messages. */
  readonly name: string;
  readonly #rule: FrameRule<Answer>;
  readonly #expected: number;
  #fired: number = 0;
  #lifted: boolean = false;

  /** `expected`: how often it has to strike to count as fired. */
  constructor(name: string, rule: FrameRule<Answer>, expected: number = 1) {
    this.name = name;
    this.#rule = rule;
    this.#expected = expected;
  }

  /** How many frames it has kept from passing as they were. */
  get fired(): number {
    return this.#fired;
  }

  /** Lets everything pass from now on. */
  lift(): void {
    this.#lifted = true;
  }

  /** What becomes of `frame`. */
  judge(frame: PassingFrame): Answer | 'pass' {
    if (this.#lifted) return 'pass';
    const verdict = this.#rule(frame);
    if (verdict !== 'pass') this.#fired += 1;
    return verdict;
  }

  /** Throws unless the fault has happened: `times` times exactly, or at least as often as it was made to. */
  assertFired(times?: number): void {
    const enough = times === undefined ? this.#fired >= this.#expected : this.#fired === times;
    if (enough) return;
    const wanted = times ?? (this.#expected === 1 ? 'at least 1' : this.#expected);
    throw new Error(`the fault "${this.name}" fired ${this.#fired} times, expected ${wanted}`);
  }
}

/** One rule out of several, for the wire's `onFrame`: the first that does not let a frame pass decides. */
export function rules<Answer extends Verdict>(
  ...faults: readonly FaultRule<Answer>[]
): FrameRule<Answer | 'pass'> {
  return (frame) => {
    for (const fault of faults) {
      const verdict = fault.judge(frame);
      if (verdict !== 'pass') return verdict;
    }
    return 'pass';
  };
}

/** Loses the frames with these indices (from 0, counted per direction); each of them has to come for it to have fired. */
export function dropFrames(direction: FrameDirection, indices: readonly number[]): FaultRule<PassOrDrop> {
  return new FaultRule(
    `drop ${direction} ${list(indices)}`,
    at(direction, indices, 'drop'),
    expected(indices),
  );
}

/** Makes the frames with these indices arrive `by` later, after frames that were sent behind them. */
export function delayFrames(direction: FrameDirection, indices: readonly number[], by: Duration): FaultRule {
  const name = `delay ${direction} ${list(indices)} by ${by} µs`;
  return new FaultRule(name, at<Verdict>(direction, indices, { delay: by }), expected(indices));
}

/** Makes the frames with these indices arrive once more than they should. */
export function duplicateFrames(direction: FrameDirection, indices: readonly number[]): FaultRule {
  const rule = at<Verdict>(direction, indices, { duplicate: 1 });
  return new FaultRule(`duplicate ${direction} ${list(indices)}`, rule, expected(indices));
}

/** Loses each frame for which `predicate` holds, both ways unless it looks at the direction. */
export function dropWhen(name: string, predicate: (frame: PassingFrame) => boolean): FaultRule<PassOrDrop> {
  return new FaultRule(name, (frame) => (predicate(frame) ? 'drop' : 'pass'));
}

function at<Answer extends Verdict>(
  direction: FrameDirection,
  indices: readonly number[],
  answer: Answer,
): FrameRule<Answer | 'pass'> {
  const wanted = new Set(indices);
  return (frame) => (frame.direction === direction && wanted.has(frame.index) ? answer : 'pass');
}

/** How often a rule over these indices strikes; never 0, so that one without indices cannot pass for a fault. */
function expected(indices: readonly number[]): number {
  return Math.max(1, new Set(indices).size);
}

function list(indices: readonly number[]): string {
  return indices.map((index) => `#${index}`).join(' ');
}
