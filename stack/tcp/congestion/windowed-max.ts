/** The largest of the values of late: `update` says how far back that reaches. Holds one value per instant at most. */
export class WindowedMax {
  /** Older values first; each is larger than all that follow. */
  readonly #values: { readonly value: number; readonly at: number }[] = [];

  /** The largest value as of the last `update`; 0 before it. */
  get max(): number {
    return this.#values[0]?.value ?? 0;
  }

  /** Takes `value` at `now` (never less than before), forgets what is `length` or more older, and returns the maximum. */
  update(value: number, now: number, length: number): number {
    const values = this.#values;
    while ((values.at(-1)?.value ?? Number.POSITIVE_INFINITY) <= value) values.pop();
    // A value that is not the largest of its own instant will never be the largest.
    if (values.at(-1)?.at !== now) values.push({ value, at: now });
    while ((values[0]?.at ?? now) <= now - length) values.shift();
    return this.max;
  }
}
