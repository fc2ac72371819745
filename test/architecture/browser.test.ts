import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { run, type Outcome } from './browser-program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BROWSER_SAFE = [
  'stack',
  'sim',
  'trace',
  'script',
  'socket-api',
  'device/wire.ts',
  'device/segmentation.ts',
  'device/layers',
];

/** The TypeScript files at and under `path` but for `node/` subfolders, relative to the root. */
function sources(path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (path.endsWith('.ts')) return [path];
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === 'node' ? [] : sources(join(path, entry.name));
    return entry.name.endsWith('.ts') ? [join(path, entry.name)] : [];
  });
}

/** All of the browser-safe folders and the program in one script that leaves its exports in `bundle`. */
async function bundle(): Promise<{ script: string; inputs: Metafile['inputs'] }> {
  const modules = BROWSER_SAFE.flatMap(sources);
  const lines = modules.map((path, index) => `export * as module${index} from './${path}';`);
  const result = await build({
    stdin: {
      contents: [...lines, "export { run } from './test/architecture/browser-program.ts';"].join('\n'),
      resolveDir: root,
    },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundle',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return { script: result.outputFiles[0]?.text ?? '', inputs: result.metafile.inputs };
}

/** A context with the language and nothing else: V8 itself puts a console there. */
function bareContext(): object {
  const context = createContext({});
  runInContext('delete globalThis.console', context);
  return context;
}

describe('the browser-safe folders', () => {
  it('bundle for the browser, and run without anything of Node with the same outcome', async () => {
    const { script } = await bundle();
    const context = bareContext();
    expect(runInContext('typeof Buffer + typeof process + typeof console + typeof setTimeout', context)).toBe(
      'undefined'.repeat(4),
    );
    const json: string = runInContext(`${script}; JSON.stringify(bundle.run())`, context);
    const outcome: Outcome = JSON.parse(json);
    expect(outcome).toEqual(run());
    expect(outcome.frames).toEqual(['4 bytes, first 1, at 10000', '4 bytes, first 3, at 10000']);
  });

  it('load nothing from elsewhere, and nothing late', async () => {
    const { inputs } = await bundle();
    const elsewhere = Object.keys(inputs).filter(
      (path) =>
        path !== '<stdin>' && !/^(test\/architecture|stack|sim|trace|script|socket-api|device)\//.test(path),
    );
    expect(elsewhere).toEqual([]);
    const late = Object.values(inputs).flatMap(({ imports }) =>
      imports.filter((one) => one.kind !== 'import-statement'),
    );
    expect(late).toEqual([]);
  });
});
