import { describe, expect, it } from 'vitest';
import { connected, type Pair, pair, PORT, SERVER } from '../harness.ts';

/** A server that answers with what it got, and a first connection on which the client got a cookie. */
async function withCookie(fastOpen: boolean | { queue?: number; cookies?: boolean } = true): Promise<Pair> {
  const net = pair();
  const answer = net.handlers('S', {
    data: (socket, bytes) => void socket.write(`re: ${new TextDecoder().decode(bytes)}`),
  });
  net.S.listen({ hostname: SERVER, port: PORT, socket: answer, fastOpen });
  const first = net.C.connect({ hostname: SERVER, port: PORT, socket: net.handlers('C'), fastOpen: true });
  await net.run();
  (await first).end();
  await net.run();
  net.sent();
  net.called();
  net.timed.length = 0;
  return net;
}

describe('fastOpen: data with the SYN (ours)', () => {
  it('opens the server’s socket, and brings its data and the answer, one round trip earlier', async () => {
    const net = await withCookie();
    const began = net.clock.now() / 1_000;
    const socket = net.handlers('C');
    const promise = net.C.connect({ hostname: SERVER, port: PORT, socket, fastOpen: { data: 'hello' } });
    await net.run(50);
    expect(net.sent()).toEqual(['C→S 5 bytes SYN', 'S→C SYN ACK', 'S→C 9 bytes']);
    const calls = net.timed.map((line) => line.replace(/^\d+/, (at) => String(Number(at) - began)));
    expect(calls).toEqual(['10 S.open', '10 S.data hello', '20 C.open', '20 C.data re: hello']);
    expect((await promise).bytesWritten).toBe(5);
  });

  it('sends the data after the handshake, before what `open` writes, without a cookie', async () => {
    const net = pair();
    net.S.listen({ hostname: SERVER, port: PORT, socket: net.handlers('S') });
    const socket = net.handlers('C', { open: (self) => void self.write(' world') });
    await Promise.all([
      net.C.connect({ hostname: SERVER, port: PORT, socket, fastOpen: { data: 'hello' } }),
      net.run(),
    ]);
    expect(net.called()).toEqual(['C.open', 'S.open', 'S.data hello world']);
  });

  it('copies the data, which the caller may use again', async () => {
    const net = await withCookie();
    const data = new TextEncoder().encode('hello');
    void net.C.connect({ hostname: SERVER, port: PORT, socket: net.handlers('C'), fastOpen: { data } });
    data.fill(0x78);
    await net.run(50);
    expect(net.called()).toContain('S.data hello');
  });

  it('lets the server close before the handshake is over, all in order', async () => {
    const net = pair();
    const socket = net.handlers('S', { data: (self) => void self.end('bye') });
    net.S.listen({ hostname: SERVER, port: PORT, socket, fastOpen: { cookies: false } });
    const fastOpen = { data: 'hello', cookie: false };
    void net.C.connect({ hostname: SERVER, port: PORT, socket: net.handlers('C'), fastOpen });
    await net.run();
    expect(net.called()).toEqual([
      'S.open',
      'S.data hello',
      'C.open',
      'C.data bye',
      'C.end',
      'S.end',
      'S.close',
      'C.close',
    ]);
    expect(net.uncaught).toEqual([]);
  });

  it('tells the server’s socket when the client is gone before the handshake was over', async () => {
    const net = await withCookie();
    const socket = net.handlers('C');
    const attempt = net.C.connect({ hostname: SERVER, port: PORT, socket, fastOpen: { data: 'hello' } });
    net.clock.advanceTo((net.clock.now() + 15_000) as never); // the SYN is there, the SYN-ACK is not yet
    attempt.catch(() => undefined);
    net.cut();
    await net.run(200_000);
    expect(net.called().filter((call) => call.startsWith('S.'))).toEqual([
      'S.open',
      'S.data hello',
      'S.close ETIMEDOUT',
    ]);
  });

  it('is refused in other shapes: TypeError, RangeError', () => {
    const net = pair();
    const where = { hostname: SERVER, port: PORT, socket: net.handlers('C') };
    const connect = (fastOpen: unknown) => () => net.C.connect({ ...where, fastOpen } as never);
    const listen = (fastOpen: unknown) => () => net.S.listen({ ...where, fastOpen } as never);
    expect(connect(1)).toThrow(TypeError);
    expect(connect({ data: 1 })).toThrow(TypeError);
    expect(connect({ data: new Blob(['x']) })).toThrow('a Blob comes too late');
    expect(listen('yes')).toThrow(TypeError);
    expect(listen({ queue: 'many' })).toThrow(TypeError);
    expect(listen({ queue: -1 })).toThrow(RangeError);
  });
});

describe('notSentLowat: little waits unsent (ours)', () => {
  it('makes write take less, and drain come when less than that is unsent', async () => {
    const net = await connected({ connect: { notSentLowat: 5_000 } });
    const bytes = new Uint8Array(200_000);
    const taken = net.client.write(bytes);
    expect(taken).toBeGreaterThanOrEqual(14_000 + 5_000);
    expect(taken).toBeLessThan(25_000);
    await net.run(30);
    expect(net.called()).toContain('C.drain');
  });

  it('holds back nothing that `end` is given', async () => {
    const net = await connected({ connect: { notSentLowat: 5_000 } });
    expect(net.client.end(new Uint8Array(200_000))).toBe(200_000);
  });

  it('is refused below 1 and as anything but a number', () => {
    const net = pair();
    const connect = (notSentLowat: unknown) => () =>
      net.C.connect({ hostname: SERVER, port: PORT, socket: net.handlers('C'), notSentLowat } as never);
    expect(connect(0)).toThrow(RangeError);
    expect(connect('1')).toThrow(TypeError);
  });
});
