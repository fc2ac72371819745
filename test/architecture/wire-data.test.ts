import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const stack = fileURLToPath(new URL('../../stack/', import.meta.url));

/** Sources of the stack, with comments and strings taken out. */
const sources: readonly [path: string, code: string][] = readdirSync(stack, {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.ts'))
  .map((path) => [path, bare(readFileSync(join(stack, path), 'utf8'))]);

function bare(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

/** Lines of the sources that match, but for those of files that may. */
function lines(pattern: RegExp, allowed: readonly string[]): string[] {
  return sources
    .filter(([path]) => !allowed.includes(path))
    .flatMap(([path, code]) =>
      code
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
}

/** A regular expression, as a literal or made of text. */
const REGULAR =
  /(?:^|[=(,:!&|?[>]|\breturn)\s*\/(?![/*=\s]).*\/[a-z]*|RegExp|\.(?:match|matchAll|search|test|exec)\(/;
/** An object with names that are not known beforehand. */
const OPEN_OBJECT = /Record<string|\{\s*(?:readonly )?\[\w+: string\]|Object\.fromEntries|Object\.create/;

describe('data from the wire', () => {
  it('J4 meets no regular expression: the stack has none but for what people write: addresses, a key', () => {
    const written = ['wire/address.ts', 'wire/mac.ts', 'tcp/fast-open.ts']; // the last: the setting `fastOpenKey`
    expect(lines(REGULAR, written)).toEqual([]);
    expect(lines(REGULAR, []).length).toBeGreaterThan(3); // the pattern finds those that there are
  });

  it('J3 is never a property name: objects with open names exist only where the names are ours', () => {
    const ours = [
      'host.ts', // states and drop reasons
      'counters.ts', // names of counters
      'tcp/tracing.ts', // names of variables
      'tcp/congestion/congestion-control.ts', // names of variables of an algorithm
    ];
    expect(lines(OPEN_OBJECT, ours)).toEqual([]);
    expect(lines(OPEN_OBJECT, []).length).toBeGreaterThan(3);
  });
});
