import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files that break a rule: the path, the text, and the rule that has to say so. */
const bad: readonly [path: string, text: string, rule: string][] = [
  ['stack/a1.ts', "import '../device/wire.ts';", 'no-restricted-imports'],
  ['stack/tcp/a2.ts', "import '../../sim/random.ts';", 'no-restricted-imports'],
  ['stack/a3.ts', "import 'node:fs';", 'no-restricted-imports'],
  ['stack/a4.ts', "import 'commander';", 'no-restricted-imports'],
  ['stack/a5.ts', "export * from '../trace/trace.ts';", 'no-restricted-imports'],
  ['device/b1.ts', "import '../socket-api/socket.ts';", 'no-restricted-imports'],
  ['device/b2.ts', "import '../sim/random.ts';", 'no-restricted-imports'],
  ['device/wire.ts', "import './tun.ts';", 'no-restricted-imports'],
  ['device/layers/b3.ts', "import 'node:fs';", 'no-restricted-imports'],
  ['socket-api/c1.ts', "import '../sim/random.ts';", 'no-restricted-imports'],
  ['socket-api/c2.ts', "import './node/clock.ts';", 'no-restricted-imports'],
  ['socket-api/c3.ts', "import 'node:tls';", 'no-restricted-imports'],
  ['socket-api/node/c4.ts', "import '../../sim/random.ts';", 'no-restricted-imports'],
  ['sim/d1.ts', "import '../device/tun.ts';", 'no-restricted-imports'],
  ['sim/d2.ts', "import '../trace/trace.ts';", 'no-restricted-imports'],
  ['sim/d3.ts', "import './node/workers.ts';", 'no-restricted-imports'],
  ['trace/e1.ts', "import '../sim/random.ts';", 'no-restricted-imports'],
  ['trace/e2.ts', "import '../device/wire.ts';", 'no-restricted-imports'],
  ['trace/e3.ts', "import './node/file.ts';", 'no-restricted-imports'],
  ['script/f1.ts', "import '../socket-api/socket.ts';", 'no-restricted-imports'],
  ['replay/g1.ts', "import '../socket-api/socket.ts';", 'no-restricted-imports'],
  ['stack/h1.ts', "import '../index.ts';", 'no-restricted-imports'],
  ...['Buffer.alloc(1)', 'process.pid', 'console.log(1)', 'Date.now()', 'performance.now()'].map(
    (use, index): [string, string, string] => [`stack/i${index}.ts`, `${use};`, 'no-restricted-globals'],
  ),
  ['sim/i5.ts', 'setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['sim/i6.ts', 'setInterval(() => {}, 1);', 'no-restricted-globals'],
  ['trace/i7.ts', 'setImmediate(() => {});', 'no-restricted-globals'],
  ['trace/i8.ts', 'export const tag: unknown = crypto;', 'no-restricted-globals'],
  ['socket-api/i9.ts', 'queueMicrotask(() => {});', 'no-restricted-globals'],
  ['stack/j1.ts', 'export const dice = Math.random();', 'no-restricted-properties'],
  ['cli/k1.ts', 'export const a: any = 1;', 'no-explicit-any'],
  ['test/k2.ts', 'export const b = (list: number[]) => list[0]!;', 'no-non-null-assertion'],
  ['stack/l1.ts', "import './l2.ts'; export const l = 1;", 'no-cycle'],
  ['bench/m1.ts', '// line\n'.repeat(401), 'max-lines'],
  ['bench/m2.ts', `export function long(): void {\n${'  // line\n'.repeat(60)}}`, 'max-lines-per-function'],
];

/** Files that break none. */
const good: readonly [path: string, text: string][] = [
  ['stack/l2.ts', "import { l } from './l1.ts'; export const m = l;"],
  ['stack/link/ok1.ts', "import type { Device } from './device.ts'; export type { Device };"],
  ['stack/ok2.ts', "import '../stack/link/device.ts';"],
  ['device/tun.ts', "import 'node:fs'; import '../stack/time.ts'; process.pid.toFixed();"],
  ['device/layers/ok3.ts', "import '../segmentation.ts'; import './drop.ts';"],
  ['sim/ok4.ts', "import '../device/wire.ts'; import '../device/layers/drop.ts'; import '../stack/time.ts';"],
  ['sim/ok5.ts', "import '../device/wire-lane.ts'; import '../device/segmentation.ts';"],
  ['trace/ok6.ts', "import '../device/segmentation.ts'; import '../stack/trace.ts';"],
  ['trace/node/ok7.ts', "import 'node:fs'; import '../pcapng.ts'; console.log(Buffer.alloc(1));"],
  [
    'socket-api/ok7.ts',
    "import type { X509Certificate } from 'node:crypto'; export type { X509Certificate };",
  ],
  ['socket-api/ok8.ts', "import '../stack/host.ts'; import '../device/wire.ts';"],
  ['socket-api/node/ok9.ts', "import 'node:tls'; import '../errors.ts'; setTimeout(() => {}, 1);"],
  ['cli/ok10.ts', "import 'commander'; import '../sim/sim.ts'; import '../trace/trace.ts';"],
  ['test/ok11.ts', `export function long(): void {\n${'  // line\n'.repeat(60)}}`],
];

describe('the lint configuration', () => {
  const directory = mkdtempSync(join(tmpdir(), 'glasstack-lint-'));
  const complaints = new Map<string, string[]>();

  beforeAll(() => {
    copyFileSync(join(root, '.oxlintrc.json'), join(directory, '.oxlintrc.json'));
    for (const [path, text] of [...bad, ...good]) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), `${text}\n`);
    }
    const binary = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
    const run = spawnSync(process.execPath, [binary, '--format=json', '.'], {
      cwd: directory,
      encoding: 'utf8',
    });
    for (const { filename, code } of diagnosticsOf(run.stdout)) {
      complaints.set(filename, [...(complaints.get(filename) ?? []), code]);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(bad)('refuses %s: %s', (path, _text, rule) => {
    expect(complaints.get(path) ?? []).toContainEqual(expect.stringContaining(`(${rule})`));
  });

  it.each(good)('lets %s pass', (path) => {
    const codes = complaints.get(path) ?? [];
    expect(codes.filter((code) => /no-restricted|max-lines/.test(code))).toEqual([]);
  });
});

function diagnosticsOf(json: string): { filename: string; code: string }[] {
  const parsed: { diagnostics: { filename: string; code: string }[] } = JSON.parse(json);
  return parsed.diagnostics;
}
