import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Socket } from '../../../socket-api/types.ts';
import { connected, pair, PORT, SERVER, type Script } from '../harness.ts';

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', noteUnhandled);
});
afterEach(() => {
  process.off('unhandledRejection', noteUnhandled);
});

const fault = new Error('fault');
const fail = (): never => {
  throw fault;
};

describe('handlers that fail: rows 14 to 19', () => {
  const connectWith = async (script: Script) => {
    const net = pair();
    net.S.listen({ hostname: SERVER, port: PORT, socket: net.handlers('S') });
    const connecting = net.C.connect<unknown>({
      hostname: SERVER,
      port: PORT,
      socket: net.handlers('C', script),
    });
    let state: number | undefined;
    void connecting.then((socket: Socket<unknown>) => {
      state = socket.readyState;
      net.log.push('promise');
    });
    await net.run();
    return { net, state };
  };

  it('row 14: open throws: error, close, then the promise with a closed socket; FIN', async () => {
    const { net, state } = await connectWith({ open: fail });
    expect(net.log.filter((call) => !call.startsWith('S'))).toEqual([
      'C.open',
      'C.error fault',
      'C.close',
      'promise',
    ]);
    expect(state).toBe(0);
    expect(net.sent()).toEqual(['C→S SYN', 'S→C SYN ACK', 'C→S FIN', 'S→C FIN']);
    expect(net.uncaught).toEqual([]);
  });

  it('row 14: open returns an Error, and there is no error handler', async () => {
    const { net } = await connectWith({ open: () => fault as unknown as undefined, error: null });
    expect(net.log.filter((call) => !call.startsWith('S'))).toEqual(['C.open', 'C.close', 'promise']);
    expect(net.uncaught).toEqual([fault]);
  });

  it('row 15: data and end that throw go to error, and things go on', async () => {
    const net = await connected({ serverScript: { data: fail, end: fail } });
    net.client.write('one');
    await net.run();
    net.client.end('two');
    await net.run();
    expect(net.called()).toEqual([
      'S.data one',
      'S.error fault',
      'S.data two',
      'S.error fault',
      'S.end',
      'S.error fault',
      'C.end',
      'C.close',
      'S.close',
    ]);
  });

  it('row 15: without error the fault is uncaught', async () => {
    const net = await connected({ serverScript: { data: fail, error: null } });
    net.client.write('one');
    await net.run();
    expect(net.uncaught).toEqual([fault]);
    expect(net.server.readyState).toBe(1);
  });

  it('row 15: timeout that throws goes to error, then close', async () => {
    const net = await connected({ clientScript: { timeout: fail } });
    net.client.timeout(1);
    await net.run(1_000);
    expect(net.called()).toEqual(['C.timeout', 'C.error fault', 'C.close']);
  });

  it('row 16: close that throws: error after close', async () => {
    const net = await connected({
      clientScript: { close: fail },
      serverScript: { close: fail, error: null },
    });
    net.client.end();
    await net.run();
    expect(net.called()).toEqual(['S.end', 'C.end', 'C.close', 'C.error fault', 'S.close']);
    expect(net.uncaught).toEqual([fault]);
  });

  it('row 17: error that throws is uncaught', async () => {
    const worse = new Error('worse');
    const net = await connected({
      serverScript: {
        data: fail,
        error() {
          throw worse;
        },
      },
    });
    net.client.write('one');
    await net.run();
    expect(net.uncaught).toEqual([worse]);
  });

  it('row 18: an async handler that rejects is an unhandled rejection, never error', async () => {
    const net = await connected({ serverScript: { data: () => Promise.reject(fault) } });
    net.client.write('one');
    await net.run();
    expect(unhandled).toEqual([fault]);
    expect(net.called()).toEqual(['S.data one']);
  });

  it('row 19: another handler that returns an Error is ignored', async () => {
    const net = await connected({ serverScript: { data: () => fault as unknown as undefined } });
    net.client.write('one');
    await net.run();
    expect(net.called()).toEqual(['S.data one']);
    expect(net.server.readyState).toBe(1);
  });
});
