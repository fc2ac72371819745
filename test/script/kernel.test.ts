import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runOnKernel } from '../../script/node/run-on-kernel.ts';
import { textReport } from '../../script/script.ts';
import { kernelMissing } from '../device/kernel-world.ts';

const folder = fileURLToPath(new URL('../scripts/', import.meta.url));

// Three of them, to see that the way there works; `glasstack script --tun test/scripts` runs all.
describe.skipIf(kernelMissing())('the kernel in place of the stack', () => {
  it.each(['handshake/passive-open.pkt', 'data/out-of-order.pkt', 'poll/readiness.pkt'])(
    '%s',
    async (name) => {
      const result = await runOnKernel(readFileSync(folder + name, 'utf8'), { name });
      expect(result.target).toBe('kernel');
      expect(textReport(result)).toMatch(/^ok /);
    },
  );

  it('fails a script that is wrong', async () => {
    const text = readFileSync(`${folder}handshake/passive-open.pkt`, 'utf8').replace(
      '> . 1:1(0) ack 101',
      '> . 1:1(0) ack 102',
    );
    const { status, failures } = await runOnKernel(text);
    expect(status).toBe('failed');
    expect(failures[0]?.fields[0]?.field).toBe('ack number');
    expect(failures[0]?.fields[0]?.expected).toBe('102');
  });
});
