import { describe, expect, it } from 'vitest';
import { openTap } from '../../device/tap.ts';
import { openTun } from '../../device/tun.ts';
import { explainDeviceFailure } from '../../device/device-error.ts';
import { loadAddon } from '../../device/native-addon.ts';
import { kernelMissing, runProgram, withNamespace } from './kernel-world.ts';

/** What the addon throws when a step fails. */
function nativeFailure(step: string, code: string): Error {
  return Object.assign(new Error(`${step}: it failed`), { step, code });
}

const SUBJECT = { kind: 'TUN', name: 'tun7', networkNamespace: 'lab' } as const;

describe('what a device error says', () => {
  it.each([
    ['/dev/net/tun', 'ENOENT', 'ERR_TUN_UNAVAILABLE', 'modprobe tun'],
    ['/dev/net/tun', 'ENODEV', 'ERR_TUN_UNAVAILABLE', '--device /dev/net/tun'],
    ['/dev/net/tun', 'EACCES', 'ERR_TUN_PERMISSION', 'sudo'],
    ['TUNSETIFF', 'EPERM', 'ERR_TUN_PERMISSION', 'CAP_NET_ADMIN'],
    ['TUNSETIFF', 'EBUSY', 'ERR_TUN_BUSY', 'choose another name'],
    ['TUNSETIFF', 'EINVAL', 'ERR_TUN_NAME', 'at most 15'],
    ['namespace', 'ENOENT', 'ERR_NAMESPACE_MISSING', 'ip netns add lab'],
    ['setns', 'EINVAL', 'ERR_NAMESPACE_MISSING', 'ip netns list'],
    ['setns', 'EPERM', 'ERR_NAMESPACE_PERMISSION', 'CAP_SYS_ADMIN'],
    ['change link', 'EINVAL', 'ERR_TUN_SETTING', '68 to 65535'],
    ['closed', 'EBADF', 'ERR_TUN_CLOSED', 'open a new device'],
    ['netlink', 'EMFILE', 'ERR_TUN_FAILED', 'it failed'],
  ])('at %s, %s: %s, with the remedy', (step, code, expected, remedy) => {
    const error = explainDeviceFailure(nativeFailure(step, code), SUBJECT);
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(remedy) });
  });

  it('leaves errors of other kinds as they are', () => {
    const error = new RangeError('mine');
    expect(explainDeviceFailure(error, SUBJECT)).toBe(error);
  });

  it('names the commands that build the addon when it is not built', () => {
    const expected = {
      code: 'ERR_ADDON_NOT_BUILT',
      message: expect.stringContaining('npm rebuild glasstack'),
    };
    expect(() => loadAddon('/nowhere/glasstack_tun.node')).toThrow(expect.objectContaining(expected));
    // A file that is no addon, as one built for another processor is none.
    expect(() => loadAddon(import.meta.dirname)).toThrow(expect.objectContaining(expected));
  });

  it.each(['sixteen-letters-', 'a/b', 'a b', '..'])(
    'refuses the interface name %j before asking the kernel',
    (name) => {
      expect(() => openTun({ name })).toThrow(expect.objectContaining({ code: 'ERR_TUN_NAME' }));
    },
  );
});

describe.skipIf(kernelMissing())('opening a device fails', () => {
  it('when the name is taken, by a device of the same kind or of another', () =>
    withNamespace((networkNamespace) => {
      const busy = expect.objectContaining({ code: 'ERR_TUN_BUSY' });
      const first = openTun({ networkNamespace, name: 'one' });
      expect(() => openTun({ networkNamespace, name: 'one' })).toThrow(busy);
      expect(() => openTap({ networkNamespace, name: 'one' })).toThrow(busy);
      expect(() => openTun({ networkNamespace, name: 'lo' })).toThrow(busy);
      first.close();
      openTap({ networkNamespace, name: 'one' }).close();
    }));

  it('when the namespace does not exist, or is none', () => {
    const missing = expect.objectContaining({ code: 'ERR_NAMESPACE_MISSING' });
    expect(() => openTun({ networkNamespace: 'gs-test-none' })).toThrow(missing);
    expect(() => openTun({ networkNamespace: import.meta.filename })).toThrow(missing);
  });

  it('when a setting makes no sense', () =>
    withNamespace((networkNamespace) => {
      const setting = expect.objectContaining({ code: 'ERR_TUN_SETTING' });
      const address = expect.objectContaining({ code: 'ERR_TUN_ADDRESS' });
      expect(() => openTun({ networkNamespace, mtu: 10 })).toThrow(setting);
      expect(() => openTun({ networkNamespace, mtu: 1500.5 })).toThrow(setting);
      expect(() => openTun({ networkNamespace, transmitQueueLength: -1 })).toThrow(setting);
      for (const wrong of ['10.0.0.1', '10.0.0.1/33', 'fd00::1/129', 'fd00::g/64', '1.2.3.256/8', '']) {
        expect(() => openTun({ networkNamespace, address: wrong })).toThrow(address);
      }
      openTun({ networkNamespace, address: '10.0.0.1/0' }).close();
    }));

  it('without privileges, with the capability that is missing', async () => {
    const door = JSON.stringify(new URL('../../device/device.ts', import.meta.url).pathname);
    const script = `process.setegid(65534); process.seteuid(65534);
      import(${door}).then((door) => {
        for (const act of [() => door.openTun({ name: 'nope0' }), () => door.createNamespace('gs-test-nope')]) {
          try { act(); } catch (error) { console.log(error.code); }
        }
      });`;
    const outcome = await runProgram(process.execPath, '--import', 'tsx', '-e', script);
    expect(outcome.output.split('\n')).toContain('ERR_TUN_PERMISSION');
    expect(outcome.output.split('\n')).toContain('ERR_NAMESPACE_PERMISSION');
  });
});
