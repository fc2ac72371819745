import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What a world and its scenarios are made of. */
const NEEDED = [
  'stack',
  'sim',
  'trace',
  'device/wire.ts',
  'device/wire-lane.ts',
  'device/segmentation.ts',
  'device/layers',
  'test/sim/scenarios',
];

/** A copy of the stack with the fault of a patch in it; the URL of a file in it. */
export function plant(patch: string): (path: string) => string {
  const folder = join(root, 'test-output', 'planted', patch);
  rmSync(folder, { recursive: true, force: true });
  for (const path of NEEDED) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  applyPatch(folder, readFileSync(join(root, 'test', 'sim', 'planted', `${patch}.patch`), 'utf8'));
  return (path) => pathToFileURL(join(folder, path)).href;
}

/**
 * Applies a unified diff whose hunks have no line numbers: what a hunk takes away, with its context, has to be in the file exactly once, so
 * that a patch outlives changes around it and fails where it no longer fits.
 */
function applyPatch(folder: string, text: string): void {
  const [, ...files] = text.split(/^--- a\/.*\n/m);
  for (const part of files) {
    const [head = '', ...hunks] = part.split(/^@@.*\n/m);
    const path = join(folder, /^\+\+\+ b\/(.*)$/m.exec(head)?.[1] ?? '');
    let content = readFileSync(path, 'utf8');
    for (const hunk of hunks) {
      const lines = hunk.split('\n').filter((line) => line !== '');
      const side = (sign: string): string =>
        lines
          .filter((line) => line[0] === ' ' || line[0] === sign)
          .map((line) => `${line.slice(1)}\n`)
          .join('');
      const [before, after, more] = content.split(side('-'));
      if (before === undefined || after === undefined)
        throw new Error(`the patch does not fit ${path} any more: ${hunk}`);
      // A context that is there more than once: the first place counts.
      const rest = more === undefined ? after : content.slice(before.length + side('-').length);
      content = before + side('+') + rest;
    }
    writeFileSync(path, content);
  }
}
