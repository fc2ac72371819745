import { describe, expect, it } from 'vitest';
import { createSocketApi } from '../../../socket-api/socket-api.ts';
import { connected, pair, PORT, SERVER } from '../harness.ts';

describe('bad arguments: row 10', () => {
  const { S } = pair();
  const socket = { data: () => undefined };
  const rows: [unknown, string, string][] = [
    [undefined, 'ERR_INVALID_ARG_TYPE', 'Expected options object'],
    [{ hostname: SERVER, port: 1 }, 'ERR_INVALID_ARG_TYPE', 'SocketOptions.socket is required'],
    [{ hostname: SERVER, socket }, 'ERR_INVALID_ARG_TYPE', 'Missing "port"'],
    [{ port: 1, socket }, 'ERR_INVALID_ARG_TYPE', 'Expected either "hostname" or "unix"'],
    [
      { hostname: SERVER, port: 1, socket: {} },
      'ERR_INVALID_ARG_TYPE',
      'Expected at least "data" or "drain" callback',
    ],
    [
      { hostname: SERVER, port: 1, socket: { data: 1 } },
      'ERR_INVALID_ARG_TYPE',
      'Expected "onData" callback to be a function',
    ],
    [{ hostname: SERVER, port: 65_536, socket }, 'ERR_OUT_OF_RANGE', ''],
    [{ hostname: SERVER, port: -1, socket }, 'ERR_OUT_OF_RANGE', ''],
  ];
  it.each(rows)('row 10: %o', (options, code, message) => {
    const calls: ((given: never) => unknown)[] = [S.listen, S.connect];
    for (const call of calls) {
      const made = (): unknown => call(options as never);
      expect(made).toThrow(code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError);
      expect(made).toThrow(expect.objectContaining({ code }));
      if (message !== '') expect(made).toThrow(expect.objectContaining({ message }));
    }
  });

  it('what does not exist here says so', () => {
    const net = pair();
    const listen = (options: object) => () =>
      net.S.listen({ socket, ...options } as { unix: string; socket: object });
    expect(listen({ unix: '/tmp/x' })).toThrow(TypeError);
    expect(listen({ fd: 3 })).toThrow(TypeError);
    expect(listen({ hostname: SERVER, port: 1, quirks: 'bun-1.4' })).toThrow(
      'quirks mode is not implemented yet',
    );
    expect(() => createSocketApi(net.hosts.server, undefined, { quirks: 'bun-1.4' })).toThrow(
      'quirks mode is not implemented yet',
    );
  });
});

describe('time and options: rows 62 to 68', () => {
  it('row 62: timeout(s): the handler after s seconds exactly, then closed as by close()', async () => {
    const net = await connected();
    net.client.timeout(1.5);
    await net.run(10_000);
    expect(net.timed.slice(2)).toEqual(['1600 C.timeout', '1600 C.close', '1610 S.end', '1630 S.close']);
    expect(net.sent()).toEqual(['C→S FIN', 'S→C FIN']);
  });

  it('row 62: calling again starts anew, traffic does not', async () => {
    const net = await connected();
    net.client.timeout(1);
    await net.run(600);
    net.client.timeout(1);
    await net.run(600);
    expect(net.called()).toEqual([]);
    net.client.write('traffic');
    net.server.write('traffic');
    await net.run(400);
    expect(net.called()).toEqual(['S.data traffic', 'C.data traffic', 'C.timeout', 'C.close']);
    expect(net.timed.at(-1)).toBe('1700 C.close');
  });

  it('row 63: without a timeout handler closed all the same', async () => {
    const net = await connected({ clientScript: { timeout: null } });
    net.client.timeout(1);
    await net.run(1_000);
    expect(net.called()).toEqual(['C.close']);
    await net.run();
    expect(net.called()).toEqual(['S.end', 'S.close']);
  });

  it('row 64: 0 disarms, negative throws, odd values are accepted', async () => {
    const net = await connected();
    net.client.timeout(1);
    net.client.timeout(0);
    await net.run(10_000);
    expect(net.called()).toEqual([]);
    expect(() => net.client.timeout(-1)).toThrow('Timeout must be a positive integer');
    for (const odd of [Number.NaN, undefined, null]) net.client.timeout(odd as number);
    await net.run(10_000);
    expect(net.called()).toEqual([]);
    net.client.timeout('3' as unknown as number);
    await net.run(3_000);
    expect(net.called()).toEqual(['C.timeout', 'C.close']);
  });

  it('row 65: keep-alive: first probe after the delay, 1 s apart, 10 in all, then close(ETIMEDOUT)', async () => {
    let error: unknown;
    const net = await connected({ clientScript: { close: (_, reason) => void (error = reason) } });
    expect(net.client.setKeepAlive(true, 5_000)).toBe(true);
    net.server.write('last words'); // at 100 ms; heard at 110 ms
    await net.run(400);
    net.cut();
    net.called();
    net.timedSegments.length = 0;
    await net.run(60_000);
    const probes = Array.from({ length: 10 }, (_, n) => `${5_110 + n * 1_000} C→S ACK`);
    expect(net.timedSegments.slice(0, 10)).toEqual(probes);
    expect(net.called()).toEqual(['C.close ETIMEDOUT']);
    expect(net.timed.at(-1)).toBe('15110 C.close ETIMEDOUT');
    expect(error).toMatchObject({ code: 'ETIMEDOUT', errno: -110, syscall: 'read' });
  });

  it('row 65: answered probes go on; 0 leaves the delay as it was; false stops them', async () => {
    const net = await connected();
    net.client.setKeepAlive(true, 2_000);
    net.client.setKeepAlive(true, 0);
    net.segments.length = 0;
    await net.run(5_000);
    expect(net.segments).toEqual(['C→S ACK', 'S→C ACK', 'C→S ACK', 'S→C ACK']);
    expect(net.client.setKeepAlive(false)).toBe(true);
    net.segments.length = 0;
    await net.run(10_000);
    expect(net.segments).toEqual([]);
    expect(net.called()).toEqual([]);
  });

  it('row 66: a negative delay; a closed socket', async () => {
    const net = await connected();
    expect(() => net.client.setKeepAlive(true, -1)).toThrow(RangeError);
    expect(() => net.client.setKeepAlive(true, -1)).toThrow(/"initialDelay"/);
    net.client.close();
    await net.run();
    expect(net.client.setKeepAlive(true, 1_000)).toBe(false);
  });

  it('row 67: setNoDelay: true, closed: false', async () => {
    const net = await connected();
    expect([net.client.setNoDelay(), net.client.setNoDelay(false), net.client.setNoDelay(true)]).toEqual([
      true,
      true,
      true,
    ]);
    net.client.terminate();
    await net.run();
    expect(net.client.setNoDelay()).toBe(false);
  });

  it('row 67: no delay from the start; with delay small writes wait for the ACK', async () => {
    const net = await connected();
    for (const noDelay of [true, false]) {
      if (!noDelay) net.client.setNoDelay(false);
      net.client.write('a');
      await net.run(1);
      net.client.write('b');
      await net.run(1);
      net.client.write('c');
      await net.run(1_000);
      expect(net.sent()).toEqual(
        noDelay ? ['C→S 1 byte', 'C→S 1 byte', 'C→S 1 byte'] : ['C→S 1 byte', 'C→S 2 bytes'],
      );
    }
  });

  it('row 68: methods on a closed socket do not throw', async () => {
    const net = await connected();
    net.client.end();
    await net.run();
    for (const socket of [net.client, net.server]) {
      expect(socket.readyState).toBe(0);
      socket.pause();
      socket.resume();
      socket.ref();
      socket.unref();
      socket.timeout(1);
      socket.shutdown();
      socket.close();
      socket.terminate();
      socket.flush();
      socket.reload({ socket: net.handlers('other') });
      expect(() => socket.upgradeTLS({ tls: true, socket: {} })).toThrow(
        new TypeError('upgradeTLS requires an established socket'),
      );
    }
    net.called();
    await net.run(10_000);
    expect(net.called()).toEqual([]);
  });

  it('rows 85, 87: the TLS members of plain TCP never throw', async () => {
    const { client } = await connected();
    expect(Object.prototype.toString.call(client)).toBe('[object TCPSocket]');
    expect([
      client.authorized,
      client.alpnProtocol,
      client.isSessionReused(),
      client.setMaxSendFragment(512),
    ]).toEqual([false, null, false, false]);
    expect([
      client.getAuthorizationError(),
      client.getPeerCertificate(),
      client.getEphemeralKeyInfo(),
      client.getTLSVersion(),
    ]).toEqual([null, null, null, null]);
    expect([
      client.getCertificate(),
      client.getX509Certificate(),
      client.getPeerX509Certificate(),
      client.getCipher(),
      client.getSharedSigalgs(),
      client.getTLSFinishedMessage(),
      client.getTLSPeerFinishedMessage(),
      client.getTLSTicket(),
      client.getServername(),
      client.getSession(),
      client.setSession(''),
      client.exportKeyingMaterial(1, ''),
      client.renegotiate(),
      client.disableRenegotiation(),
      client.setVerifyMode(true, true),
      client.setServername('x'),
    ]).toEqual(Array.from({ length: 16 }, () => undefined));
  });

  it('type of service, descriptor', async () => {
    const { client } = await connected();
    expect([client.getTypeOfService(), client.setTypeOfService(0x10), client.getTypeOfService()]).toEqual([
      0, 16, 16,
    ]);
    expect(() => client.setTypeOfService(256)).toThrow(RangeError);
    expect(client.fd).toBe(-1);
  });
});

describe('extras', () => {
  it('connectTimeout gives up with ETIMEDOUT and answers what comes later with RST', async () => {
    const net = pair();
    net.S.listen({ hostname: SERVER, port: PORT, socket: net.handlers('S') });
    const connecting = net.C.connect({
      hostname: SERVER,
      port: PORT,
      connectTimeout: 15,
      socket: net.handlers('C'),
    });
    await net.run();
    await expect(connecting).rejects.toMatchObject({ code: 'ETIMEDOUT', errno: -110, syscall: 'connect' });
    expect(net.timed).toEqual(['15 C.connectError ETIMEDOUT']);
    expect(net.segments).toEqual(['C→S SYN', 'S→C SYN ACK', 'C→S RST']);
  });

  it('signal: before open a rejection with its reason, after it terminate()', async () => {
    const reason = new Error('enough');
    const net = pair();
    net.S.listen({ hostname: SERVER, port: PORT, socket: net.handlers('S') });
    const connect = (signal: AbortSignal) =>
      net.C.connect({ hostname: SERVER, port: PORT, signal, socket: net.handlers('C') });
    await settles(connect(AbortSignal.abort(reason)), reason, () => net.run(1));
    expect(net.segments).toEqual([]);

    const early = new AbortController();
    const connecting = connect(early.signal);
    await net.run(5);
    early.abort(reason);
    await settles(connecting, reason, () => net.run());
    expect(net.called()).toEqual(['C.connectError enough', 'C.connectError enough']);

    const late = new AbortController();
    const opening = connect(late.signal);
    await net.run();
    await opening;
    late.abort(reason);
    await net.run();
    expect(net.called()).toEqual(['C.open', 'S.open', 'C.close', 'S.close ECONNRESET']);
  });

  it('idleTimeout: segments with data start it anew, then timeout and close', async () => {
    const net = await connected({ connect: { idleTimeout: 1_000 } });
    await net.run(800);
    net.server.write('news');
    await net.run(800);
    net.client.write('answer');
    await net.run(999);
    expect(net.called()).toEqual(['C.data news', 'S.data answer']);
    await net.run(1);
    expect(net.called()).toEqual(['C.timeout', 'C.close']);
  });

  it('distinctErrors: the true code, with a sentence', async () => {
    const net = pair();
    const connect = (hostname: string) =>
      net.C.connect({ hostname, port: PORT, distinctErrors: true, socket: net.handlers('C') });
    const nowhere = connect('192.0.2.1');
    const refused = connect(SERVER);
    await net.run();
    await expect(nowhere).rejects.toMatchObject({
      code: 'ENETUNREACH',
      errno: -101,
      address: '192.0.2.1',
      port: PORT,
    });
    await expect(refused).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringContaining(`${SERVER}:${PORT}`),
    });
  });

  it('buffered: write takes everything, drain when the queue is below the mark, nothing is lost', async () => {
    let received = 0;
    const small = { sendBuffer: { from: 16_384, to: 16_384 } };
    const net = await connected({
      client: { tcp: small },
      connect: { buffered: { highWaterMark: 50_000 } },
      serverScript: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    expect(net.client.write(new Uint8Array(500_000))).toBe(500_000);
    expect(net.client.write('x')).toBe(1);
    await net.run(60_000);
    expect(net.called().filter((call) => call.startsWith('C'))).toEqual(['C.drain']);
    expect(received).toBe(500_001);
    net.client.write(new Uint8Array(500_000));
    expect(net.client.end('bye')).toBe(3);
    await net.run(60_000);
    expect(received).toBe(1_000_004);
    expect(net.called().filter((call) => !call.includes('data'))).toEqual([
      'S.end',
      'C.end',
      'C.close',
      'S.close',
    ]);
  });

  it('offers no call for urgent data [RFC 9293 SHLD-13]', async () => {
    const net = await connected();
    const names: string[] = [];
    for (let each: object | null = net.client; each !== null; each = Object.getPrototypeOf(each))
      names.push(...Object.getOwnPropertyNames(each));
    expect(names).toContain('write');
    expect(names.filter((name) => /urgent|oob/i.test(name))).toEqual([]);
  });

  it('info() is a snapshot of the connection', async () => {
    const net = await connected();
    net.client.write('x');
    expect(net.client.info()).toMatchObject({ state: 'ESTABLISHED', notsent_bytes: 1, bytes_acked: 0 });
    await net.run();
    expect(net.client.info()).toMatchObject({ notsent_bytes: 0, bytes_acked: 1, segs_out: 3 });
  });
});

async function settles(promise: Promise<unknown>, reason: unknown, run: () => Promise<void>): Promise<void> {
  const rejection = expect(promise).rejects.toBe(reason);
  await run();
  await rejection;
}
