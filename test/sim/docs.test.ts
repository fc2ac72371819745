import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { assertDeterministic, runScenario, type ScenarioModule } from '../../sim/sim.ts';

const FOLDER = resolve('test-output', 'docs-simulation');

/** The doors that the examples use, as files of the source. */
const DOORS: Readonly<Record<string, string>> = {
  glasstack: 'index.ts',
  'glasstack/sim': 'sim/sim.ts',
  'glasstack/vitest': 'sim/vitest.ts',
};

const text = readFileSync('docs/simulation.md', 'utf8');
const printing = [...text.matchAll(/```ts\n([\s\S]*?)```\n\n(?:prints\n\n)?```text\n([\s\S]*?)```/g)].map(
  ([, code = '', output = ''], index) => ({ code, output: output.trim(), index }),
);
const scenario = /```ts\n([^`]*?export function scenario[\s\S]*?)```/.exec(text)?.[1] ?? '';

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Imports `code` as a module. */
async function load(code: string, name: string): Promise<unknown> {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, name);
  writeFileSync(
    path,
    code.replaceAll(/'(glasstack(?:\/[\w-]+)?)'/g, (_, door: string) => `'${resolve(DOORS[door] ?? '')}'`),
  );
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

it.each(printing)(
  'example $index of docs/simulation.md prints what it says',
  async ({ code, output, index }) => {
    const printed: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words.join(' ')));
    try {
      await load(code, `example-${index}.ts`);
    } finally {
      log.mockRestore();
    }
    expect(printed.join('\n')).toBe(output);
  },
);

it('there are two of them, and a scenario that runs', async () => {
  expect(printing).toHaveLength(2);
  const module = (await load(scenario, 'scenario.ts')) as ScenarioModule;
  for (let seed = 1; seed <= 20; seed++)
    expect((await runScenario(module, { seed })).failure).toBeUndefined();
  await assertDeterministic(module, [1, 2, 3]);
});
