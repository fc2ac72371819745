import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { address, full, interopMissing, KERNEL, STACK, until, withWorld } from './world.ts';
import { countPackets, tsharkMissing } from './tshark.ts';

/** Sends a datagram of `size` bytes from a connected socket and tells how the answer compares, or the error. */
function udpClient(port: number, size: number): string[] {
  const script = [
    'import errno, os, socket, time',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    's.settimeout(5)',
    `s.connect(("${STACK}", ${port}))`,
    `data = os.urandom(${size})`,
    'began = time.monotonic()',
    'try:',
    '  s.send(data)',
    '  print("same" if s.recv(70000) == data else "different")',
    'except OSError as error:',
    '  print(errno.errorcode.get(error.errno, str(error)), int((time.monotonic() - began) * 1000))',
  ];
  return ['python3', '-c', script.join('\n')];
}

describe.skipIf(interopMissing)('ICMP and UDP with the kernel', () => {
  for (const [offload, word] of [
    [true, 'on'],
    [false, 'off'],
  ] as const) {
    it(`answers ping -s 65507, in fragments, offload ${word}`, () =>
      withWorld({ name: `ping-65507-offload-${word}`, offload }, async (world) => {
        const { code, output } = await world.run('ping', '-c5', '-i0.05', '-W2', '-s65507', STACK);
        expect(output).toContain('5 packets transmitted, 5 received, 0% packet loss');
        expect(output).not.toMatch(/wrong data|DUP/);
        expect(code).toBe(0);
      }));
  }

  it('answers a flood of 1,000 pings', () =>
    withWorld({ name: 'ping-flood' }, async (world) => {
      const count = full ? 1_000 : 200;
      const { output } = await world.run('ping', '-f', '-q', '-c', String(count), STACK);
      expect(output).toContain(`${count} packets transmitted, ${count} received, 0% packet loss`);
    }));

  it('pings the kernel with 65,507 bytes and gets all of them back', () =>
    withWorld({ name: 'ping-kernel' }, async (world) => {
      const { host } = world;
      const payload = randomFillSync(new Uint8Array(65_507));
      let same: boolean | undefined;
      host.ip.icmp.onEchoReply((reply) => {
        same = Buffer.compare(reply.payload, payload) === 0;
      });
      host.run(() => host.ip.icmp.ping(address(KERNEL), { identifier: 7, sequence: 1, payload }));
      await until(() => same !== undefined, 'the kernel answers');
      expect(same).toBe(true);
    }));

  it('tells a connected UDP socket of the kernel at once that a port is unreachable', () =>
    withWorld({ name: 'udp-port-unreachable' }, async (world) => {
      const { output } = await world.run(...udpClient(9, 10));
      const [, milliseconds] = /^ECONNREFUSED (\d+)\n$/.exec(output) ?? [output];
      expect(Number(milliseconds)).toBeLessThan(50);
      // nc sends twice: the error of the first datagram comes with the second.
      const nc = world.start('nc', '-u', '-v', '-n', '-z', STACK, '9');
      expect((await nc.ended).code).toBe(1);
    }));

  it('hears from the kernel that a port is unreachable', () =>
    withWorld({ name: 'udp-port-unreachable-kernel' }, async (world) => {
      const { host } = world;
      const errors: string[] = [];
      const socket = host.udp.bind(undefined, 5_001, {
        datagramArrived: () => {},
        errorArrived: (kind) => errors.push(kind),
      });
      host.run(() => socket?.send(new Uint8Array(10), address(KERNEL), 9));
      await until(() => errors.length > 0, 'the error comes');
      expect(errors).toEqual(['port-unreachable']);
    }));

  it('carries datagrams of 1 to 65,507 bytes both ways, large ones in fragments', () =>
    withWorld({ name: 'udp-fragments' }, async (world) => {
      const { host } = world;
      const socket = host.udp.bind(undefined, 5_001, {
        datagramArrived: (data, from) => void socket?.send(data, from.address, from.port),
      });
      for (const size of [1, 1_472, 1_473, 9_000, 65_507]) {
        expect((await world.run(...udpClient(5_001, size))).output, `${size} bytes`).toBe('same\n');
      }
    }));

  it('makes fragments that the kernel needs to put together', async () => {
    const name = 'ping-fragments';
    let capture = '';
    await withWorld({ name }, async (world) => {
      capture = world.capture;
      await world.run('ping', '-c1', '-W2', '-s5000', STACK);
    });
    if (tsharkMissing) return;
    // 5,008 bytes of ICMP each way: four packets.
    expect(
      await countPackets(capture, `ip.src == ${STACK} && (ip.flags.mf == 1 || ip.frag_offset > 0)`),
    ).toBe(4);
    expect(await countPackets(capture, 'icmp.type == 0 && icmp.data_time_relative >= 0')).toBe(1);
  });
});
