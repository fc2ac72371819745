/**
 * Scripts made by a program: variables and loops are TypeScript's. The result is run by `runParsedScript`, or written out by
 * `formatScript`.
 */

import { parseScript } from './language/parse-script.ts';
import type { Script } from './language/syntax.ts';
import { runParsedScript, type RunOptions } from './run/run-script.ts';
import type { ScriptResult } from './run/result.ts';

/** Gathers lines; each method adds one and returns the builder. Times are seconds: a number counts from now, a text is as in a script. */
export class ScriptBuilder {
  readonly #lines: string[] = [];
  #begun: boolean = false;

  /** `--name=value`; in front of everything else. */
  option(name: string, value: string | number = ''): this {
    this.#lines.push(`--${name}${value === '' ? '' : `=${value}`}`);
    return this;
  }

  /** The settings, as `sysctl` has them: `net.ipv4.tcp_timestamps=0`. */
  sysctl(...assignments: readonly string[]): this {
    this.#lines.push(`\`sysctl -q ${assignments.join(' ')}\``);
    return this;
  }

  /** `inject('S 0:0(0) win 1000 <mss 1000>')` */
  inject(packet: string, time: number | string = 0): this {
    return this.#event(time, `< ${packet}`);
  }

  /** `expect('S. 0:0(0) ack 1 <mss 1460>')` */
  expect(packet: string, time: number | string = 0): this {
    return this.#event(time, `> ${packet}`);
  }

  /** `call('read(4, ..., 100) = 100')`; with `until` it blocks. */
  call(call: string, time: number | string = 0, until?: number): this {
    const at = timeText(time, this.#begun);
    return this.#event(until === undefined ? at : `${at}...${decimals(until)}`, call);
  }

  /** `code('assert tcpi_snd_cwnd == 10')` */
  code(code: string, time: number | string = 0): this {
    return this.#event(time, `%{ ${code} }%`);
  }

  /** Lines of a script as they are. */
  text(lines: string): this {
    this.#lines.push(lines);
    this.#begun ||= /^\s*[\d+*]/m.test(lines);
    return this;
  }

  /** The script so far, as text. */
  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  /** The script, checked. Throws `ScriptError`. */
  build(): Script {
    return parseScript(this.toString());
  }

  /** Runs it. */
  run(options: RunOptions = {}): ScriptResult {
    return runParsedScript(parseScript(this.toString(), options), options);
  }

  #event(time: number | string, action: string): this {
    this.#lines.push(`${timeText(time, this.#begun)} ${action}`);
    this.#begun = true;
    return this;
  }
}

/** A new, empty script. */
export function script(): ScriptBuilder {
  return new ScriptBuilder();
}

function timeText(time: number | string, begun: boolean): string {
  if (typeof time === 'string') return time;
  return begun ? `+${decimals(time)}` : decimals(time);
}

function decimals(seconds: number): string {
  return seconds.toFixed(6).replace(/\.?0+$/, '');
}
