import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript, type RunOptions } from '../run/run-script.ts';
import { scriptCapture } from '../report/capture.ts';
import { textReport } from '../report/text.ts';
import { findScripts, readScript } from './script-files.ts';

/** How scripts become tests. */
export interface ScriptTestOptions extends RunOptions {
  /** Where captures of failed scripts go; `test-output/scripts` by default. */
  readonly captures?: string;
}

/**
 * Makes a test of every `.pkt` file in `folder`. A script that is not supported is a failure here: whoever runs it as a test
 * wants to know.
 */
export function testScripts(folder: string, options: ScriptTestOptions = {}): void {
  describe(`scripts in ${basename(folder)}`, () => {
    for (const path of findScripts([folder])) {
      it(relative(folder, path), () => testScript(path, options));
    }
  });
}

/** Runs one script and fails with its report if it does not pass. */
export function testScript(path: string, options: ScriptTestOptions = {}): void {
  const result = runScript(readScript(path).text, { ...options, name: path });
  if (result.status === 'passed') return;
  const folder = options.captures ?? join('test-output', 'scripts');
  mkdirSync(folder, { recursive: true });
  const capture = join(folder, `${basename(path, '.pkt')}.pcapng`);
  writeFileSync(capture, scriptCapture(result));
  expect.fail(textReport(result, { capture, around: 12, again: `npx glasstack script ${path}` }));
}
