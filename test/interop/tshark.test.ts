import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StackEnd } from './stack-end.ts';
import { objections, tsharkMissing } from './tshark.ts';
import { interopMissing, withWorld } from './world.ts';

describe.skipIf(interopMissing || tsharkMissing)('the look that tshark takes at captures', () => {
  it('finds a checksum that was good before a byte was changed, and a packet that was sent twice', async () => {
    let capture = '';
    await withWorld({ name: 'tshark' }, async (world) => {
      capture = world.capture;
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, ['recv:26', 'linger0', 'close']);
      const end = await accepted;
      await end.send(new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz'));
      await end.closed();
      await world.result(peer);
    });
    const folder = mkdtempSync(join(tmpdir(), 'glasstack-'));
    try {
      const bytes = readFileSync(capture);
      const at = bytes.indexOf('abcdefghij');
      const changed = Buffer.from(bytes);
      changed[at] = 'z'.charCodeAt(0);
      writeFileSync(join(folder, 'changed.pcapng'), changed);
      expect(Object.keys(await objections(join(folder, 'changed.pcapng')))).toEqual(['bad tcp checksum']);
      // The block of the packet, from its type on: 28 bytes of header, 52 of IP and TCP, then the payload.
      const block = at - 52 - 28;
      const length = bytes.readUInt32LE(block + 4);
      const twice = [bytes.subarray(0, block + length), bytes.subarray(block)];
      writeFileSync(join(folder, 'twice.pcapng'), Buffer.concat(twice));
      const found = Object.keys(await objections(join(folder, 'twice.pcapng')));
      expect(found.some((name) => name.includes('retransmission'))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
