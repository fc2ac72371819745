import { parseCall } from './parse-call.ts';
import { parsePacket } from './parse-packet.ts';
import { parseTime } from './parse-time.ts';
import { preprocess } from './preprocess.ts';
import { Scanner } from './scanner.ts';
import type { Action, Script, ScriptEvent, ScriptOption, ShellAction } from './syntax.ts';

/** What is given from outside. */
export interface ParseOptions {
  /** Words and what stands for them. */
  readonly defines?: Readonly<Record<string, string>>;
  /** Names that `#ifdef` knows; by default `FreeBSD` for the profile `freebsd`, `STANDARD` for all others. */
  readonly symbols?: readonly string[];
  /** Takes precedence over the script's own `--profile`. */
  readonly profile?: string;
}

const OPTION = /--?([A-Za-z_][\w]*)/y;
const OPTION_VALUE = /=[ \t]*("[^"\n]*"|\w+=(?:"[^"\n]*"|`[^`]*`|[^\s`]*)|[^\s`]*)/y;

/** Reads a script. Throws `ScriptError` with line and column at the first mistake. */
export function parseScript(text: string, options: ParseOptions = {}): Script {
  const symbols = new Set(options.symbols ?? [dialectOf(text, options.profile)]);
  const outside = new Map(Object.entries(options.defines ?? {}));
  const conditional = preprocess(text, symbols, new Map());
  const leading = parseOptions(new Scanner(conditional));
  const defines = new Map([...definesOf(leading), ...outside]);
  const scanner = new Scanner(preprocess(conditional, symbols, defines));
  const found = parseOptions(scanner);
  const init = parseShell(scanner);
  const events: ScriptEvent[] = [];
  let cleanup: ShellAction | undefined;
  while (!scanner.done) {
    if (scanner.sees('`')) {
      cleanup = parseShell(scanner);
      if (!scanner.done) scanner.fail('a command without a time is the first or the last thing of a script');
      break;
    }
    events.push(parseEvent(scanner));
  }
  checkTimes(scanner, events);
  return { options: found, init, events, cleanup };
}

/** Which of the two readings of a script: the profile is named outside of any `#ifdef`. */
function dialectOf(text: string, outside: string | undefined): 'FreeBSD' | 'STANDARD' {
  const named = (): string | undefined =>
    parseOptions(new Scanner(preprocess(text, new Set(), new Map())))
      .filter(({ name }) => name === 'profile')
      .at(-1)?.value;
  return (outside ?? named()) === 'freebsd' ? 'FreeBSD' : 'STANDARD';
}

function parseOptions(scanner: Scanner): ScriptOption[] {
  const options: ScriptOption[] = [];
  while (scanner.sees('-')) {
    const position = scanner.position();
    const [, name = ''] = scanner.take(OPTION, 'an option, such as --mtu=1500');
    const value = scanner.text[scanner.at] === '=' ? (scanner.match(OPTION_VALUE)?.[1] ?? '') : '';
    options.push({ name, value: value.replace(/^"(.*)"$/, '$1'), position });
  }
  return options;
}

function definesOf(options: readonly ScriptOption[]): [string, string][] {
  return options
    .filter(({ name }) => name === 'define' || name === 'D')
    .map(({ value }) => {
      const equals = value.indexOf('=');
      return equals < 0 ? [value, '1'] : [value.slice(0, equals), value.slice(equals + 1)];
    });
}

function parseShell(scanner: Scanner): ShellAction | undefined {
  scanner.skip();
  const position = scanner.position();
  if (!scanner.accept('`')) return undefined;
  return { type: 'shell', command: scanner.upTo('`', 'this command'), position };
}

function parseEvent(scanner: Scanner): ScriptEvent {
  scanner.skip();
  const start = scanner.at;
  const { time, returnsAt } = parseTime(scanner);
  scanner.skip();
  const actionAt = scanner.at;
  const action = parseAction(scanner);
  const outbound = action.type === 'packet' && action.direction === 'out';
  if (!outbound && (time.kind === 'any' || time.until !== undefined))
    scanner.fail(
      'a window or * as time is for outbound packets: everything else happens at one instant',
      start,
    );
  if (returnsAt !== undefined && action.type !== 'call')
    scanner.fail('only a system call can last from one time ... to another', start);
  const text = scanner.text.slice(start, scanner.at).replace(/\s+/g, ' ').trim();
  return { time, returnsAt, action, position: scanner.position(actionAt), text };
}

function parseAction(scanner: Scanner): Action {
  if (scanner.sees('<') || scanner.sees('>')) return parsePacket(scanner);
  const position = scanner.position();
  if (scanner.accept('%{')) return { type: 'code', code: scanner.upTo('}%', 'this code block'), position };
  const shell = parseShell(scanner);
  if (shell !== undefined) return shell;
  if (scanner.seesPattern(/[A-Za-z_]/y)) return parseCall(scanner);
  return scanner.fail(
    `expected a packet (< or >), a system call, a command in backticks or a code block %{ }%, found ${scanner.found()}`,
  );
}

/** The first event is at 0, and absolute times do not go back. */
function checkTimes(scanner: Scanner, events: readonly ScriptEvent[]): void {
  let last = 0;
  for (const [index, { time, position, text }] of events.entries()) {
    if (index === 0 && (time.kind === 'any' || time.from !== 0))
      scanner.fail(`the first event has to be at time 0: ${text}`, offsetOf(scanner, position.line));
    if (time.kind !== 'absolute') continue;
    if (time.from < last)
      scanner.fail(`time goes back: ${time.from} µs after ${last} µs`, offsetOf(scanner, position.line));
    last = time.from;
  }
}

function offsetOf(scanner: Scanner, line: number): number {
  return (
    scanner.text
      .split('\n')
      .slice(0, line - 1)
      .join('\n').length + (line > 1 ? 1 : 0)
  );
}
