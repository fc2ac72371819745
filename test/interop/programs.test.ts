import { describe, expect, it } from 'vitest';
import { isInstalled } from '../../cli/namespace.ts';
import { PROGRAMS, runProgram } from '../../interop/programs.ts';
import { interopMissing } from './world.ts';

describe.skipIf(interopMissing)("the system's programs and our command line", () => {
  for (const row of PROGRAMS) {
    it.skipIf(!isInstalled(row.needs) || !isInstalled('nc'))(
      `${row.program}: ${row.title.replaceAll('`', '')}`,
      async () => {
        expect(await runProgram(row)).toEqual({ id: row.id, told: expect.any(String) });
      },
    );
  }
});
