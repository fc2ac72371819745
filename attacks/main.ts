/**
 * `npm run attacks`: runs the attacks, keeps their figures in attacks/figures.json and writes docs/attacks.md. With `--document` it runs nothing
 * and writes the document with the figures that are kept.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOCUMENT, FIGURES, type Figure, document, keptFigures } from './document.ts';

function measure(): number {
  const folder = mkdtempSync(join(tmpdir(), 'glasstack-attacks-'));
  const { status } = spawnSync('npx', ['vitest', 'run', 'test/attacks', 'test/interop/nmap.test.ts'], {
    stdio: 'inherit',
    env: { ...process.env, GLASSTACK_ATTACK_FIGURES: folder },
  });
  const read = (name: string): Figure[] => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Figure[];
  const figures = readdirSync(folder).toSorted().flatMap(read);
  const measured = new Set(figures.map(({ row, name }) => `${row} ${name}`));
  // What was not run here, for want of root or a program, stays as it was.
  const old = keptFigures().filter(({ row, name }) => !measured.has(`${row} ${name}`));
  const kept = process.argv.includes('--keep') ? old : [];
  writeFileSync(FIGURES, `${JSON.stringify([...figures, ...kept], null, 1)}\n`);
  rmSync(folder, { recursive: true });
  return status ?? 1;
}

process.exitCode = process.argv.includes('--document') ? 0 : measure();
writeFileSync(DOCUMENT, document(keptFigures()));
