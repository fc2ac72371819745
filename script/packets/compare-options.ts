import { KIND } from '../../stack/wire/tcp-options.ts';
import { formatNumber, formatOption, formatOptions } from '../language/format.ts';
import type { NumberSpec, OptionSpec, OptionsSpec } from '../language/syntax.ts';
import { type LiveOption, type LiveTcp, word32 } from './live-packet.ts';
import type { ScriptConnection } from './mapping.ts';
import { hexOf, renderOption, renderOptions } from './render.ts';

/** How far outbound timestamps may be off, in ticks; undefined: they are not compared. */
export interface TimestampTolerance {
  readonly ticks: number | undefined;
}

/** As `FieldDifference`. */
interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

/** The options of a segment against what is expected. */
export function compareOptions(
  expected: OptionsSpec,
  live: LiveTcp,
  connection: ScriptConnection | undefined,
  tolerance: TimestampTolerance,
): Difference[] {
  if (expected.mode === 'ignored') return [];
  const comparison = new OptionComparison(connection, tolerance, live.flags.syn);
  if (expected.mode === 'set') return comparison.set(expected, live.options);
  return comparison.exact(expected, live.options);
}

class OptionComparison {
  readonly #connection: ScriptConnection | undefined;
  readonly #tolerance: TimestampTolerance;
  readonly #syn: boolean;

  constructor(connection: ScriptConnection | undefined, tolerance: TimestampTolerance, syn: boolean) {
    this.#connection = connection;
    this.#tolerance = tolerance;
    this.#syn = syn;
  }

  /** The same options in the same order. */
  exact(expected: OptionsSpec, live: readonly LiveOption[]): Difference[] {
    const kinds = (options: readonly number[]): string => options.join(' ');
    if (kinds(expected.list.map(kindOf)) !== kinds(live.map(({ kind }) => kind))) {
      const actual = renderOptions(live, this.#connection, this.#syn);
      return [{ field: 'options', expected: orNone(formatOptions(expected)), actual: orNone(actual) }];
    }
    return expected.list.flatMap((option, index) => {
      const found = live[index];
      return found === undefined ? [] : this.#one(option, found);
    });
  }

  /** The same options in any order, padding aside. */
  set(expected: OptionsSpec, live: readonly LiveOption[]): Difference[] {
    const left = live.filter(({ kind }) => kind !== KIND.nop && kind !== KIND.eol);
    const found: Difference[] = [];
    for (const option of expected.list) {
      if (option.name === 'nop' || option.name === 'eol') continue;
      const index = left.findIndex(({ kind }) => kind === kindOf(option));
      const [taken] = index < 0 ? [] : left.splice(index, 1);
      if (taken === undefined)
        found.push({ field: 'options', expected: formatOption(option), actual: 'not there' });
      else found.push(...this.#one(option, taken));
    }
    for (const option of left) {
      const actual = renderOption(option, this.#connection, this.#syn);
      found.push({ field: 'options', expected: 'no such option', actual });
    }
    return found;
  }

  #one(expected: OptionSpec, live: LiveOption): Difference[] {
    const { data } = live;
    switch (expected.name) {
      case 'mss':
      case 'wscale':
        return this.#number(
          expected.name,
          expected.value,
          [...data].reduce((sum, byte) => sum * 256 + byte, 0),
        );
      case 'TS':
        return this.#timestamps(expected.value, expected.echo, data);
      case 'sack': {
        const actual = renderOption(live, this.#connection, this.#syn);
        return same('SACK blocks', formatOption(expected), actual);
      }
      case 'sackOK':
      case 'nop':
      case 'eol':
        return same(expected.name, '', hexOf(data));
      default:
        return same(expected.name, hexOfSpec(expected), hexOf(data));
    }
  }

  #timestamps(value: NumberSpec, echo: NumberSpec, data: Uint8Array): Difference[] {
    const live = word32(data, 0);
    const found = this.#number('TS ecr', echo, word32(data, 4));
    const { ticks } = this.#tolerance;
    if (value === 'any' || ticks === undefined) return found;
    const mapped = this.#connection?.scriptTimestamp(live);
    if (mapped === undefined) return found; // the first one: says what the script calls it
    const below = (value.min - mapped) | 0;
    const above = (mapped - value.max) | 0;
    if (below <= ticks && above <= ticks) return found;
    return [
      { field: 'TS val', expected: formatNumber(value), actual: `${mapped} (${live} on the wire)` },
      ...found,
    ];
  }

  #number(field: string, expected: NumberSpec, actual: number): Difference[] {
    if (expected === 'any' || (actual >= expected.min && actual <= expected.max)) return [];
    return [{ field, expected: formatNumber(expected), actual: String(actual) }];
  }
}

function same(field: string, expected: string, actual: string): Difference[] {
  return expected === actual ? [] : [{ field, expected, actual }];
}

function orNone(text: string): string {
  return text === '' ? 'no options' : text;
}

/** The kind that an option of a script has on the wire. */
export function kindOf(option: OptionSpec): number {
  switch (option.name) {
    case 'mss':
      return KIND.mss;
    case 'wscale':
      return KIND.windowScale;
    case 'sackOK':
      return KIND.sackPermitted;
    case 'nop':
      return KIND.nop;
    case 'eol':
      return KIND.eol;
    case 'sack':
      return KIND.sack;
    case 'TS':
      return KIND.timestamps;
    case 'md5':
      return KIND.md5;
    case 'FO':
      return KIND.fastOpen;
    case 'FOEXP':
      return KIND.experimental;
    case 'ECN':
      return option.order === 0 ? KIND.accEcn0 : KIND.accEcn1;
    case 'opt':
      return option.kind;
  }
}

/** The data of an option that is bytes, as hex digits. */
export function hexOfSpec(option: OptionSpec): string {
  switch (option.name) {
    case 'md5':
    case 'FO':
    case 'opt':
      return option.hex;
    case 'FOEXP':
      return `f989${option.hex}`;
    case 'ECN':
      return option.counters.map((counter) => counter.toString(16).padStart(6, '0')).join('');
    default:
      return '';
  }
}
