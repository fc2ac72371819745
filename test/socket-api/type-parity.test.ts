import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('our declarations can be assigned to those of bun-types 1.4.4, and back', async () => {
  const tsc = 'node_modules/typescript/bin/tsc';
  const run = promisify(execFile)(process.execPath, [tsc, '-p', 'test/types/tsconfig.json']);
  await expect(run).resolves.toMatchObject({ stdout: '' });
}, 30_000);
