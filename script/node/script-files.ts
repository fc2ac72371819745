import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A script on disk. */
export interface ScriptFile {
  readonly path: string;
  readonly text: string;
}

/** All `.pkt` files that the paths name: files as they are, folders with all that is under them, sorted. */
export function findScripts(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pkt'))
      .sort()
      .map((name) => join(path, name));
  });
}

/** Reads a script. */
export function readScript(path: string): ScriptFile {
  return { path, text: readFileSync(path, 'utf8') };
}
