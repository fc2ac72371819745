import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';

const FOLDER = resolve('test-output', 'docs-programs');

/** The doors that the examples use, as files of the source. */
const DOORS: Readonly<Record<string, string>> = {
  glasstack: 'index.ts',
  'glasstack/sim': 'sim/sim.ts',
  'glasstack/sim-programs': 'sim/node/programs.ts',
  'glasstack/streams': 'socket-api/node/duplexes.ts',
};

const examples = [
  ...readFileSync('docs/real-programs.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```\n```text\n([\s\S]*?)```/g),
].map(([, code = '', output = '']) => ({ code, output: output.trim() }));

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

it('there are examples', () => expect(examples).toHaveLength(3));

it.each(examples.map((example, index) => ({ ...example, index })))(
  'example $index of docs/real-programs.md prints what it says',
  async ({ code, output, index }) => {
    mkdirSync(FOLDER, { recursive: true });
    const path = join(FOLDER, `example-${index}.ts`);
    const text = code.replaceAll(
      /'(glasstack(?:\/[\w-]+)?)'/g,
      (_, door: string) => `'${resolve(DOORS[door] ?? '')}'`,
    );
    writeFileSync(path, text);
    const printed: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words.join(' ')));
    try {
      await import(/* @vite-ignore */ pathToFileURL(path).href);
    } finally {
      log.mockRestore();
    }
    expect(printed.join('\n')).toBe(output);
  },
);
