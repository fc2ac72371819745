import { describe, expect, it } from 'vitest';
import { glasstack } from './support.ts';

describe('glasstack --help', () => {
  it('lists the commands', async () => {
    const { code, stdout } = await glasstack(['--help']);
    expect(code).toBe(0);
    for (const command of ['serve', 'run', 'ping', 'nc'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });
});

describe('an error', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['bogus', 1, /unknown command 'bogus'/],
    ['serve --bogus', 1, /unknown option '--bogus'/],
    ['run', 1, /missing required argument 'file'/],
    ['run no-such-program.ts', 1, /There is no program no-such-program\.ts\./],
    ['run examples/echo.ts --wire', 1, /two programs/],
    ['run examples/echo.ts --tun x --wire', 1, /cannot be used with option '--wire'/],
    ['run examples/echo.ts --address 10.0.0.1', 1, /prefix length, such as 10\.77\.0\.2\/24/],
    ['ping somewhere', 2, /'somewhere' is no IP address/],
    ['ping 10.77.0.1 -c 0', 1, /whole number from 1/],
    ['ping 10.77.0.1 --wire --capture /no/such/folder/x.pcapng', 1, /capture cannot be written/],
    ['nc 10.77.0.1 99999', 1, /'99999' is no port/],
  ];

  it.each(cases)('is one line on stderr: %s', async (words, expected, message) => {
    const { code, stdout, stderr } = await glasstack(words.split(' '));
    expect(stderr).toMatch(/^glasstack: .*\n$/);
    expect(stderr).toMatch(message);
    expect([stdout, code]).toEqual(['', expected]);
  });

  it('shows where it came from with DEBUG', async () => {
    const { stderr } = await glasstack(['ping', 'somewhere'], { environment: { DEBUG: '1' } });
    expect(stderr).toMatch(/^glasstack: .*no IP address\.\n +at /);
  });
});
