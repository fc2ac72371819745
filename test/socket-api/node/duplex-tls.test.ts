import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { Agent, fetch } from 'undici';
import { expect, it } from 'vitest';
import { connectDuplex } from '../../../socket-api/node/duplex.ts';
import { serveHttp, undiciConnect } from '../../../socket-api/node/duplex-hooks.ts';
import { lookupTable } from '../../../socket-api/node/duplex-options.ts';
import { listenDuplex } from '../../../socket-api/node/duplex-server.ts';
import { certificate } from './duplex-certificate.ts';
import { DuplexPair, PORT, SERVER } from './duplex-pair.ts';

const { key, cert } = certificate();

interface TlsPair {
  readonly pair: DuplexPair;
  readonly client: TLSSocket;
  readonly server: TLSSocket;
  readonly log: string[];
}

/** A TLS connection over our streams on both sides. */
async function tlsPair(version: 'TLSv1.2' | 'TLSv1.3'): Promise<TlsPair> {
  const pair = new DuplexPair();
  const log: string[] = [];
  const note = (what: string) => log.push(`${pair.clock.now() / 1000} ${what}`);
  const acceptor = createServer({ key, cert, minVersion: version, maxVersion: version });
  acceptor.on('tlsClientError', (error) => note(`server error ${error.message}`));
  const accepted = new Promise<TLSSocket>((resolve) => acceptor.once('secureConnection', resolve));
  listenDuplex(pair.server, { port: PORT, noDelay: true }, (duplex) => acceptor.emit('connection', duplex));
  const raw = connectDuplex(pair.client, { host: SERVER, port: PORT }, { noDelay: true });
  const client = connect({ socket: raw, servername: 'localhost', ca: cert });
  client.on('secureConnect', () => note(`client ${client.getProtocol()} ${client.authorized}`));
  const server = await pair.until(accepted);
  note(`server ${server.getProtocol()}`);
  for (const [name, socket] of Object.entries({ client, server })) {
    for (const event of ['end', 'close']) socket.on(event, () => note(`${name} ${event}`));
    socket.on('error', (error: Error) => note(`${name} ${error.message}`));
  }
  return { pair, client, server, log };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  it(`${version} over the streams: 1 MiB both ways, the same events each time`, async () => {
    const run = async (): Promise<string[]> => {
      const { pair, client, server, log } = await tlsPair(version);
      const size = 1024 * 1024;
      const echoed = new Promise<number>((resolve) => {
        let received = 0;
        client.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received === size) resolve(received);
        });
      });
      server.pipe(server);
      client.write(Buffer.alloc(size, 'x'));
      expect(await pair.until(echoed)).toBe(size);
      client.end();
      await pair.run(10_000);
      return log;
    };
    const first = await run();
    const events = first.map((line) => line.replace(/^\S+ /, ''));
    expect(events).toContain(`client ${version} true`);
    expect(events.slice(-4).sort()).toEqual(['client close', 'client end', 'server close', 'server end']);
    // Events repeat; times and bytes may not: the handshake's randomness is Node's own.
    expect((await run()).map((line) => line.replace(/^\S+ /, ''))).toEqual(events);
  });
}

it('a connection that dies under TLS is an error of it', async () => {
  const { pair, client, log } = await tlsPair('TLSv1.3');
  const [duplex] = [...pair.server.tcp.connections()];
  duplex?.abort();
  await pair.run(1_000);
  expect(log.slice(-2).map((line) => line.replace(/^\S+ /, ''))).toEqual([
    'client read ECONNRESET',
    'client close',
  ]);
  expect(client.destroyed).toBe(true);
});

it('https by undici and node:https', async () => {
  const pair = new DuplexPair();
  const server = createHttpsServer({ key, cert }, (question, answer) => answer.end(`secret ${question.url}`));
  serveHttp(server, pair.server, { port: 443 });
  const lookup = lookupTable({ localhost: SERVER });
  const dispatcher = new Agent({ connect: undiciConnect(pair.client, { lookup, tls: { ca: cert } }) });
  const text = async (path: string): Promise<string> =>
    (await fetch(`https://localhost${path}`, { dispatcher })).text();
  expect(await pair.until(text('/door'))).toBe('secret /door');
  await dispatcher.destroy();
  server.close();
});
