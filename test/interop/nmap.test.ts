import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { Secrets } from '../../stack/tcp/isn.ts';
import { seq } from '../../stack/tcp/sequence.ts';
import { figure } from '../attacks/figures.ts';
import { KERNEL, STACK, World, interopMissing, sleep } from './world.ts';

const nmapMissing = spawnSync('nmap', ['--version']).status !== 0;
if (nmapMissing) console.warn('tests with nmap are skipped: there is none');

/** What nmap says of a target with an open and a closed port. */
interface Verdict {
  readonly difficulty: number;
  readonly words: string;
  readonly identification: string;
  readonly ports: string;
}

async function scan(world: World, target: string): Promise<Verdict> {
  const { output } = await world.run(
    'nmap',
    '-O',
    '-v',
    '-n',
    '-Pn',
    '-sS',
    '--send-ip',
    '-p',
    '80,81',
    target,
  );
  const [, difficulty = '0', words = ''] =
    /TCP Sequence Prediction: Difficulty=(\d+) \((.*)\)/.exec(output) ?? [];
  const [, identification = ''] = /IP ID Sequence Generation: (.*)/.exec(output) ?? [];
  const ports = [...output.matchAll(/^(80|81)\/tcp\s+(\w+)/gm)]
    .map(([, port, state]) => `${port} ${state}`)
    .join(', ');
  return { difficulty: Number(difficulty), words, identification, ports };
}

/** A namespace of its own. nmap sends what no capture of ours may hold, so tshark does not look through this one. */
async function withNmap(work: (world: World) => Promise<void>): Promise<void> {
  const namespace = `gs-nmap-${process.pid}`;
  createNamespace(namespace);
  try {
    const world = new World(namespace, { name: 'nmap', settings: { profile: 'standard' } });
    try {
      await work(world);
    } finally {
      await world.close();
    }
  } finally {
    deleteNamespace(namespace);
  }
}

describe.skipIf(interopMissing || nmapMissing)('nmap', () => {
  it('A5 nmap finds our ISNs and IP identifications as hard to predict as those of the kernel', () =>
    withNmap(async (world) => {
      await world.run('ip', 'link', 'set', 'lo', 'up');
      const listen = 'import socket,time; s=socket.create_server(("0.0.0.0", 80)); time.sleep(600)';
      world.start('python3', '-c', listen);
      world.host.tcp.listen({ port: 80 }, { connectionReady: () => {} });
      await sleep(500);
      const kernel = await scan(world, KERNEL); // what nmap says of a stack that is known: the calibration
      expect(kernel).toMatchObject({ ports: '80 open, 81 closed', words: 'Good luck!' });
      const ours = await scan(world, STACK);
      expect(ours).toMatchObject({
        ports: '80 open, 81 closed',
        words: 'Good luck!',
        identification: 'All zeros',
      });
      expect(ours.difficulty).toBeGreaterThanOrEqual(240);
      figure(
        'A5',
        'nmap over TUN: difficulty',
        `${ours.difficulty} (${ours.words}); the kernel: ${kernel.difficulty}`,
      );
      figure(
        'B7',
        'nmap over TUN: identification',
        `${ours.identification}; the kernel: ${kernel.identification}`,
      );
    }));

  it('A5 nmap calls the ISNs of a stack with a planted fault, 64,000 more each time, what they are: so that its praise means something', () =>
    withNmap(async (world) => {
      let last = 1_000;
      const planted = vi.spyOn(Secrets.prototype, 'isn').mockImplementation(() => seq((last += 64_000)));
      try {
        world.host.tcp.listen({ port: 80 }, { connectionReady: () => {} });
        const { difficulty, words, ports } = await scan(world, STACK);
        expect(planted).toHaveBeenCalled();
        expect(ports).toBe('80 open, 81 closed');
        expect([difficulty < 10, words === 'Good luck!']).toEqual([true, false]);
        figure(
          'A5',
          'nmap over TUN: difficulty with a planted fault, the 64K rule',
          `${difficulty} (${words})`,
        );
      } finally {
        planted.mockRestore();
      }
    }));
});
