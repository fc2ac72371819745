import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isInstalled } from '../../cli/namespace.ts';
import { kernelMissing, runInside, withNamespace } from '../device/kernel-world.ts';
import { Program } from '../interop/program.ts';
import { glasstack } from './support.ts';

const needed = ['dnsmasq', 'ip'].filter((program) => !isInstalled(program));
if (needed.length > 0) console.warn(`tests of --configure are skipped: ${needed.join(', ')} not installed`);

/** What docs/configuration.md has its reader do: a bridge, a TAP on it, dnsmasq. */
const LINK: readonly string[] = [
  'link add br0 type bridge',
  'tuntap add gs0 mode tap',
  'link set gs0 master br0',
  'link set gs0 up',
  'link set br0 up',
  'addr add 10.9.7.1/24 dev br0',
];

describe('glasstack --configure', () => {
  it.skipIf(needed.length > 0 || kernelMissing())(
    'gets an address on a bridge, finds a name and gives the address back',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'glasstack-configure-'));
      await withNamespace(async (namespace) => {
        for (const words of LINK)
          expect((await runInside(namespace, 'ip', ...words.split(' '))).output).toBe('');
        const dnsmasq = new Program(namespace, [
          'dnsmasq',
          ...[
            '--no-daemon',
            '--conf-file=/dev/null',
            '--no-resolv',
            '--no-hosts',
            '--no-ping',
            '--user=root',
          ],
          ...['--interface=br0', '--bind-dynamic', `--dhcp-leasefile=${folder}/leases`],
          ...['--dhcp-range=10.9.7.50,10.9.7.99', '--domain=lan.test', '--host-record=www.lan.test,10.9.7.1'],
        ]);
        try {
          await dnsmasq.says('cleared cache');
          const words = ['ping', '--tap', 'gs0', '--configure', '--namespace', namespace, '-c', '1', 'www'];
          const { code, stdout, stderr } = await glasstack(words);
          expect(stderr).toMatch(/gs0 has 10\.9\.7\.\d+\/24 by DHCP from 10\.9\.7\.1, router 10\.9\.7\.1/);
          expect(stderr).toMatch(/DNS server 10\.9\.7\.1, search lan\.test/);
          expect(stdout).toMatch(/64 bytes from 10\.9\.7\.1: icmp_seq=1/);
          expect(code).toBe(0);
          await dnsmasq.says('DHCPRELEASE(br0)');
        } finally {
          await dnsmasq.stop('SIGKILL');
          rmSync(folder, { recursive: true, force: true });
        }
      });
    },
  );

  it.each([
    [['ping', '--configure', 'x'], /needs Ethernet: give --tap too/],
    [['ping', '--tap', '--configure', 'x'], /give --namespace or --root-namespace too/],
  ])('says what is missing: %s', async (words, message) => {
    const { code, stderr } = await glasstack(words);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
