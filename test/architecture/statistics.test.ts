import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { COUNTERS } from '../../stack/counters.ts';
import { MEMORY_KINDS } from '../../stack/memory.ts';

const text = readFileSync('docs/statistics.md', 'utf8');

it('docs/statistics.md has each counter with its meaning, and each use of memory', () => {
  const rows = [...text.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name, meaning]) => [name, meaning]);
  const counters = rows.filter(([name = '']) => /^[A-Z]/.test(name));
  expect(counters).toEqual(Object.entries(COUNTERS));
  for (const kind of MEMORY_KINDS) expect(text).toContain(`\`${kind}\``);
});

it('the example of docs/statistics.md prints what it says', async () => {
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words.join(' ')));
  try {
    await import('../../examples/statistics.ts');
  } finally {
    log.mockRestore();
  }
  expect(printed.join('\n')).toBe(/```text\n([\s\S]*?)\n```/.exec(text)?.[1]);
});
