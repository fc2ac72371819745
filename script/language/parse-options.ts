import { numberSpec } from './parse-number.ts';
import { UnsupportedError } from '../script-error.ts';
import type { Scanner } from './scanner.ts';
import type { BlockSpec, OptionSpec, OptionsSpec } from './syntax.ts';

const HEX = /[0-9a-fA-F]+(?![0-9a-zA-Z_])/y;
const NONE: OptionsSpec = { mode: 'exact', list: [] };
const COUNTERS = [
  ['e0b', 'ceb', 'e1b'],
  ['e1b', 'ceb', 'e0b'],
] as const;

/** `<mss 1460,nop,wscale 7>`; `<...>`: whatever there is; `<{mss 1460,wscale 7}>`: in any order. Nothing: no options. */
export function parseTcpOptions(scanner: Scanner, direction: 'in' | 'out'): OptionsSpec {
  scanner.skip();
  const start = scanner.at;
  if (!scanner.accept('<')) return NONE;
  if (scanner.accept('...')) {
    scanner.expect('>', 'behind the options');
    if (direction === 'in') scanner.fail('<...> is for outbound packets: write the options out', start);
    return { mode: 'ignored', list: [] };
  }
  const set = scanner.accept('{');
  const list: OptionSpec[] = [];
  while (!scanner.sees('>') && !scanner.sees('}')) {
    list.push(parseOption(scanner));
    if (!scanner.accept(',')) break;
  }
  if (set) scanner.expect('}', 'behind the options');
  scanner.expect('>', 'behind the options');
  if (set && direction === 'in')
    scanner.fail('<{...}> is for outbound packets: the order matters here', start);
  const length = list.reduce((sum, option) => sum + optionLength(option), 0);
  if (!set && length % 4 !== 0)
    scanner.fail(`these options take ${length} bytes: pad them with nop to a multiple of 4`, start);
  if (length > 40) scanner.fail(`these options take ${length} bytes: 40 is all that a header holds`, start);
  return { mode: set ? 'set' : 'exact', list };
}

function parseOption(scanner: Scanner): OptionSpec {
  scanner.skip();
  const start = scanner.at;
  const name = scanner.word('a TCP option');
  switch (name) {
    case 'mss':
      return { name, value: numberSpec(scanner, 'the MSS', 0xffff) };
    case 'wscale':
      return { name, value: numberSpec(scanner, 'the window scale', 0xff) };
    case 'sackOK':
    case 'nop':
    case 'eol':
      return { name };
    case 'sack':
      return { name, blocks: parseBlocks(scanner) };
    case 'TS':
      return parseTimestamps(scanner);
    case 'md5':
      if (scanner.acceptWord('valid')) throw new UnsupportedError('md5 valid', scanner.position(start));
      return { name, hex: parseHex(scanner) };
    case 'FO':
    case 'FOEXP':
      return { name, hex: parseHex(scanner) };
    case 'ECN':
      return parseAccEcn(scanner);
    case 'opt':
      return { name, kind: scanner.number('the kind of the option', 0xff), hex: parseHex(scanner) };
    default:
      return scanner.fail(
        `'${name}' is no TCP option: use mss, wscale, sackOK, nop, eol, sack, TS, md5, FO, FOEXP, ECN or opt KIND HEX`,
        start,
      );
  }
}

function parseBlocks(scanner: Scanner): BlockSpec[] {
  const blocks: BlockSpec[] = [];
  while (scanner.seesPattern(/\d/y)) {
    const left = scanner.number('the left edge of a block');
    scanner.expect(':', 'between the edges of a SACK block');
    blocks.push({ left, right: scanner.number('the right edge of a block') });
  }
  return blocks;
}

function parseTimestamps(scanner: Scanner): OptionSpec {
  if (!scanner.acceptWord('val')) scanner.fail(`expected 'val' behind TS, found ${scanner.found()}`);
  const value = scanner.accept('...') ? 'any' : numberSpec(scanner, 'the timestamp');
  if (!scanner.acceptWord('ecr'))
    scanner.fail(`expected 'ecr' behind the timestamp, found ${scanner.found()}`);
  const echo = scanner.accept('...') ? 'any' : numberSpec(scanner, 'the echoed timestamp');
  return { name: 'TS', value, echo, absoluteEcho: scanner.accept('!') };
}

function parseHex(scanner: Scanner): string {
  scanner.skip();
  const start = scanner.at;
  const hex = scanner.match(HEX)?.[0] ?? '';
  if (hex.length % 2 !== 0) scanner.fail('bytes have two hex digits each', start);
  return hex.toLowerCase();
}

/** AccECN [RFC 9768 3.2.3]: three counters at most, in the order of kind 172 or of kind 174. */
function parseAccEcn(scanner: Scanner): OptionSpec {
  const order = scanner.seesPattern(/e0b/y) ? 0 : 1;
  const counters: number[] = [];
  for (const name of COUNTERS[order]) {
    if (!scanner.acceptWord(name)) break;
    counters.push(scanner.number(`the counter ${name}`, 0xff_ffff));
  }
  return { name: 'ECN', order, counters };
}

/** What the option takes on the wire, in bytes. */
export function optionLength(option: OptionSpec): number {
  switch (option.name) {
    case 'mss':
      return 4;
    case 'wscale':
      return 3;
    case 'sackOK':
      return 2;
    case 'nop':
    case 'eol':
      return 1;
    case 'sack':
      return 2 + 8 * option.blocks.length;
    case 'TS':
      return 10;
    case 'FOEXP':
      return 4 + option.hex.length / 2;
    case 'md5':
    case 'FO':
    case 'opt':
      return 2 + option.hex.length / 2;
    case 'ECN':
      return 2 + 3 * option.counters.length;
  }
}
