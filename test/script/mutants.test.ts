import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findScripts } from '../../script/node/script-files.ts';
import { parseScript, runParsedScript } from '../../script/script.ts';
import { mutantsOf, type Mutation } from './mutants.ts';

const folder = fileURLToPath(new URL('../scripts', import.meta.url));

/** Mutants that pass although they should not, with the reason why that is right. */
const EXPLAINED: Readonly<Record<string, string>> = {};

interface Survivor {
  readonly script: string;
  readonly mutation: Mutation;
  readonly line: number;
}

/** All mutants of all scripts; which of the expectations is changed depends on the script's place in the list. */
function judgeAll(): {
  readonly count: number;
  readonly survivors: Survivor[];
  readonly by: Map<Mutation, number>;
} {
  const survivors: Survivor[] = [];
  const by = new Map<Mutation, number>();
  let count = 0;
  for (const [index, path] of findScripts([folder]).entries()) {
    const script = parseScript(readFileSync(path, 'utf8'));
    for (const { mutation, line, script: mutant } of mutantsOf(script, index)) {
      count += 1;
      by.set(mutation, (by.get(mutation) ?? 0) + 1);
      const name = relative(folder, path);
      const { status } = runParsedScript(mutant, { name });
      if (status === 'failed' || status === 'error') continue;
      if (EXPLAINED[`${name} ${mutation}`] === undefined) survivors.push({ script: name, mutation, line });
    }
  }
  return { count, survivors, by };
}

describe('mutants of the scripts', () => {
  it('fail: the interpreter sees each changed expectation', () => {
    const { count, survivors, by } = judgeAll();
    const each = [...by].map(([mutation, of]) => `${mutation} ${of}`).join(', ');
    console.log(`${count} mutants, ${survivors.length} survivors: ${each}`);
    expect(survivors).toEqual([]);
    expect(by.size).toBe(10);
    expect(count).toBeGreaterThan(3_000);
  }, 300_000);
});
