import type { ImpairmentChanges } from './lane.ts';

/** What can be wrong with a value; undefined: nothing. */
type Check = (value: unknown) => string | undefined;

const probability: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'has to be a number from 0 to 1';
const duration: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? undefined
    : 'has to be a whole number of microseconds from 0: use ms(20) or seconds(1)';
const positive: Check = (value) =>
  typeof value === 'number' && value > 0 ? undefined : 'has to be a number above 0';
/** Whether it is above 0 the link's server says, with what to do instead. */
const number: Check = (value) => (typeof value === 'number' ? undefined : 'has to be a number above 0');
const list: Check = (value) => (Array.isArray(value) ? undefined : 'has to be an array');

/** An object whose named fields pass their checks; `needed` ones have to be there. */
function record(
  needed: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null)
      return `has to be an object with ${Object.keys(needed).join(', ')}`;
    for (const [field, check] of [...Object.entries(needed), ...Object.entries(optional)]) {
      const given: unknown = Reflect.get(value, field);
      if (given === undefined && field in optional) continue;
      const problem = check(given);
      if (problem !== undefined) return `${field} ${problem}`;
    }
    return undefined;
  };
}

const anything: Check = () => undefined;

/** The dimensions, and what each takes at least; the models look at the rest. */
const CHECKS: Readonly<Record<string, Check>> = {
  delay: duration,
  jitter: record({ distribution: anything, spread: duration }, { correlation: probability }),
  loss: (value) =>
    typeof value === 'number' ? probability(value) : record({ model: anything }, { p: anything })(value),
  corruption: record({ p: probability }),
  duplication: record({ p: probability }, { copies: positive, delay: duration }),
  reordering: record({ p: probability, delay: duration }, { gap: positive, correlation: probability }),
  rate: record({ bitsPerSecond: number }),
  queue: record({}),
  slots: record({ minDelay: duration, maxDelay: duration }),
  pathMtu: record({ bytes: positive, tooBig: anything }),
  middleboxes: list,
};

/** Throws a RangeError that names the link, the dimension and what it takes, if `changes` make no sense. */
export function checkImpairments(place: string, changes: ImpairmentChanges): void {
  for (const [name, value] of Object.entries(changes)) {
    const check = CHECKS[name];
    if (check === undefined) {
      throw new RangeError(
        `${place}: there is no impairment '${name}'; there are ${Object.keys(CHECKS).join(', ')}`,
      );
    }
    const problem = value === undefined ? undefined : check(value);
    if (problem !== undefined) throw new RangeError(`${place}: ${name} ${problem}`);
  }
}
