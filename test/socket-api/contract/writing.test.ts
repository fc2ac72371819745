import { describe, expect, it } from 'vitest';
import { connected } from '../harness.ts';

const small = {
  sendBuffer: { from: 16_384, to: 16_384 },
  receiveBuffer: { from: 16_384, to: 16_384 },
} as const;

describe('writing: rows 20 to 32', () => {
  it('row 20: write returns its length; writes of one turn may share a segment', async () => {
    const net = await connected();
    expect([net.client.write('hello'), net.client.write(' you')]).toEqual([5, 4]);
    expect(net.client.bytesWritten).toBe(9);
    await net.run();
    expect(net.called()).toEqual(['S.data hello you']);
    expect(net.sent()).toEqual(['C→S 9 bytes']);
  });

  it('row 21: nothing to write: 0', async () => {
    const net = await connected();
    const bare = net.client.write as (data?: unknown) => number;
    const results = [net.client.write(''), net.client.write(new Uint8Array(0)), bare.call(net.client)];
    expect(results).toEqual([0, 0, 0]);
    await net.run();
    expect(net.sent()).toEqual([]);
  });

  it.each(['end', 'close', 'terminate', 'shutdown'] as const)('row 22: -1 after %s', async (method) => {
    const net = await connected();
    net.client[method]();
    expect(net.client.write('x')).toBe(-1);
    await net.run();
    expect(net.client.write('x')).toBe(-1);
  });

  it('rows 23, 24, 25: offsets count bytes, the length defaults to the rest', async () => {
    const net = await connected();
    const bytes = new TextEncoder().encode('abcdefgh');
    expect(net.client.write(bytes, 2, 3)).toBe(3);
    expect(net.client.write(bytes, 3)).toBe(5);
    expect(net.client.write('héllo', 1, 2)).toBe(2);
    expect(net.client.write('héllo', 3)).toBe(3);
    expect(net.client.end('xyz', 1, 1)).toBe(1);
    await net.run();
    expect(net.called()[0]).toBe('S.data cdedefghélloy');
  });

  it('row 26: offset or length outside: RangeError with name, range and value', async () => {
    const { client } = await connected();
    const bytes = new Uint8Array(8);
    const text = 'The value of "byteLength" is out of range. It must be >= 0 and <= 5. Received 8';
    expect(() => client.write(bytes, 3, 8)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE', message: text }),
    );
    expect(() => client.write(bytes, 9)).toThrow(RangeError);
    expect(() => client.write(bytes, -1)).toThrow(/"byteOffset".*>= 0 and <= 8\. Received -1/);
    expect(client.write(bytes, 8)).toBe(0);
  });

  it('row 27: other types', async () => {
    const net = await connected();
    const write = (data: unknown, second?: unknown): number =>
      net.client.write(data as string, second as number);
    for (const data of [null, 1, true, [1], {}]) {
      expect(() => write(data)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    }
    expect(write(undefined)).toBe(0);
    const shared = new Uint8Array(new SharedArrayBuffer(2));
    shared.set([0x68, 0x69]);
    expect(write(shared.buffer)).toBe(2);
    expect(write(new Uint16Array([0x6969]))).toBe(2);
    expect(write('2d6f6b', 'hex')).toBe(3);
    expect(write('LWI2NA', 'base64')).toBe(4);
    await net.run();
    expect(net.called()).toEqual(['S.data hiii-ok-b64']);
  });

  it('row 27: a Blob is accepted whole; what follows waits for it', async () => {
    const net = await connected();
    const blob = new Blob(['from a blob']) as unknown as string;
    expect(net.client.write(blob)).toBe(11);
    expect(net.client.write('more')).toBe(0);
    await net.run();
    await net.run();
    expect(net.called()).toEqual(['C.drain', 'S.data from a blob']);
    net.client.end(blob, 5, 6);
    await net.run();
    await net.run();
    expect(net.called()).toEqual(['S.data a blob', 'S.end', 'C.end', 'C.close', 'S.close']);
  });

  it('row 28: what fits, then 0, one drain when there is room; the window stops the rest', async () => {
    let received = 0;
    const net = await connected({
      client: { tcp: small },
      server: { tcp: small },
      serverScript: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    net.server.pause();
    let written = 0;
    const bytes = new Uint8Array(100_000);
    for (let round = 0; round < 10; round++) {
      const taken = net.client.write(bytes);
      expect(taken).toBeLessThan(bytes.length);
      written += taken;
      expect(net.client.write(bytes)).toBe(0);
      await net.run(1_000);
      const drains = net.called();
      if (drains.length === 0) break;
      expect(drains).toEqual(['C.drain']);
    }
    expect(net.called()).toEqual([]);
    expect(net.client.write(bytes)).toBe(0);
    net.server.resume();
    await net.run(10_000);
    const calls = net.called();
    expect(calls.filter((call) => call === 'C.drain')).toEqual(['C.drain']);
    expect(received).toBe(written);
  });

  it('row 29: no drain without a short write', async () => {
    const net = await connected({ connect: { allowHalfOpen: true } });
    net.client.write('x');
    net.client.pause();
    await net.run();
    net.client.resume();
    net.client.end();
    await net.run();
    expect(net.log.filter((call) => call.endsWith('drain'))).toEqual([]);
  });

  it('row 30: many small writes in one turn are merged, without a drain', async () => {
    let received = 0;
    const net = await connected({
      serverScript: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    let taken = 0;
    for (let i = 0; i < 20_000; i++) taken += net.client.write('0123456789');
    expect(taken).toBe(200_000);
    await net.run(5_000);
    expect(received).toBe(200_000);
    expect(net.called().filter((call) => call.startsWith('C'))).toEqual([]);
    expect(net.sent().length).toBeLessThan(200);
  });

  it('row 31: a chunk is fresh memory', async () => {
    const chunks: Uint8Array[] = [];
    const net = await connected({
      serverScript: { data: (_, chunk) => void chunks.push(chunk as Uint8Array) },
    });
    net.client.write('first');
    await net.run();
    net.client.write('later');
    await net.run();
    expect(chunks.map((chunk) => new TextDecoder().decode(chunk))).toEqual(['first', 'later']);
    expect(chunks[0]?.buffer).not.toBe(chunks[1]?.buffer);
  });

  it('row 32: a write after the peer has fully closed: its length, then close(EPIPE); later -1', async () => {
    let error: unknown;
    const net = await connected({
      connect: { allowHalfOpen: true },
      clientScript: { close: (_, reason) => void (error = reason) },
    });
    net.server.close();
    await net.run();
    expect(net.called()).toEqual(['S.close', 'C.end']);
    expect(net.client.write('hello')).toBe(5);
    await net.run();
    expect(net.called()).toEqual(['C.close EPIPE']);
    expect(error).toMatchObject({ code: 'EPIPE', errno: -32, syscall: 'read' });
    expect(net.client.write('hello')).toBe(-1);
    expect(net.sent()).toEqual(['S→C FIN', 'C→S 5 bytes', 'S→C RST']);
  });
});
