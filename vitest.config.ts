import { defineConfig } from 'vitest/config';

// Where to put a report for a machine: see .ci/run.
const report = process.env['GLASSTACK_TEST_REPORT'];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    pool: 'forks',
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    outputFile: { json: report ?? 'test-output/vitest.json' },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/interop/**', 'test/types/**'] },
      },
      {
        // Against the real kernel: devices and ports are shared, so one file after the other.
        extends: true,
        test: {
          name: 'tun',
          include: ['test/interop/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
