import { createRequire } from 'node:module';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ScenarioModule } from '../scenario/scenario.ts';
import type { WorldOptions } from '../world.ts';

/** A scenario and what it is called. */
export interface LoadedScenario extends ScenarioModule {
  readonly name: string;
}

/** Imports the module at `path`. Needs a loader (tsx) in this thread if it is TypeScript. @throws if it exports no scenario */
export async function loadScenario(
  path: string,
  configuration: Partial<WorldOptions> | undefined,
): Promise<LoadedScenario> {
  const module = (await import(pathToFileURL(resolve(path)).href)) as Partial<ScenarioModule>;
  if (typeof module.scenario !== 'function')
    throw new Error(`${path} exports no function "scenario": export function scenario({ world }) { … }`);
  return {
    scenario: module.scenario,
    name: module.name ?? basename(path, extname(path)),
    world: { ...module.world, ...configuration },
    open: module.open ?? false,
  };
}

/** Where a worker thread begins: at `thread`, or if TypeScript is to be loaded, at a few lines that register tsx first. */
export function threadEntry(thread: URL, scenario: string): URL {
  if (!scenario.endsWith('ts') && !thread.href.endsWith('.ts')) return thread;
  // The file itself: `require.resolve` would find the one for CommonJS.
  const tsx = new URL(
    'dist/esm/api/index.mjs',
    pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json')),
  );
  const code = `import { register } from '${tsx.href}'; register(); await import('${thread.href}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
