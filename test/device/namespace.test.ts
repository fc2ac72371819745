import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { kernelMissing, runInside, runProgram, withNamespace } from './kernel-world.ts';

describe('names of network namespaces', () => {
  it.each(['', '.', '..', 'a/b', '../x', 'x'.repeat(256)])('%j is refused', (name) => {
    const refused = expect.objectContaining({ code: 'ERR_NAMESPACE_NAME' });
    expect(() => createNamespace(name)).toThrow(refused);
    expect(() => deleteNamespace(name)).toThrow(refused);
  });
});

describe.skipIf(kernelMissing())('network namespaces', () => {
  it('are seen by ip netns, with the loopback interface up', () =>
    withNamespace(async (name) => {
      expect((await runProgram('ip', 'netns', 'list')).output).toContain(name);
      expect((await runProgram('ip', 'netns', 'exec', name, 'ping', '-c1', '127.0.0.1')).code).toBe(0);
      expect((await runInside(name, 'ip', 'link', 'show', 'lo')).output).toContain('LOOPBACK,UP');
    }));

  it('cannot be made twice, and can be made again once deleted', () =>
    withNamespace((name) => {
      expect(() => createNamespace(name)).toThrow(expect.objectContaining({ code: 'ERR_NAMESPACE_EXISTS' }));
      deleteNamespace(name);
      expect(() => deleteNamespace(name)).toThrow(expect.objectContaining({ code: 'ERR_NAMESPACE_MISSING' }));
      createNamespace(name);
    }));

  it('are deleted by ip netns as well', async () => {
    const name = `gs-test-${process.pid}-ip`;
    createNamespace(name);
    expect(await runProgram('ip', 'netns', 'delete', name)).toEqual({ code: 0, output: '' });
    expect(await runProgram('ip', 'netns', 'add', name)).toEqual({ code: 0, output: '' });
    deleteNamespace(name);
    expect((await runProgram('ip', 'netns', 'list')).output).not.toContain(name);
  });

  it('leave the namespace of this thread as it was', () =>
    withNamespace(() => {
      expect(readlinkSync('/proc/thread-self/ns/net')).toBe(readlinkSync(`/proc/${process.ppid}/ns/net`));
    }));
});
