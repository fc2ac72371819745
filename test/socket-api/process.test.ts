import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';

/** What the program printed, and how the process ended by itself. */
async function run(scenario: string): Promise<{ out: string[]; code: number | null; errors: string }> {
  const program = 'test/socket-api/two-hosts-program.ts';
  const child = spawn(process.execPath, ['--import', 'tsx', program, scenario], { timeout: 20_000 });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { out: out.split('\n').filter((line) => line !== ''), code, errors };
}

it('the process lives as long as a socket is open, and ends by itself', async () => {
  const { out, code, errors } = await run('echo');
  expect(errors).toBe('');
  expect(out).toEqual(['Buffer hello', 'client closed', 'server closed']);
  expect(code).toBe(0);
});

it('rows 15, 17: without an error handler what data throws ends the process', async () => {
  const { code, errors } = await run('throws');
  expect(code).toBe(1);
  expect(errors).toContain('Error: fault in data');
});

it('row 15: a program that catches uncaught exceptions goes on', async () => {
  const { out, code } = await run('survives');
  expect(out).toEqual(['uncaught fault in data', 'Buffer hello', 'client closed', 'server closed']);
  expect(code).toBe(0);
});
