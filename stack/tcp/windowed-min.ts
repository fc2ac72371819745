import { type Duration, type Instant, between } from '../time.ts';

interface Sample {
  readonly value: Duration;
  readonly at: Instant;
}

/**
 * The smallest of the values of the last while, in constant space: the best three, each younger than the one before it. What RFC 8985 6.2
 * asks of RACK.min_RTT: it has to follow when the path becomes longer. (Linux keeps it in the same way.)
 */
export class WindowedMin {
  readonly #window: Duration;
  #first: Sample | undefined;
  #second: Sample | undefined;
  #third: Sample | undefined;

  constructor(window: Duration) {
    this.#window = window;
  }

  /** The smallest; undefined before the first value. */
  get value(): Duration | undefined {
    return this.#first?.value;
  }

  /** Takes a value in. */
  add(value: Duration, at: Instant): void {
    const sample = { value, at };
    const first = this.#first;
    const second = this.#second;
    const third = this.#third;
    const expired = third !== undefined && between(third.at, at) > this.#window;
    if (first === undefined || value <= first.value || expired) {
      this.#keep(sample, sample, sample);
      return;
    }
    if (second === undefined || value <= second.value) this.#keep(first, sample, sample);
    else if (third === undefined || value <= third.value) this.#keep(first, second, sample);
    this.#forget(sample);
  }

  /** Lets the best go when it is too old; a young second and third best are kept at hand. */
  #forget(sample: Sample): void {
    const first = this.#first;
    const second = this.#second;
    const third = this.#third;
    if (first === undefined || second === undefined || third === undefined) return;
    const age = between(first.at, sample.at);
    if (age > this.#window) {
      if (between(second.at, sample.at) > this.#window) this.#keep(third, sample, sample);
      else this.#keep(second, third, sample);
    } else if (second.at === first.at && age > this.#window / 4) {
      this.#keep(first, sample, sample);
    } else if (third.at === second.at && age > this.#window / 2) {
      this.#keep(first, second, sample);
    }
  }

  #keep(first: Sample, second: Sample, third: Sample): void {
    this.#first = first;
    this.#second = second;
    this.#third = third;
  }
}
