import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Socket } from '../../../socket-api/types.ts';
import { IPV4_LOOPBACK, IPV6_LOOPBACK, ipv4, parseAddress } from '../../../stack/wire/address.ts';
import { CLIENT, connected, pair, PORT, SERVER } from '../harness.ts';

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', noteUnhandled);
});
afterEach(() => {
  process.off('unhandledRejection', noteUnhandled);
});

const target = { hostname: SERVER, port: PORT };

describe('connecting: rows 1 to 13', () => {
  it('row 1: C.open on the SYN-ACK, then the promise; S.open on the last ACK', async () => {
    const net = pair();
    net.S.listen({ ...target, socket: net.handlers('S') });
    const connecting = net.C.connect({ ...target, socket: net.handlers('C') });
    void connecting.then(() => net.log.push('promise'));
    expect(net.log).toEqual([]);
    await net.run(20);
    expect(net.timed).toEqual(['20 C.open']);
    expect(net.log).toEqual(['C.open', 'promise']);
    await net.run(30);
    expect(net.timed).toEqual(['20 C.open', '30 S.open']);
    expect(net.timedSegments).toEqual(['0 C→S SYN', '10 S→C SYN ACK', '20 C→S ACK']);
  });

  it('row 2: in open readyState is 1 and write works', async () => {
    const seen: unknown[] = [];
    const open = (socket: Socket<unknown>): void => void seen.push(socket.readyState, socket.write('hi'));
    const net = await connected({ clientScript: { open }, serverScript: { open } });
    expect(seen).toEqual([1, 2, 1, 2]);
    await net.run();
    expect(net.log).toEqual(['C.open', 'S.open', 'S.data hi', 'C.data hi']);
  });

  it('row 3: closed port: connectError, then the rejection with the same error', async () => {
    const net = pair();
    const seen: unknown[] = [];
    const data = { id: 1 };
    const connecting = net.C.connect<unknown>({
      ...target,
      data,
      socket: net.handlers('C', {
        connectError: (socket, error) => void seen.push(socket.readyState, socket.data, error),
      }),
    });
    const rejection = connecting.catch((error: unknown) => {
      net.log.push('rejected');
      return error;
    });
    await net.run();
    expect(net.log).toEqual(['C.connectError ECONNREFUSED', 'rejected']);
    expect(net.segments).toEqual(['C→S SYN', 'S→C RST']);
    const [readyState, socketData, error] = seen;
    expect(readyState).toBe(-1);
    expect(socketData).toBe(data);
    expect(await rejection).toBe(error);
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      message: 'Failed to connect',
    });
  });

  it('row 4: an ignored promise is silent with a connectError handler, an unhandled rejection without', async () => {
    const net = pair();
    void net.C.connect({ ...target, socket: net.handlers('C') });
    await net.run();
    expect(unhandled).toEqual([]);
    void net.C.connect({ ...target, socket: net.handlers('C', { connectError: null }) });
    await net.run();
    expect(unhandled).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' })]);
  });

  it('row 5: the promise rejects with what connectError throws', async () => {
    const net = pair();
    const thrown = new Error('mine');
    const connecting = net.C.connect<unknown>({
      ...target,
      socket: net.handlers('C', {
        connectError() {
          throw thrown;
        },
      }),
    });
    await net.run();
    await expect(connecting).rejects.toBe(thrown);
    expect(net.uncaught).toEqual([]);
  });

  it("row 6: a name's addresses are tried in turn, with one open", async () => {
    const lookup = async () => [ipv4(10, 0, 0, 2), ipv4(10, 0, 0, 3)];
    const net = pair({ runtime: { lookup: async () => (await lookup()).toReversed() } });
    net.S.listen({ ...target, socket: net.handlers('S') });
    const connecting = net.C.connect({
      hostname: 'server.test',
      port: PORT,
      connectTimeout: 100_000_000,
      socket: net.handlers('C'),
    });
    await net.run(400_000);
    await net.run(400_000);
    expect((await connecting).remoteAddress).toBe(SERVER);
    expect(net.log).toEqual(['C.open', 'S.open']);
  });

  it('row 6: localhost: ::1, then 127.0.0.1 in the same millisecond', async () => {
    const net = pair({ runtime: { lookup: async () => [IPV6_LOOPBACK, IPV4_LOOPBACK] } });
    net.C.listen({ hostname: 'localhost', port: PORT, socket: net.handlers('S') });
    const connecting = net.C.connect({ hostname: 'localhost', port: PORT, socket: net.handlers('C') });
    await net.run(0);
    await net.run(1);
    expect(net.timed).toEqual(['0 C.open', '0 S.open']);
    expect((await connecting).remoteAddress).toBe('127.0.0.1');
  });

  it('row 6: after refusals the next address is tried at once; the error comes only if all fail', async () => {
    const found = parseAddress(SERVER);
    const net = pair({ runtime: { lookup: async () => (found === undefined ? [] : [found, found]) } });
    const connecting = net.C.connect({ hostname: 'server.test', port: PORT, socket: net.handlers('C') });
    await net.run(0);
    await net.run();
    await expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(net.segments).toEqual(['C→S SYN', 'S→C RST', 'C→S SYN', 'S→C RST']);
    expect(net.log).toEqual(['C.connectError ECONNREFUSED']);
  });

  it.each([
    ['EAI_AGAIN', -3001],
    ['ENOTFOUND', 4],
  ])('row 7: name not found: %s', async (code, errno) => {
    const fault = Object.assign(new Error('resolver'), { code });
    const net = pair({ runtime: { lookup: () => Promise.reject(fault) } });
    const connecting = net.C.connect({ hostname: 'no.test', port: PORT, socket: net.handlers('C') });
    await net.run();
    await expect(connecting).rejects.toMatchObject({
      code,
      errno,
      syscall: 'getaddrinfo',
      hostname: 'no.test',
    });
    expect(net.log).toEqual([`C.connectError ${code}`]);
    expect(net.segments).toEqual([]);
  });

  it('row 8: a SYN that nobody answers fails when its retries end', async () => {
    const net = pair();
    net.cut();
    const connecting = net.C.connect({ ...target, socket: net.handlers('C') });
    await net.run(300_000);
    await expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED', cause: { code: 'ETIMEDOUT' } });
    expect(net.segments.length).toBe(8); // one and seven retries
    expect(new Set(net.segments)).toEqual(new Set(['C→S SYN']));
  });

  it('row 9: no route: ECONNREFUSED, the true code in cause, nothing inside the call', async () => {
    const net = pair();
    const connecting = net.C.connect({ hostname: '192.0.2.1', port: 1, socket: net.handlers('C') });
    expect(net.log).toEqual([]);
    await net.run();
    await expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED', cause: { code: 'ENETUNREACH' } });
    expect(net.log).toEqual(['C.connectError ECONNREFUSED']);
    expect(net.segments).toEqual([]);
  });

  it('row 11: port 0 is refused; "9000" is taken as a number', async () => {
    const net = pair();
    const toZero = net.C.connect({ hostname: SERVER, port: 0, socket: net.handlers('C') });
    await net.run();
    await expect(toZero).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(net.sent()).toEqual(['C→S SYN', 'S→C RST']);
    net.S.listen({ ...target, socket: net.handlers('S') });
    const text = '9000' as unknown as number;
    const connecting = net.C.connect({ hostname: SERVER, port: text, socket: net.handlers('C') });
    await net.run();
    expect((await connecting).remotePort).toBe(9000);
  });

  it('row 12: data and RST before the accept: open, data, close(ECONNRESET)', async () => {
    const net = pair();
    net.S.listen({ ...target, socket: net.handlers('S') });
    const open = (socket: Socket<unknown>): void => {
      socket.write('quick');
      socket.flush();
      net.clock.at(net.clock.now(), () => socket.terminate());
    };
    void net.C.connect({ ...target, socket: net.handlers('C', { open }) });
    await net.run();
    expect(net.log).toEqual(['C.open', 'C.close', 'S.open', 'S.data quick', 'S.close ECONNRESET']);
  });

  it('row 13: data and FIN before the accept: open, data, end, close', async () => {
    const net = pair();
    net.S.listen({ ...target, socket: net.handlers('S') });
    const open = (socket: Socket<unknown>): void => void socket.end('quick');
    void net.C.connect({ ...target, socket: net.handlers('C', { open }) });
    await net.run();
    expect(net.log).toEqual(['C.open', 'S.open', 'S.data quick', 'S.end', 'C.end', 'C.close', 'S.close']);
  });

  it('addresses, and localAddress and localPort as options', async () => {
    const { client, server } = await connected({ connect: { localAddress: CLIENT, localPort: 4321 } });
    expect([client.localAddress, client.localPort, client.localFamily]).toEqual([CLIENT, 4321, 'IPv4']);
    expect([client.remoteAddress, client.remotePort, client.remoteFamily]).toEqual([SERVER, PORT, 'IPv4']);
    expect([server.localAddress, server.localPort]).toEqual([SERVER, PORT]);
    expect([server.remoteAddress, server.remotePort]).toEqual([CLIENT, 4321]);
  });
});
