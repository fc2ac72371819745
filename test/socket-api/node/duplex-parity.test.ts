/** The same scripts on `node:net` over the kernel's loopback and on our streams: the same events, callbacks and states. */
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectDuplex, type TcpDuplex } from '../../../socket-api/node/duplex.ts';
import { listenDuplex } from '../../../socket-api/node/duplex-server.ts';
import { DuplexPair, PORT, SERVER } from './duplex-pair.ts';

/** What both have. */
type Stream = Socket | TcpDuplex;
type Script = (
  client: Stream,
  server: Stream,
  note: (what: string) => void,
  pause: (milliseconds?: number) => Promise<void>,
) => Promise<void>;

const code = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const SCRIPTS: Readonly<Record<string, Script>> = {
  'both end': async (client, server, _note, pause) => {
    client.write('hi');
    await pause();
    server.end('bye');
    await pause();
  },
  'one ends': async (client, _server, _note, pause) => {
    client.end('x');
    await pause();
  },
  'a write after the peer has ended': async (client, server, note, pause) => {
    client.end();
    await pause();
    note(`returns ${server.write('late', (error) => note(`callback ${code(error)}`))}`);
    await pause();
  },
  'destroy(error)': async (client, _server, _note, pause) => {
    client.destroy(new Error('boom'));
    await pause();
  },
  'the peer resets': async (_client, server, _note, pause) => {
    server.resetAndDestroy();
    await pause();
  },
  'the peer resets a paused one, which writes then': async (client, server, note, pause) => {
    client.pause();
    server.resetAndDestroy();
    await pause();
    note(`${client.readyState} ${client.destroyed}`);
    client.write('z', (error) => note(`callback ${code(error)}`));
    await pause();
  },
  'the idle timer': async (client, _server, note, pause) => {
    client.setTimeout(50, () => note('callback'));
    await pause(250);
    note(client.readyState);
  },
  destroySoon: async (client, _server, _note, pause) => {
    client.write('abc');
    client.destroySoon();
    await pause();
  },
  'a write after end': async (client, _server, note, pause) => {
    client.end();
    client.write('q', (error) => note(`callback ${code(error)}`));
    await pause();
  },
  'a write after destroy': async (client, _server, note, pause) => {
    client.destroy();
    client.write('q', (error) => note(`callback ${code(error)}`));
    await pause();
    note([client.readyState, client.pending, client.bytesWritten].join());
  },
  'members before and after': async (client, server, note, pause) => {
    const members = ({
      readyState,
      pending,
      connecting,
      timeout,
      allowHalfOpen,
      bytesRead,
    }: Stream): string => [readyState, pending, connecting, timeout, allowHalfOpen, bytesRead].join();
    note(members(client));
    note(members(server));
    client.end('1234');
    server.end('12');
    await pause();
    note(members(client));
    note(members(server));
  },
  'the peer ends a paused one': async (client, server, note, pause) => {
    server.pause();
    client.end('data');
    await pause();
    note(server.readyState);
    server.resume();
    await pause();
  },
  'writes to one that is gone': async (client, server, note, pause) => {
    client.destroy();
    server.write('x');
    await pause();
    note(server.readyState);
    server.write('y');
    await pause();
    note(server.readyState);
  },
};

/** What each side said, in order; between the sides the order is the network's. */
class Log {
  readonly client: string[] = [];
  readonly server: string[] = [];
  readonly notes: string[] = [];

  watch(stream: Stream, into: string[]): void {
    for (const event of ['connect', 'ready', 'lookup', 'end', 'finish', 'timeout', 'drain'])
      stream.on(event, () => into.push(event));
    stream.on('data', (chunk: Buffer) => into.push(`data ${chunk.toString()}`));
    stream.on('error', (error: Error) => into.push(`error ${code(error)} ${error.message}`));
    stream.on('close', (hadError: boolean) => into.push(`close ${hadError}`));
  }

  snapshot(): object {
    return { client: [...this.client], server: [...this.server], notes: [...this.notes] };
  }
}

async function onKernel(script: Script, allowHalfOpen: boolean): Promise<object> {
  const log = new Log();
  const pause = (milliseconds: number = 60): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));
  let accept = (_socket: Socket): void => undefined;
  const accepted = new Promise<Socket>((resolve) => (accept = resolve));
  const listener = createServer({ allowHalfOpen }, (socket) => {
    log.watch(socket, log.server);
    accept(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen });
  log.watch(client, log.client);
  const server = await accepted;
  await pause();
  await script(client, server, (what) => log.notes.push(what), pause);
  const seen = log.snapshot();
  client.destroy();
  server.destroy();
  await new Promise((resolve) => listener.close(resolve));
  return seen;
}

async function onStack(script: Script, allowHalfOpen: boolean): Promise<object> {
  const log = new Log();
  const pair = new DuplexPair();
  let accept = (_duplex: TcpDuplex): void => undefined;
  const accepted = new Promise<TcpDuplex>((resolve) => (accept = resolve));
  listenDuplex(pair.server, { port: PORT, allowHalfOpen }, (duplex) => {
    log.watch(duplex, log.server);
    accept(duplex);
  });
  const client = connectDuplex(pair.client, { host: SERVER, port: PORT }, { allowHalfOpen });
  log.watch(client, log.client);
  const server = await pair.until(accepted);
  await pair.run(50);
  const pause = (milliseconds: number = 5_000): Promise<void> => pair.run(milliseconds);
  await script(client, server, (what) => log.notes.push(what), pause);
  return log.snapshot();
}

describe.each([false, true])('as node:net, allowHalfOpen %s', (allowHalfOpen) => {
  it.each(Object.entries(SCRIPTS))('%s', async (_name, script) => {
    expect(await onStack(script, allowHalfOpen)).toEqual(await onKernel(script, allowHalfOpen));
  });
});
