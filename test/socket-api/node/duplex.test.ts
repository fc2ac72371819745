import { Agent, createServer, request } from 'node:http';
import { expect, it } from 'vitest';
import { connectDuplex, TcpDuplex } from '../../../socket-api/node/duplex.ts';
import { httpAgent, serveHttp } from '../../../socket-api/node/duplex-hooks.ts';
import { lookupTable } from '../../../socket-api/node/duplex-options.ts';
import { listenDuplex } from '../../../socket-api/node/duplex-server.ts';
import { CLIENT, connected, DuplexPair, listen, PORT, SERVER } from './duplex-pair.ts';

it('connects, talks, ends: the events of net.Socket in their order', async () => {
  const { pair, client, server, log } = await connected();
  client.end('question');
  await pair.run(30);
  server.write('answer');
  await pair.run();
  expect(log).toEqual([
    'C.connect',
    'C.ready',
    'C.finish',
    'S.data question',
    'S.end',
    'S.finish',
    'S.close false',
    'C.end',
    'C.close false',
  ]);
});

it('before the connection: connecting, pending, opening; writes and ends wait', async () => {
  const pair = new DuplexPair();
  const log: string[] = [];
  listenDuplex(pair.server, { port: PORT }, (duplex) => listen(duplex, 'S', log));
  const client = new TcpDuplex(pair.client);
  listen(client, 'C', log);
  expect([client.connecting, client.pending, client.readyState]).toEqual([false, true, 'closed']);
  expect(client.connect(PORT, SERVER, () => log.push('listener'))).toBe(client);
  expect([client.connecting, client.pending, client.readyState]).toEqual([true, true, 'opening']);
  expect(client.remoteAddress).toBeUndefined();
  client.end('early');
  expect(client.bytesWritten).toBe(5);
  await pair.run();
  expect(log).toEqual([
    'C.connect',
    'listener',
    'C.ready',
    'C.finish',
    'S.data early',
    'S.end',
    'S.finish',
    'S.close false',
    'C.end',
    'C.close false',
  ]);
});

it('addresses, counters, readyState', async () => {
  const { pair, client, server, listener } = await connected({ server: { allowHalfOpen: true } });
  expect([client.remoteAddress, client.remotePort, client.remoteFamily]).toEqual([SERVER, PORT, 'IPv4']);
  expect([server.remoteAddress, server.remotePort]).toEqual([CLIENT, client.localPort]);
  expect(client.address()).toEqual({ address: CLIENT, family: 'IPv4', port: client.localPort });
  expect(server.localFamily).toBe('IPv4');
  expect(listener.address()).toEqual({ address: SERVER, family: 'IPv4', port: PORT });
  expect([client.readyState, client.pending]).toEqual(['open', false]);
  client.end('12345');
  await pair.run();
  expect([client.readyState, server.readyState]).toEqual(['readOnly', 'writeOnly']);
  expect([client.bytesWritten, server.bytesRead]).toEqual([5, 5]);
  server.end();
  await pair.run();
  expect([client.readyState, server.readyState]).toEqual(['closed', 'closed']);
  expect(client.remoteAddress).toBe(SERVER);
});

it('allowHalfOpen: the answer goes out after the question has ended', async () => {
  const { pair, client, server, log } = await connected({ server: { allowHalfOpen: true } });
  client.end('question');
  await pair.run();
  expect(server.writable).toBe(true);
  server.end('answer');
  await pair.run();
  expect(log.slice(2)).toEqual([
    'C.finish',
    'S.data question',
    'S.end',
    'S.finish',
    'S.close false',
    'C.data answer',
    'C.end',
    'C.close false',
  ]);
  expect(pair.resets).toEqual([]);
});

it('8 MiB both ways at once, byte for byte', async () => {
  const { pair, client, server } = await connected({ unread: true });
  const size = 8 * 1024 * 1024;
  const block = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  const send = async (duplex: TcpDuplex): Promise<void> => {
    for (let sent = 0; sent < size; sent += block.length) {
      if (!duplex.write(block)) await new Promise((resolve) => duplex.once('drain', resolve));
    }
    duplex.end();
  };
  const receive = async (duplex: TcpDuplex): Promise<string> => {
    let at = 0;
    for await (const chunk of duplex) {
      const bytes = chunk as Buffer;
      for (let from = 0; from < bytes.length; ) {
        const offset = at % block.length;
        const count = Math.min(block.length - offset, bytes.length - from);
        if (block.compare(bytes, from, from + count, offset, offset + count) !== 0) return `wrong at ${at}`;
        from += count;
        at += count;
      }
    }
    return `${at} bytes`;
  };
  const all = Promise.all([receive(client), receive(server), send(client), send(server)]);
  const [down, up] = await pair.until(all);
  expect([down, up]).toEqual([`${size} bytes`, `${size} bytes`]);
  expect([client.bytesRead, client.bytesWritten]).toEqual([size, size]);
});

it('a write after the peer has ended us is a broken pipe, with finish never after an error', async () => {
  const { pair, client, server, log } = await connected();
  client.end();
  await pair.run();
  const told = new Promise((resolve) => server.write('late', resolve));
  expect(await pair.until(told)).toMatchObject({ code: 'EPIPE' });
  const other = await connected();
  other.client.end();
  other.client.write('after the end');
  await other.pair.run();
  expect(log.slice(2)).toEqual(['C.finish', 'S.end', 'S.finish', 'S.close false', 'C.end', 'C.close false']);
  expect(other.log.slice(2, 4)).toEqual(['C.error ERR_STREAM_WRITE_AFTER_END', 'C.close true']);
});

it('backpressure: who does not read closes the window, who writes waits', async () => {
  const { pair, client, server } = await connected({ unread: true });
  const taken: number[] = [];
  for (let count = 0; count < 16; count++) client.write(Buffer.alloc(1024 * 1024), () => taken.push(count));
  await pair.run(60_000);
  expect(taken.length).toBeLessThan(16);
  const before = server.bytesRead;
  expect(before).toBeLessThan(256 * 1024);
  expect(client.connection?.info()?.['snd.wnd']).toBeLessThan(1460);
  expect(client.writableNeedDrain).toBe(true);
  let received = 0;
  server.on('data', (chunk: Buffer) => (received += chunk.length));
  await pair.run(60_000);
  expect(received).toBe(16 * 1024 * 1024);
  expect(taken).toHaveLength(16);
  server.pause();
});

it('destroy() sends what was written and closes; the peer sees its end', async () => {
  const { pair, client, log } = await connected();
  client.write('last words');
  client.destroy();
  await pair.run();
  expect(log.slice(2)).toEqual(['C.close false', 'S.data last words', 'S.end', 'S.finish', 'S.close false']);
  expect(pair.resets).toEqual([]);
});

it('destroy(error) and destroy with unread data: error first, then close(true); RST', async () => {
  const { pair, client, server, log } = await connected({ unread: true });
  server.write(Buffer.alloc(200_000)); // more than the stream takes unasked: 16 KiB in Node 20, 64 KiB in Node 22
  await pair.run(200);
  client.destroy(Object.assign(new Error('enough'), { code: 'MINE' }));
  await pair.run();
  expect(log.slice(2)).toEqual(['C.error MINE', 'C.close true', 'S.error ECONNRESET', 'S.close true']);
  expect(pair.resets).toContain('C');
});

it('a write that the end overtakes is told', async () => {
  const { pair, client } = await connected({ unread: true });
  const told: unknown[] = [];
  client.write(Buffer.alloc(8 * 1024 * 1024), (error) => told.push(error));
  client.write('more', (error) => told.push(error));
  await pair.run(20);
  client.destroy();
  await pair.run(20);
  expect(told.map((error) => (error instanceof Error && 'code' in error ? error.code : error))).toEqual([
    'ECANCELED',
    'ECANCELED',
  ]);
});

it('destroySoon() closes when everything is written; resetAndDestroy() resets', async () => {
  const first = await connected();
  first.client.write('all of it');
  first.client.destroySoon();
  await first.pair.run();
  expect(first.log.slice(2, 5)).toEqual(['C.finish', 'C.close false', 'S.data all of it']);
  expect(first.pair.resets).toEqual([]);
  const second = await connected();
  second.server.resetAndDestroy();
  await second.pair.run();
  expect(second.log.slice(2)).toEqual(['S.close false', 'C.error ECONNRESET', 'C.close true']);
});

it('ECONNREFUSED, ETIMEDOUT, ECONNRESET, EPIPE, ENOTFOUND, EADDRINUSE, as net has them', async () => {
  const pair = new DuplexPair();
  const failure = (host: string, lookup = lookupTable({})): Promise<NodeJS.ErrnoException> =>
    new Promise((resolve) => {
      const duplex = connectDuplex(pair.client, { host, port: 1 }, { lookup });
      duplex.on('error', resolve);
    });
  const refused = await pair.until(failure(SERVER));
  expect({ ...refused, message: refused.message }).toEqual({
    message: 'connect ECONNREFUSED 10.0.0.2:1',
    errno: -111,
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: SERVER,
    port: 1,
  });
  expect(refused.cause).toBeInstanceOf(Error);
  const late = await pair.until(failure('10.0.0.99'));
  expect([late.message, late.errno]).toEqual(['connect ETIMEDOUT 10.0.0.99:1', -110]);
  const nowhere = await pair.until(failure('192.0.2.1'));
  expect(nowhere.message).toBe('connect ENETUNREACH 192.0.2.1:1');
  const unknown = await pair.until(failure('nobody'));
  expect({ ...unknown, message: unknown.message }).toEqual({
    message: 'getaddrinfo ENOTFOUND nobody',
    errno: -3008,
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: 'nobody',
  });
  listenDuplex(pair.server, { port: PORT });
  expect(() => listenDuplex(pair.server, { port: PORT })).toThrow('listen EADDRINUSE');
  expect(() => connectDuplex(pair.client, { host: SERVER, port: 70_000 })).toThrow('Port should be >= 0');
});

it('a name with several addresses: each in turn, with the event lookup', async () => {
  const pair = new DuplexPair();
  listenDuplex(pair.server, { port: PORT });
  const table = lookupTable({ a: '10.0.0.2', dead: '10.0.0.1' });
  const lookup = async () => [...(await table('dead')), ...(await table('a'))];
  const client = new TcpDuplex(pair.client, { lookup });
  const looked: unknown[] = [];
  client.on('lookup', (...facts) => looked.push(facts));
  client.connect({ host: 'both', port: PORT });
  await pair.until(new Promise((resolve) => client.once('connect', resolve)));
  expect(client.remoteAddress).toBe(SERVER);
  expect(looked).toEqual([
    [null, '10.0.0.1', 4, 'both'],
    [null, '10.0.0.2', 4, 'both'],
  ]);
});

it('a connection that dies: read ETIMEDOUT by keep-alive, EPIPE at the write after a RST', async () => {
  const { pair, client, log } = await connected();
  client.setKeepAlive(true, 10_000);
  pair.cutTheWire();
  await pair.run(3_600_000);
  expect(log.slice(2)).toEqual(['C.error ETIMEDOUT', 'C.close true']);

  const other = await connected({ server: { allowHalfOpen: true } });
  other.client.destroy();
  await other.pair.run();
  other.server.write('to nobody'); // is answered by RST
  await other.pair.run();
  expect(other.log.slice(-1)).toEqual(['S.end']);
  other.server.write('to nobody');
  await other.pair.run();
  expect(other.log.slice(-2)).toEqual(['S.error EPIPE', 'S.close true']);
});

it('setTimeout: an idle timer that traffic puts off and that closes nothing', async () => {
  const { pair, client, server, log } = await connected();
  client.setTimeout(1_000, () => log.push('once'));
  for (let count = 0; count < 3; count++) {
    server.write(`${count}`);
    await pair.run(700);
  }
  expect(log.slice(2)).toEqual(['C.data 0', 'C.data 1', 'C.data 2']);
  await pair.run(10_000);
  expect(log.slice(5)).toEqual(['C.timeout', 'once']);
  expect(client.readyState).toBe('open');
  client.write('again');
  await pair.run(2_000);
  expect(log.slice(7)).toEqual(['S.data again', 'C.timeout']);
  client.setTimeout(0);
  client.write('!');
  await pair.run(10_000);
  expect(log.slice(9)).toEqual(['S.data !']);
  expect(() => client.setTimeout(-1)).toThrow(RangeError);
  expect(client.timeout).toBe(0);
});

it('setTimeout while connecting, as ioredis wants it', async () => {
  const pair = new DuplexPair();
  const log: string[] = [];
  pair.cutTheWire();
  const client = connectDuplex(pair.client, { host: SERVER, port: PORT });
  listen(client, 'C', log);
  client.setTimeout(2_000, () => client.destroy());
  await pair.run(10_000);
  expect(log).toEqual(['C.timeout', 'C.close false']);
  expect(pair.client.stats().connections).toEqual({});
});

it('a listener that throws is an uncaught exception and does not stop the stack', async () => {
  const { pair, client, server, log } = await connected();
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    server.once('data', () => {
      throw new Error('fault in data');
    });
    client.write('first');
    await pair.run();
    client.write('second');
    await pair.run();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  expect(uncaught).toEqual(['fault in data']);
  expect(log.slice(2)).toEqual(['S.data first', 'S.data second']);
});

it('the process may end while all streams are unref()d', async () => {
  const { pair, client, server, listener } = await connected();
  expect(pair.client.holds.active).toBe(true);
  expect(client.unref()).toBe(client);
  expect(pair.client.holds.active).toBe(false);
  client.ref();
  expect(pair.client.holds.active).toBe(true);
  client.end();
  await pair.run();
  expect(pair.client.holds.active).toBe(false);
  expect(server.destroyed).toBe(true);
  expect(pair.server.holds.active).toBe(true);
  listener.unref();
  expect(pair.server.holds.active).toBe(false);
});

it('a listener closes when its streams have', async () => {
  const { pair, client, listener } = await connected();
  let closed = false;
  listener.close(() => (closed = true));
  await pair.run();
  expect([closed, listener.listening, listener.connections]).toEqual([false, false, 1]);
  client.end();
  await pair.run();
  expect(closed).toBe(true);
});

it('http.Agent keeps one connection for three requests', async () => {
  const pair = new DuplexPair();
  let connections = 0;
  const server = createServer((question, answer) => answer.end(question.url));
  const listener = serveHttp(server, pair.server, { port: 80 });
  listener.on('connection', () => (connections += 1));
  const agent = httpAgent(pair.client, { keepAlive: true, timeout: 60_000 });
  const get = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const question = request({ host: SERVER, path, agent }, (answer) => {
        let text = `${answer.headers.date} `;
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => resolve(text));
      });
      question.on('error', reject);
      question.end();
    });
  const answers: string[] = [];
  for (const path of ['/1', '/2', '/3']) answers.push(await pair.until(get(path)));
  expect(answers).toEqual(['undefined /1', 'undefined /2', 'undefined /3']);
  expect(connections).toBe(1);
  expect(agent).toBeInstanceOf(Agent);
  agent.destroy();
  server.close();
});
