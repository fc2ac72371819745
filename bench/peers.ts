import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, peersFolder } from './processes.ts';

/** Fetches the optional peers from the npm registry into `bench/peers/`, which git ignores. */
export async function fetchPeers(): Promise<void> {
  mkdirSync(peersFolder, { recursive: true });
  writeFileSync(join(peersFolder, 'package.json'), '{ "private": true }\n');
  await output(
    [
      'npm',
      'install',
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--prefix',
      peersFolder,
      'bun@1',
    ],
    { core: 0 },
  );
}
