import { describe, expect, it } from 'vitest';
import { connected } from '../harness.ts';

const halfOpen = { connect: { allowHalfOpen: true }, listen: { allowHalfOpen: true } };
/** Buffers that a few writes fill. */
const small = {
  sendBuffer: { from: 16_384, to: 16_384 },
  receiveBuffer: { from: 16_384, to: 16_384 },
} as const;

describe('ending: rows 33 to 38', () => {
  it('row 33: end() sends FIN, data goes on, and the peer FIN brings end and close', async () => {
    const net = await connected({ listen: { allowHalfOpen: true } });
    expect(net.client.end()).toBe(0);
    expect(net.client.readyState).toBe(-2);
    expect(net.called()).toEqual([]);
    await net.run();
    expect(net.sent()).toEqual(['C→S FIN']);
    expect(net.called()).toEqual(['S.end']);
    expect(net.server.readyState).toBe(1);
    expect(net.server.write('late')).toBe(4);
    await net.run();
    expect(net.called()).toEqual(['C.data late']);
    expect(net.client.readyState).toBe(-2);
    net.server.end();
    await net.run();
    expect(net.called()).toEqual(['C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['S→C 4 bytes', 'S→C FIN']);
    expect([net.client.readyState, net.server.readyState]).toEqual([0, 0]);
  });

  it('row 34: end("bye") takes and sends it, with the FIN', async () => {
    const net = await connected();
    expect(net.client.end('bye')).toBe(3);
    expect(net.client.bytesWritten).toBe(3);
    await net.run();
    expect(net.called()).toEqual(['S.data bye', 'S.end', 'C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['C→S 3 bytes FIN', 'S→C FIN']);
  });

  it('row 35: end and write again give -1', async () => {
    const net = await connected();
    net.client.end();
    expect([net.client.end(), net.client.end('x'), net.client.write('x')]).toEqual([-1, -1, -1]);
    await net.run();
    expect([net.client.end(), net.client.end('x'), net.client.write('x')]).toEqual([-1, -1, -1]);
    expect(net.sent()).toEqual(['C→S FIN', 'S→C FIN']);
  });

  it('row 36: end() with unread data sends FIN; the data comes after resume()', async () => {
    const net = await connected(halfOpen);
    net.client.pause();
    net.server.write('wait');
    await net.run();
    expect(net.called()).toEqual([]);
    net.client.end();
    await net.run();
    expect(net.called()).toEqual(['S.end']);
    expect(net.sent()).toEqual(['S→C 4 bytes', 'C→S FIN']);
    net.client.resume();
    expect(net.called()).toEqual([]);
    await net.run();
    expect(net.called()).toEqual(['C.data wait']);
    net.server.end();
    await net.run();
    expect(net.called()).toEqual(['C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['S→C FIN']);
  });

  it('row 37: end(data) on a full buffer takes all of it; FIN after the last byte', async () => {
    let received = 0;
    let finAfter = -1;
    const net = await connected({
      client: { tcp: small },
      server: { tcp: small },
      serverScript: {
        data(_, chunk) {
          received += chunk.byteLength;
        },
        end() {
          finAfter = received;
        },
      },
    });
    net.server.pause();
    const filled = net.client.write(new Uint8Array(1_000_000));
    expect(filled).toBeGreaterThan(0);
    expect(filled).toBeLessThan(1_000_000);
    expect(net.client.write('x')).toBe(0);
    expect(net.client.end(new Uint8Array(100_000))).toBe(100_000);
    expect(net.client.bytesWritten).toBe(filled + 100_000);
    expect(net.client.readyState).toBe(-2);
    await net.run(2_000);
    net.server.resume();
    await net.run(60_000);
    expect(received).toBe(filled + 100_000);
    expect(finAfter).toBe(received);
    const calls = net.called().filter((call) => !call.includes('data'));
    expect(calls).toEqual(['S.end', 'C.end', 'C.close', 'S.close']);
    expect(net.sent().filter((text) => text.includes('FIN')).length).toBe(2);
  });

  it('row 38: both end("x") in one turn: each gets data, end, close', async () => {
    const net = await connected();
    net.client.end('c');
    net.server.end('s');
    await net.run();
    const calls = net.called();
    expect(calls.filter((call) => call.startsWith('C'))).toEqual(['C.data s', 'C.end', 'C.close']);
    expect(calls.filter((call) => call.startsWith('S'))).toEqual(['S.data c', 'S.end', 'S.close']);
    expect(net.sent().toSorted()).toEqual(['C→S 1 byte FIN', 'S→C 1 byte FIN']);
  });
});

describe('the peer ends: rows 39 to 45', () => {
  it('row 39: without allowHalfOpen end is followed by our FIN; a write inside end goes before it', async () => {
    const net = await connected({
      serverScript: {
        end(socket) {
          expect(socket.readyState).toBe(1);
          expect(socket.write('last')).toBe(4);
        },
      },
    });
    net.client.end();
    await net.run();
    expect(net.called()).toEqual(['S.end', 'C.data last', 'C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['C→S FIN', 'S→C 4 bytes FIN']);
  });

  it('row 39: a write after end gives -1', async () => {
    const net = await connected();
    net.client.end();
    await net.run(11);
    expect(net.called()).toEqual(['S.end']);
    expect(net.server.write('late')).toBe(-1);
    expect(net.server.readyState).toBe(-2);
  });

  it('row 40: with allowHalfOpen end comes once and writing goes on until end()', async () => {
    const net = await connected(halfOpen);
    net.client.end();
    await net.run(1_000);
    expect(net.called()).toEqual(['S.end']);
    expect(net.sent()).toEqual(['C→S FIN']);
    expect(net.server.readyState).toBe(1);
    expect(net.server.write('still')).toBe(5);
    await net.run();
    expect(net.called()).toEqual(['C.data still']);
    net.server.end('here');
    await net.run();
    expect(net.called()).toEqual(['C.data here', 'C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['S→C 5 bytes', 'S→C 4 bytes FIN']);
  });

  it('row 40: the same without an end handler', async () => {
    const net = await connected({ ...halfOpen, serverScript: { end: null } });
    net.client.end();
    await net.run();
    expect(net.server.readyState).toBe(1);
    expect(net.server.write('still')).toBe(5);
    await net.run();
    expect(net.called()).toEqual(['C.data still']);
  });

  it("row 41: the peer's FIN after our own brings end and close", async () => {
    const net = await connected(halfOpen);
    net.client.shutdown(true);
    await net.run();
    net.called();
    net.server.end();
    await net.run();
    expect(net.called()).toEqual(['C.end', 'C.close', 'S.close']);
  });

  it('row 42: shutdown(true) shuts the write half: FIN, still readable', async () => {
    const net = await connected(halfOpen);
    net.client.shutdown(true);
    expect(net.client.readyState).toBe(-2);
    expect(net.client.write('x')).toBe(-1);
    await net.run();
    net.server.write('readable');
    await net.run();
    expect(net.called()).toEqual(['S.end', 'C.data readable']);
    expect(net.sent()).toEqual(['C→S FIN', 'S→C 8 bytes']);
  });

  it('row 43: shutdown() shuts both halves: FIN after queued data, close at the peer FIN, no end', async () => {
    const net = await connected(halfOpen);
    net.client.write('first');
    net.client.shutdown();
    expect(net.client.readyState).toBe(-2);
    await net.run();
    expect(net.called()).toEqual(['S.data first', 'S.end']);
    net.server.end();
    await net.run();
    expect(net.called()).toEqual(['C.close', 'S.close']);
    expect(net.sent()).toEqual(['C→S 5 bytes FIN', 'S→C FIN']);
  });

  it('row 43: data that comes after shutdown() is answered by RST', async () => {
    const net = await connected(halfOpen);
    net.client.shutdown(false);
    await net.run();
    net.called();
    net.server.write('too late');
    await net.run();
    expect(net.sent()).toEqual(['C→S FIN', 'S→C 8 bytes', 'C→S RST']);
    expect(net.called()).toEqual(['C.close', 'S.close EPIPE']);
  });

  it('row 44: a reset comes after the data before it, then close(ECONNRESET); no end, no error', async () => {
    const net = await connected();
    let error: unknown;
    net.server.reload({ socket: net.handlers('S', { close: (_, reason) => void (error = reason) }) });
    net.client.write('first data: its ACK opens the scaled window, later ones are delayed');
    await net.run();
    net.called();
    net.sent();
    net.client.write('before');
    await net.run(1);
    net.client.terminate();
    await net.run();
    expect(net.called()).toEqual(['C.close', 'S.data before', 'S.close ECONNRESET']);
    expect(net.sent()).toEqual(['C→S 6 bytes', 'C→S RST']);
    expect(error).toMatchObject({ code: 'ECONNRESET', errno: -104, syscall: 'read' });
    expect((error as Error).cause).toBeInstanceOf(Error);
    expect(net.server.readyState).toBe(0);
  });

  it('row 44: also if paused', async () => {
    const net = await connected();
    net.server.pause();
    net.client.write('before');
    await net.run();
    expect(net.called()).toEqual([]);
    net.client.terminate();
    await net.run();
    expect(net.called()).toEqual(['C.close', 'S.data before', 'S.close ECONNRESET']);
  });

  it("row 45: the peer's FIN while paused: nothing until resume(), then data, end, close", async () => {
    const net = await connected();
    net.server.pause();
    net.client.end('bye');
    await net.run();
    expect(net.called()).toEqual([]);
    net.server.resume();
    await net.run();
    expect(net.called()).toEqual(['S.data bye', 'S.end', 'C.end', 'C.close', 'S.close']);
    expect(net.sent()).toEqual(['C→S 3 bytes FIN', 'S→C FIN']);
  });

  it('row 45: the same when both FINs were exchanged during the pause', async () => {
    const net = await connected();
    net.server.pause();
    net.client.end('bye');
    net.server.end();
    await net.run();
    expect(net.called()).toEqual(['C.end', 'C.close']);
    expect(net.server.readyState).toBe(-2);
    net.server.resume();
    await net.run();
    expect(net.called()).toEqual(['S.data bye', 'S.end', 'S.close']);
  });
});

describe('giving up: rows 46 to 52', () => {
  it('row 46: close() calls close soon, and nothing else; the peer gets a FIN', async () => {
    const net = await connected();
    net.client.close();
    expect(net.called()).toEqual([]);
    expect(net.client.readyState).toBe(-2);
    await net.run(0);
    expect(net.called()).toEqual(['C.close']);
    expect(net.client.readyState).toBe(0);
    await net.run();
    expect(net.called()).toEqual(['S.end', 'S.close']);
    expect(net.sent()).toEqual(['C→S FIN', 'S→C FIN']);
  });

  it('row 46: what is queued is still sent', async () => {
    let received = 0;
    const net = await connected({
      serverScript: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    const taken = net.client.write(new Uint8Array(4_000_000));
    net.client.close();
    await net.run(60_000);
    expect(received).toBe(taken);
    expect(net.called().filter((call) => !call.includes('data'))).toEqual(['C.close', 'S.end', 'S.close']);
    expect(net.sent().at(-2)).toMatch(/^C→S \d+ bytes FIN$/);
  });

  it('row 46: close() inside a handler calls close after it', async () => {
    const order: string[] = [];
    const net = await connected({
      serverScript: {
        data(socket) {
          socket.close();
          order.push('data returns');
        },
        close: () => void order.push('close'),
      },
    });
    net.client.write('x');
    await net.run();
    expect(order).toEqual(['data returns', 'close']);
  });

  it('row 47: close() with unread data resets', async () => {
    const net = await connected();
    net.client.pause();
    net.server.write('unread');
    await net.run();
    net.sent();
    net.client.close();
    await net.run();
    expect(net.called()).toEqual(['C.close', 'S.close ECONNRESET']);
    expect(net.sent()).toEqual(['C→S RST']);
  });

  it('row 48: terminate() resets and drops what is queued', async () => {
    const net = await connected();
    net.client.write('lost');
    net.client.terminate();
    expect(net.called()).toEqual([]);
    await net.run();
    expect(net.called()).toEqual(['C.close', 'S.close ECONNRESET']);
    expect(net.sent()).toEqual(['C→S RST']);
  });

  it('row 49: [Symbol.dispose]() is end()', async () => {
    const net = await connected();
    net.client[Symbol.dispose]();
    expect(net.client.readyState).toBe(-2);
    await net.run();
    expect(net.sent()).toEqual(['C→S FIN', 'S→C FIN']);
    expect(net.called()).toEqual(['S.end', 'C.end', 'C.close', 'S.close']);
  });

  it('row 50: shutdown() with much queued: all arrives, the FIN on the last segment', async () => {
    let received = 0;
    const net = await connected({
      serverScript: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    const taken = net.client.write(new Uint8Array(4_000_000));
    net.client.shutdown();
    await net.run(60_000);
    expect(received).toBe(taken);
    expect(net.called().filter((call) => !call.includes('data'))).toEqual(['S.end', 'C.close', 'S.close']);
    expect(net.sent().filter((text) => text.includes('FIN'))).toEqual([
      expect.stringMatching(/^C→S \d+ bytes FIN$/),
      'S→C FIN',
    ]);
  });

  it('row 51: both shutdown() in one turn: close each, no end', async () => {
    const net = await connected();
    net.client.shutdown();
    net.server.shutdown();
    await net.run();
    expect(net.called().toSorted()).toEqual(['C.close', 'S.close']);
    expect(net.sent().toSorted()).toEqual(['C→S FIN', 'S→C FIN']);
  });

  it('row 46: a closed socket holds the process until its last byte is acknowledged', async () => {
    const net = await connected({ connect: { allowHalfOpen: true } });
    const { holds } = net.hosts.server;
    net.listener.unref();
    expect(holds.active).toBe(true);
    net.server.write('last words');
    net.server.close();
    await net.run(0);
    expect(net.called()).toEqual(['S.close']);
    expect(holds.active).toBe(true);
    net.client.end();
    await net.run();
    expect(holds.active).toBe(false);
  });

  it('row 52: what is unrefd holds nothing', async () => {
    const net = await connected();
    for (const each of [net.listener, net.server, net.client]) each.unref();
    expect([net.hosts.client.holds.active, net.hosts.server.holds.active]).toEqual([false, false]);
    net.server.ref();
    expect(net.hosts.server.holds.active).toBe(true);
    net.client.terminate();
    await net.run();
    net.server.ref();
    expect(net.hosts.server.holds.active).toBe(false);
  });
});
