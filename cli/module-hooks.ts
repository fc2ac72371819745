/** Hooks of Node's module loader (`node:module` `register`) for programs that `glasstack run` runs. */
import { readFileSync } from 'node:fs';
import type { ResolveHook } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUN_MODULE: string = new URL(`bun-module${extname(import.meta.url)}`, import.meta.url).href;
const COMMONJS = /\brequire\(|\bmodule\.exports\b|^\s*exports\./m;
const ES_MODULE = /^\s*(?:import|export)\b/m;

/** Finds the module `bun`, and takes TypeScript without a package.json around it for ES modules, as Bun does. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === 'bun') return { url: BUN_MODULE, format: 'module', shortCircuit: true };
  const found = await next(specifier, context);
  if (found.format !== 'commonjs' || !/^file:[^?]*\.tsx?(?:\?|$)/.test(found.url)) return found;
  const text = readFileSync(fileURLToPath(found.url.split('?')[0] ?? ''), 'utf8');
  return ES_MODULE.test(text) || !COMMONJS.test(text) ? { ...found, format: 'module' } : found;
};
