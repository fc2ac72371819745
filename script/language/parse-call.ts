import type { Scanner } from './scanner.ts';
import type { CallAction, StructField, Value } from './syntax.ts';

const STRING = /"((?:[^"\\]|\\.)*)"/y;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+)(?![\w])/y;
const ERRNO = /E[A-Z0-9]+\b/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0' };

/** `write(4, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)` */
export function parseCall(scanner: Scanner): CallAction {
  const name = scanner.word('the name of a system call');
  scanner.expect('(', `behind ${name}`);
  const args = parseList(scanner, ')', `of ${name}`);
  if (!scanner.accept('='))
    scanner.fail(`expected '=' and the result behind ${name}(...), found ${scanner.found()}`);
  const result = scanner.accept('*') || scanner.accept('?') ? undefined : parseValue(scanner);
  const errno = scanner.match(ERRNO)?.[0];
  while (scanner.accept('(')) scanner.upTo(')', 'this note');
  const any = result === undefined || result.type === 'supplied';
  return { type: 'call', name, args, result: any ? undefined : result, errno };
}

/** Values up to `end`, with commas between. */
function parseList(scanner: Scanner, end: string, where: string): Value[] {
  const items: Value[] = [];
  while (!scanner.accept(end)) {
    if (items.length > 0) scanner.expect(',', `between the arguments ${where}`);
    items.push(parseValue(scanner));
  }
  return items;
}

function parseValue(scanner: Scanner): Value {
  const first = parseSingle(scanner);
  if (!scanner.sees('|')) return first;
  const parts = [first];
  while (scanner.accept('|')) parts.push(parseSingle(scanner));
  return { type: 'flags', parts };
}

function parseSingle(scanner: Scanner): Value {
  if (scanner.accept('...')) return { type: 'supplied' };
  if (scanner.accept('[')) return { type: 'list', items: parseList(scanner, ']', 'in [ ]') };
  if (scanner.accept('{')) return { type: 'struct', fields: parseFields(scanner) };
  if (scanner.sees('"')) return { type: 'text', value: parseString(scanner) };
  const number = scanner.match(NUMBER)?.[0];
  if (number !== undefined) return { type: 'integer', value: Number(number), hex: /x/i.test(number) };
  const name = scanner.word('an argument: a number, a word, a text, ..., [ ] or { }');
  if (!scanner.accept('(')) return { type: 'word', name };
  return { type: 'function', name, args: parseList(scanner, ')', `of ${name}`) };
}

/** Adjacent strings are one. */
function parseString(scanner: Scanner): string {
  let text = '';
  for (let match = scanner.match(STRING); match !== undefined; match = scanner.match(STRING)) {
    text += (match[1] ?? '').replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, escaped: string) =>
      escaped.length === 3
        ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
        : (ESCAPES[escaped] ?? escaped),
    );
  }
  return text;
}

function parseFields(scanner: Scanner): StructField[] {
  const fields: StructField[] = [];
  while (!scanner.accept('}')) {
    if (fields.length > 0) scanner.expect(',', 'between the fields of a struct');
    fields.push(parseField(scanner));
  }
  return fields;
}

function parseField(scanner: Scanner): StructField {
  const value = parseValue(scanner);
  if (!scanner.accept('=')) return { name: undefined, args: [], value };
  if (value.type === 'word') return { name: value.name, args: [], value: parseValue(scanner) };
  if (value.type === 'function') return { name: value.name, args: value.args, value: parseValue(scanner) };
  return scanner.fail('a field is name=value');
}
