import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** What the linter cannot see; the rest of the table of imports is in `.oxlintrc.json`. */
const root = fileURLToPath(new URL('../..', import.meta.url));

/** All TypeScript files of the project but the tests of the types, with their text. */
const files: readonly { readonly path: string; readonly text: string }[] = readdirSync(root, {
  withFileTypes: true,
})
  .filter((entry) => entry.isDirectory() && !/^(\.|node_modules|dist|build|test-output)/.test(entry.name))
  .flatMap((entry) =>
    readdirSync(join(root, entry.name), { recursive: true, encoding: 'utf8' }).map((path) =>
      join(entry.name, path).split(sep).join('/'),
    ),
  )
  .filter((path) => path.endsWith('.ts') && !path.startsWith('test/types/') && !path.includes('node_modules'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** The lines of the files that `select` chooses in which `pattern` is found, as `path:line`. */
function matches(select: (path: string) => boolean, pattern: RegExp): string[] {
  return files
    .filter(({ path }) => select(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
    );
}

const inBrowser = (path: string): boolean =>
  /^(stack|sim|script|trace|socket-api|device\/(wire|segmentation|layers))/.test(path) &&
  !path.includes('/node/');
const inThisTest = (path: string): boolean => path.startsWith('test/architecture/');

describe('what runs in a browser', () => {
  it('makes no program out of text', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(matches(inBrowser, /\beval\(|new Function\(/)).toEqual([]);
  });
});

describe('exceptions to the rules', () => {
  it('are argued in place', () => {
    const notArgued = matches((path) => !inThisTest(path), /oxlint-disable(?!.* -- \S)/);
    expect(notArgued).toEqual([]);
  });

  it('are none to the types', () => {
    const silenced = matches((path) => !inThisTest(path), /@ts-(ignore|nocheck)|@ts-expect-error(?! \S)/);
    expect(silenced).toEqual([]);
  });
});
