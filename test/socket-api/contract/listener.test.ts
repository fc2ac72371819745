import { describe, expect, it } from 'vitest';
import type { Socket } from '../../../socket-api/types.ts';
import { type BinaryTypeList, type TCPSocketListenOptions } from '../../../socket-api/types.ts';
import { nodeRuntime } from '../../../socket-api/node/runtime.ts';
import { connected, pair, PORT, SERVER } from '../harness.ts';

const target = { hostname: SERVER, port: PORT };
const handler = { data: () => undefined };

describe('the listener: rows 53 to 61', () => {
  it('row 53: stop() refuses new connections, open ones go on, the port is free, twice is fine', async () => {
    const net = await connected();
    net.listener.stop();
    net.listener.stop();
    expect([net.listener.port, net.listener.hostname]).toEqual([PORT, SERVER]);
    const refused = net.C.connect({ ...target, socket: net.handlers('C2') });
    await net.run();
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(net.sent()).toEqual(['C→S SYN', 'S→C RST']);
    net.client.write('on');
    await net.run();
    expect(net.called()).toEqual(['C2.connectError ECONNREFUSED', 'S.data on']);
    net.S.listen({ ...target, socket: handler });
  });

  it('row 54: stop(true) closes the accepted sockets', async () => {
    const net = await connected();
    net.listener.stop(true);
    expect(net.called()).toEqual([]);
    await net.run();
    expect(net.called()).toEqual(['S.close', 'C.end', 'C.close']);
    expect(net.sent()).toEqual(['S→C FIN', 'C→S FIN']);
  });

  it('row 54: [Symbol.dispose]() is stop(true); RST if data is unread', async () => {
    const net = await connected();
    net.server.pause();
    net.client.write('unread');
    await net.run();
    net.listener[Symbol.dispose]();
    await net.run();
    expect(net.called()).toEqual(['S.close', 'C.close ECONNRESET']);
    expect(net.sent()).toEqual(['C→S 6 bytes', 'S→C RST']);
  });

  it('row 55: socket.listener is undefined on clients and once the listener is closed', async () => {
    const { client, server, listener } = await connected();
    expect(client.listener).toBeUndefined();
    expect(server.listener).toBe(listener);
    listener.stop();
    expect(server.listener).toBeUndefined();
  });

  it('row 56: reload on an accepted socket is for all of its listener, on a client for this one', async () => {
    const net = await connected();
    net.client.reload({ socket: net.handlers('C2') });
    net.server.reload({ socket: net.handlers('S2') });
    void net.C.connect({ ...target, socket: net.handlers('other') });
    await net.run();
    expect(net.called()).toEqual(['other.open', 'S2.open']);
    net.client.end();
    await net.run();
    expect(net.called()).toEqual(['S2.end', 'C2.end', 'C2.close', 'S2.close']);
    net.listener.reload({ socket: net.handlers('S3') });
    net.listener.stop(true);
    await net.run(0);
    expect(net.called()).toEqual(['S3.close']);
  });

  it('row 56: what reload wants', async () => {
    const { listener, client } = await connected();
    const reload = (options: unknown) => (): void => listener.reload(options as { socket: object });
    expect(reload(undefined)).toThrow('Expected options object');
    expect(reload({})).toThrow('Expected "socket" option');
    expect(reload({ socket: 1 })).toThrow('Expected "socket" object');
    expect(() => client.reload({} as { socket: object })).toThrow('Expected "socket" option');
  });

  it('row 57: port in use', () => {
    const net = pair();
    net.S.listen({ ...target, socket: handler });
    const listen = (hostname: string) => () => net.S.listen({ hostname, port: PORT, socket: handler });
    const facts = { code: 'EADDRINUSE', errno: 98, syscall: 'listen', port: PORT };
    expect(listen(SERVER)).toThrow(
      expect.objectContaining({ ...facts, address: SERVER, message: `Failed to listen at ${SERVER}` }),
    );
    expect(listen('0.0.0.0')).toThrow(expect.objectContaining({ ...facts, address: '0.0.0.0' }));
  });

  it('row 58: address not ours, name not found', () => {
    const net = pair();
    const listen = (hostname: string) => () => net.S.listen({ hostname, port: PORT, socket: handler });
    expect(listen('10.9.9.9')).toThrow(
      expect.objectContaining({ code: 'EADDRNOTAVAIL', errno: 99, message: 'Failed to listen at 10.9.9.9' }),
    );
    expect(listen('no.test')).toThrow(/^Failed to listen at no\.test$/);
    expect(listen('no.test')).not.toThrow(expect.objectContaining({ code: expect.anything() }));
  });

  it('row 59: reusePort must be on both; exclusive beats it', () => {
    const net = pair();
    const listen = (port: number, options: Partial<TCPSocketListenOptions<undefined>>) =>
      net.S.listen({ hostname: SERVER, port, socket: handler, ...options });
    listen(1, { reusePort: true });
    expect(listen(1, { reusePort: true }).port).toBe(1);
    expect(() => listen(1, {})).toThrow();
    expect(() => listen(1, { reusePort: true, exclusive: true })).toThrow();
  });

  it('row 60: :: takes IPv4 too, with mapped addresses', async () => {
    const { client, server, listener } = await connected({ listen: { hostname: '::' } });
    expect(listener.hostname).toBe('::');
    expect([server.remoteAddress, server.remoteFamily]).toEqual(['::ffff:10.0.0.1', 'IPv6']);
    expect([server.localAddress, server.localFamily]).toEqual(['::ffff:10.0.0.2', 'IPv6']);
    expect([client.remoteAddress, client.remoteFamily]).toEqual([SERVER, 'IPv4']);
  });

  it('row 61: tls that is no object, bad binaryType; tls itself is not there yet', () => {
    const net = pair();
    const listen = (options: object) => () =>
      net.S.listen({ ...target, port: 0, socket: handler, ...options });
    expect(listen({ tls: 'yes' })).toThrow('TLSOptions must be an object');
    for (const tls of [false, null, undefined]) expect(listen({ tls })).not.toThrow();
    expect(listen({ tls: true })).toThrow('TLS is not implemented yet (see README)');
    expect(listen({ socket: { ...handler, binaryType: 'text' } })).toThrow(
      'SocketHandler.binaryType must be "arraybuffer", "buffer", or "uint8array"',
    );
  });

  it('port 0 gives a free port, known at once', () => {
    const net = pair();
    const a = net.S.listen({ hostname: '0.0.0.0', port: 0, socket: handler });
    const b = net.S.listen({ hostname: '0.0.0.0', port: 0, socket: handler });
    expect(a.port).toBeGreaterThan(1023);
    expect(b.port).not.toBe(a.port);
    const name = {};
    (a as unknown as { getsockname(into: object): void }).getsockname(name);
    expect(name).toEqual({ family: 'IPv4', address: '0.0.0.0', port: a.port });
  });
});

describe('data and its types: rows 69 to 71', () => {
  it('row 69: addresses after close are the last known ones', async () => {
    const net = await connected();
    const read = ({ localAddress, localPort, remoteAddress, remotePort, remoteFamily }: Socket<unknown>) => [
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      remoteFamily,
    ];
    const before = read(net.server);
    net.client.terminate();
    await net.run();
    expect(net.server.readyState).toBe(0);
    expect(read(net.server)).toEqual(before);
  });

  it("row 70: accepted sockets share the listener's data; setting listener.data leaves open ones", async () => {
    const data = { shared: true };
    const net = await connected({ listen: { data }, connect: { data: 'mine' } });
    expect(net.server.data).toBe(data);
    expect(net.client.data).toBe('mine');
    net.listener.data = 'new';
    expect(net.server.data).toBe(data);
  });

  it('row 71: binaryType', async () => {
    for (const binaryType of ['buffer', 'uint8array', 'arraybuffer'] as const) {
      let got: BinaryTypeList[keyof BinaryTypeList] | undefined;
      const net = await connected({
        runtime: nodeRuntime,
        serverScript: { binaryType, data: (_, chunk) => void (got = chunk) },
      });
      net.client.write('abc');
      await net.run();
      expect(net.called()).toEqual(['S.data abc']);
      const expected = { buffer: Buffer, uint8array: Uint8Array, arraybuffer: ArrayBuffer }[binaryType];
      expect(got?.constructor).toBe(expected);
      expect(got?.byteLength).toBe(3);
    }
  });
});
