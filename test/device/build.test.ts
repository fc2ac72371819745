import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const BUILD: string = join(import.meta.dirname, '../../device/native/build.mjs');
const folder: string = mkdtempSync(join(tmpdir(), 'glasstack-build-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the build says in a machine whose PATH holds just these programs; it fails if the build does. */
function buildWith(programs: readonly string[], platform: string = 'linux'): string {
  const path = mkdtempSync(join(folder, 'path-'));
  for (const program of programs) {
    writeFileSync(join(path, program), '#!/bin/sh\nexit 1\n');
    chmodSync(join(path, program), 0o755);
  }
  const pretend = `Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });`;
  const options = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, BUILD];
  return execFileSync(process.execPath, options, { env: { PATH: path }, encoding: 'utf8' });
}

describe.skipIf(process.platform !== 'linux')('building the addon', () => {
  it('says in one line what is missing, and lets the install go on', () => {
    const said = buildWith(['make']);
    expect(said).toContain('because python3 and g++ cannot be found');
    expect(said).toContain('npm rebuild glasstack');
    expect(said.trim().split('\n')).toHaveLength(1);
  });

  it('says that other systems have no TUN and TAP', () => {
    expect(buildWith([], 'darwin')).toContain('need Linux and this is darwin');
  });
});
