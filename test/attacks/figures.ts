/** The figures of the rows: printed, and kept for docs/attacks.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, vi } from 'vitest';

// Floods are long, and machines slow.
vi.setConfig({ testTimeout: 180_000 });

const figures: { row: string; name: string; value: string }[] = [];

/** Prints the figure of a row, and keeps it for docs/attacks.md if `GLASSTACK_ATTACK_FIGURES` names a folder. */
export function figure(row: string, name: string, value: string | number): void {
  const text = typeof value === 'number' ? String(Math.round(value * 1_000) / 1_000) : value;
  figures.push({ row, name, value: text });
  console.log(`${row}: ${name}: ${text}`);
}

afterAll(() => {
  const folder = process.env['GLASSTACK_ATTACK_FIGURES'];
  if (folder === undefined || figures.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const rows = [...new Set(figures.map(({ row }) => row))].join('-');
  writeFileSync(`${folder}/${rows}.json`, `${JSON.stringify(figures, null, 1)}\n`);
});

/** Microseconds per call of `work`, by the real clock: a figure, never an assertion. */
export function timed(calls: number, work: () => void): number {
  const began = performance.now();
  work();
  return ((performance.now() - began) * 1_000) / calls;
}
