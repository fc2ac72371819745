import { describe, expect, it } from 'vitest';
import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { ConnectionEvent } from '../../stack/tcp/events.ts';
import { address, interopMissing, KERNEL, STACK, until, withWorld, type World } from './world.ts';

const tcp = { fastOpen: 'both' } as const;

/** A server that answers each request with itself, and closes when the client does. */
const KERNEL_SERVER = `
import socket
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('${KERNEL}', 5001))
server.setsockopt(socket.IPPROTO_TCP, 23, 16)
server.listen(16)
print('ready', flush=True)
for _ in range(3):
    s, _ = server.accept()
    while True:
        data = s.recv(65536)
        if not data: break
        s.sendall(data)
    s.close()
`;

/** Three requests of 1,000 bytes with MSG_FASTOPEN; prints how many bytes came back. */
const KERNEL_CLIENT = `
import os, socket
for _ in range(3):
    s = socket.socket()
    sent = os.urandom(1000)
    s.sendto(sent, 0x20000000, ('${STACK}', 5001))
    s.shutdown(socket.SHUT_WR)
    got = b''
    while True:
        data = s.recv(65536)
        if not data: break
        got += data
    print(len(got), got == sent, flush=True)
    s.close()
`;

/** A counter of the kernel's, from /proc/net/netstat. */
async function counter(world: World, name: string): Promise<number> {
  const { output } = await world.run('cat', '/proc/net/netstat');
  const rows = output
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return Number(rows[1]?.[rows[0]?.indexOf(name) ?? -1]);
}

/** Sends `data` with Fast Open; the state in which the first answer came, and how much came in all. */
async function request(host: Host, data: Uint8Array): Promise<{ withSyn: number; got: number }> {
  let got = 0;
  let closed = false;
  let connection: TcpConnection | undefined;
  const connectionEvent = ({ type }: ConnectionEvent): void => {
    for (let bytes = connection?.receive(); bytes !== undefined; bytes = connection?.receive())
      got += bytes.length;
    if (got >= data.length) connection?.shutdown();
    if (type === 'closed') closed = true;
  };
  const remote = { address: address(KERNEL), port: 5001 };
  connection = host.tcp.connect({ remote, fastOpen: { data } }, { connectionEvent });
  const withSyn = connection.fastOpen?.room ?? 0;
  await until(() => closed, 'the end of the connection');
  return { withSyn: Math.min(withSyn, data.length), got };
}

describe.skipIf(interopMissing)('TCP Fast Open with the kernel [RFC 7413]', () => {
  it('gets a cookie from the kernel, and has its data taken with the SYN', () =>
    withWorld({ name: 'fast-open-client', settings: { tcp } }, async (world) => {
      await world.run('sysctl', '-qw', 'net.ipv4.tcp_fastopen=3');
      const server = world.start('python3', '-c', KERNEL_SERVER);
      await server.says('ready');
      const data = new Uint8Array(2_000).fill(7);
      expect(await request(world.host, data)).toEqual({ withSyn: 0, got: 2_000 });
      expect(await request(world.host, data)).toEqual({ withSyn: 1_420, got: 2_000 });
      expect(await request(world.host, data)).toEqual({ withSyn: 1_420, got: 2_000 });
      expect(await counter(world, 'TCPFastOpenPassive')).toBe(2);
      expect(await counter(world, 'TCPFastOpenPassiveFail')).toBe(0);
    }));

  it('gives the kernel a cookie, and takes its data with the SYN', () =>
    withWorld({ name: 'fast-open-server', settings: { tcp } }, async (world) => {
      await world.run('sysctl', '-qw', 'net.ipv4.tcp_fastopen=3');
      const states: string[] = [];
      const listener = world.host.tcp.listen(
        { port: 5001, fastOpen: {} },
        {
          connectionReady: () => {
            const connection = listener.accept({
              connectionEvent: ({ type }) => {
                for (let bytes = connection?.receive(); bytes !== undefined; bytes = connection?.receive()) {
                  states.push(connection?.state ?? '');
                  connection?.send(bytes);
                }
                if (type === 'end') connection?.shutdown();
              },
            });
          },
        },
      );
      const { output, errors } = await world.run('python3', '-c', KERNEL_CLIENT);
      expect(errors).toBe('');
      expect(output).toBe('1000 True\n'.repeat(3));
      expect(states.map((state) => state === 'SYN-RECEIVED')).toEqual([false, true, true]);
      expect(await counter(world, 'TCPFastOpenActive')).toBe(2);
      listener.close();
    }));

  it('answers a cookie that it does not know with one that it does', () =>
    withWorld(
      {
        name: 'fast-open-stale',
        allowed: ['retransmission'],
        settings: { tcp: { ...tcp, fastOpenKey: '1-2-3-4' } },
      },
      async (world) => {
        await world.run('sysctl', '-qw', 'net.ipv4.tcp_fastopen=3');
        const server = world.start('python3', '-c', KERNEL_SERVER);
        await server.says('ready');
        const data = new Uint8Array(500).fill(7);
        await request(world.host, data);
        await world.run('sysctl', '-qw', 'net.ipv4.tcp_fastopen_key=00000001-00000002-00000003-00000004');
        expect(await request(world.host, data)).toEqual({ withSyn: 500, got: 500 });
        expect(await request(world.host, data)).toEqual({ withSyn: 500, got: 500 });
        expect(await counter(world, 'TCPFastOpenPassiveFail')).toBe(1);
        expect(await counter(world, 'TCPFastOpenPassive')).toBe(1);
      },
    ));
});
