import { randomFillSync } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeRuntime } from '../../socket-api/node/runtime.ts';
import { createSocketApi } from '../../socket-api/socket-api.ts';
import type { TCPSocketListenOptions } from '../../socket-api/types.ts';
import { formatAddress } from '../../stack/wire/address.ts';
import { sha256, StackEnd } from './stack-end.ts';
import { countPackets, tsharkMissing } from './tshark.ts';
import {
  address,
  interopMissing,
  KERNEL6,
  MIB,
  STACK,
  STACK6,
  until,
  type World,
  type WorldOptions,
  withWorld,
} from './world.ts';

const SIZE = 5 * MIB;

/** Waits until our addresses are in use: on Ethernet they are asked for first [RFC 4862 5.4]. */
async function usable({ host }: World): Promise<void> {
  const ready = (): boolean =>
    host.ip.interfaces.every(({ addresses }) => addresses.every(({ state }) => state === 'preferred'));
  await until(ready, 'our addresses are found to be unique');
}

/** Runs the example's server on the world's host, unchanged, but on all addresses of both versions. */
async function serveExample(world: World): Promise<void> {
  const api = createSocketApi(world.host, nodeRuntime);
  const listen = (options: TCPSocketListenOptions<unknown>) => api.listen({ ...options, hostname: '::' });
  vi.stubGlobal('Bun', { ...api, listen });
  vi.stubEnv('PORT', '80');
  vi.resetModules();
  await import('../../examples/http-hello.ts');
}

for (const [medium, more] of [
  ['TUN with offload', { offload: true }],
  ['TUN without offload', { offload: false, queueLength: 6_000 }],
  ['TAP', { tap: true }],
] as const) {
  const named = (name: string): WorldOptions => ({
    name: `ipv6-${name}-${medium.replaceAll(' ', '-')}`,
    ipv6: true,
    ...more,
  });

  /** Does `what` now and each second until `condition`: the kernel may not answer at once, while its own address is being checked. */
  async function untilAfter(what: () => unknown, condition: () => boolean, why: string): Promise<void> {
    let next = 0;
    await until(() => {
      if (performance.now() >= next) {
        what();
        next = performance.now() + 1_000;
      }
      return condition();
    }, why);
  }

  describe.skipIf(interopMissing)(`IPv6 with the kernel over ${medium}`, () => {
    afterEach(() => {
      vi.unstubAllGlobals();
      vi.unstubAllEnvs();
    });

    it('answers ping -6, small, and of 65,507 bytes in fragments [RFC 4443 4.2; RFC 8200 4.5]', async () => {
      let capture = '';
      await withWorld(named('ping'), async (world) => {
        capture = world.capture;
        await usable(world);
        for (const size of [56, 1_452, 1_453, 65_507]) {
          const { output } = await world.run('ping', '-6', '-c3', '-i0.05', '-W5', `-s${size}`, STACK6);
          expect(output, `${size} bytes`).toContain('3 packets transmitted, 3 received, 0% packet loss');
          expect(output).not.toMatch(/wrong data|DUP/);
        }
      });
      if (tsharkMissing) return;
      // 1,461 bytes of ICMPv6: two fragments; 65,515: 46.
      expect(await countPackets(capture, `ipv6.src == ${STACK6} && ipv6.fraghdr`)).toBe(3 * 2 + 3 * 46);
    });

    it('pings the kernel with 65,527 bytes and gets all of them back', () =>
      withWorld(named('ping-kernel'), async (world) => {
        await usable(world);
        const { host } = world;
        const payload = randomFillSync(new Uint8Array(65_527));
        let same: boolean | undefined;
        host.ip.icmp.onEchoReply((reply) => {
          same = Buffer.compare(reply.payload, payload) === 0;
        });
        const ping = (): boolean =>
          host.run(() => host.ip.icmp.ping(address(KERNEL6), { identifier: 7, sequence: 1, payload }));
        await untilAfter(ping, () => same !== undefined, 'the kernel answers');
        expect(same).toBe(true);
      }));

    it('hears from the kernel that a UDP port is unreachable, and says so itself [RFC 4443 3.1]', () =>
      withWorld(named('udp'), async (world) => {
        await usable(world);
        const { host } = world;
        const errors: string[] = [];
        const socket = host.udp.bind(undefined, 5_001, {
          datagramArrived: () => {},
          errorArrived: (kind) => errors.push(kind),
        });
        const ask = (): unknown => host.run(() => socket?.send(new Uint8Array(10), address(KERNEL6), 9));
        await untilAfter(ask, () => errors.length > 0, 'the error comes');
        expect(errors[0]).toBe('port-unreachable');
        const nc = world.start('nc', '-6', '-u', '-v', '-n', '-z', STACK6, '9');
        expect((await nc.ended).code).toBe(1);
      }));

    it('takes 5 MiB from curl, which speaks both versions to one listener', () =>
      withWorld(named('curl'), async (world) => {
        await usable(world);
        await serveExample(world);
        let fnv = 0x811c9dc5;
        for (let i = 0; i < SIZE; i++) fnv = Math.imul(fnv, 0x01000193);
        for (const url of [`http://[${STACK6}]`, `http://${STACK}`]) {
          const script = `head -c ${SIZE} /dev/zero | curl -s --data-binary @- -H Expect: ${url}/hash`;
          const { output } = await world.run('sh', '-c', script);
          expect(output).toContain((fnv >>> 0).toString(16).padStart(8, '0'));
        }
      }));

    for (const role of ['client', 'server'] as const) {
      it(`carries 5 MiB each way, kernel as ${role}`, () =>
        withWorld({ ...named(`bulk-${role}`), bulk: true }, async (world) => {
          await usable(world);
          const actions = [`send:${SIZE}`, 'shut', 'recv', 'close'];
          const ours = randomFillSync(new Uint8Array(SIZE));
          const accepted = role === 'client' ? StackEnd.accept(world.host, 5_001) : undefined;
          const peer =
            role === 'client'
              ? world.kernelConnects(5_001, actions, 1, STACK6)
              : await world.kernelListens(5_001, actions, 1, KERNEL6);
          const end = (await accepted) ?? StackEnd.connect(world.host, 5_001, KERNEL6);
          const received = await end.receive();
          expect(formatAddress(end.connection.remote.address)).toBe(KERNEL6);
          await end.send(ours);
          end.connection.shutdown();
          expect(await end.closed()).toEqual({ type: 'closed' });
          const result = await world.result(peer);
          expect(result).toMatchObject({ sent: SIZE, received: SIZE, done: true });
          expect(received).toEqual({ bytes: SIZE, hash: result.sentHash });
          expect(result.receivedHash).toBe(sha256(ours));
        }));
    }
  });
}

describe.skipIf(interopMissing)('neighbour discovery with the kernel', () => {
  const named = (name: string): WorldOptions => ({ name: `ipv6-ndp-${name}`, ipv6: true, tap: true });

  it('answers ndisc6, and reports its groups', async () => {
    let capture = '';
    await withWorld(named('ndisc6'), async (world) => {
      capture = world.capture;
      await usable(world);
      const [own] = world.host.ip.interfaces;
      const linkLocal = own?.addresses.find(({ address: each }) => formatAddress(each).startsWith('fe80:'));
      for (const target of [STACK6, formatAddress(linkLocal?.address ?? address(STACK6))]) {
        const { output } = await world.run('ndisc6', '-1', target, 'gs0');
        expect(output.toLowerCase()).toContain('target link-layer address');
      }
      const zoned = `${formatAddress(linkLocal?.address ?? address(STACK6))}%gs0`;
      const { output } = await world.run('ping', '-6', '-c2', '-i0.05', '-W2', zoned);
      expect(output).toContain('2 packets transmitted, 2 received');
    });
    if (tsharkMissing) return;
    expect(await countPackets(capture, 'icmpv6.type == 143 && ipv6.dst == ff02::16')).toBeGreaterThan(1);
  });

  it('finds that the kernel has an address that we want, and the kernel that we have one [RFC 4862 5.4]', () =>
    withWorld(named('dad'), async (world) => {
      await usable(world);
      const [own] = world.host.ip.interfaces;
      world.host.run(() => own?.addAddress({ address: address(KERNEL6), prefixLength: 64 }));
      await until(() => own?.ownAddress(address(KERNEL6))?.state === 'duplicated', 'the kernel answers');
      await world.run('sysctl', '-eqw', 'net.ipv6.conf.gs0.accept_dad=1');
      await world.run('ip', '-6', 'address', 'add', `${STACK6}/64`, 'dev', 'gs0');
      let shown = '';
      for (let tries = 0; tries < 50 && !shown.includes('dadfailed'); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        shown = (await world.run('ip', '-6', 'address', 'show', 'dev', 'gs0')).output;
      }
      expect(shown).toMatch(/fd09::2\/64 scope global .*dadfailed/);
    }));
});
