import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runFiles } from '../../script/node/parallel.ts';
import { findScripts } from '../../script/node/script-files.ts';

it('several threads give the same results in the same order as one', async () => {
  const paths = findScripts([fileURLToPath(new URL('../scripts/handshake', import.meta.url))]);
  const short = (results: Awaited<ReturnType<typeof runFiles>>): string[] =>
    results.map(({ name, status, checks, duration }) => `${name} ${status} ${checks} ${duration}`);
  expect(short(await runFiles(paths, {}, 2))).toEqual(short(await runFiles(paths, {}, 1)));
});
