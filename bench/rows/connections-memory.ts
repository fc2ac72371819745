import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import type { Bench, Figures, MeasureOptions } from '../bench.ts';
import { Meter } from '../meter.ts';
import { Pair, readAll, serve } from '../pair.ts';
import { beside } from '../processes.ts';

/** Connections under way at a time. */
const AT_A_TIME = 16;
/** Ports to connect to in turn: TIME-WAIT keeps a pair of ports for a minute. */
const PORTS = 16;
const octet: Uint8Array = new Uint8Array([65]);

/** Open, one byte there and back, close, by both ends of the wire. */
export async function connectionsGlasstack(options: MeasureOptions): Promise<Figures> {
  const pair = new Pair(false);
  const meter = new Meter(options.warmUp, options.seconds);
  for (let port = 0; port < PORTS; port++) {
    serve(pair.server, port + 1, (event, connection) => {
      if (event.type === 'readable') readAll(connection, (bytes) => void connection.send(bytes));
      else if (event.type === 'end') connection.shutdown();
    });
  }
  let opened = 0;
  await new Promise<void>((done) => {
    const next = (): void => {
      opened += 1;
      pair.connect((opened % PORTS) + 1, (event, connection) => {
        if (event.type === 'established') connection.send(octet);
        else if (event.type === 'readable' && readAll(connection) > 0) connection.shutdown();
        else if (event.type === 'closed') {
          if (meter.add(1)) done();
          else next();
        }
      });
    };
    for (let each = 0; each < AT_A_TIME; each++) next();
  });
  pair.close();
  return { connections: meter.rate };
}

/** The same with Node `net` over loopback. */
export async function connectionsNode(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  const { port } = server.address() as AddressInfo;
  let over = false;
  await new Promise<void>((done, failed) => {
    const next = (): void => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => socket.write(octet));
      socket.on('data', () => socket.end());
      socket.on('error', failed);
      socket.on('close', () => {
        over ||= meter.add(1);
        if (over) done();
        else next();
      });
    };
    for (let each = 0; each < AT_A_TIME; each++) next();
  });
  server.close();
  return { connections: meter.rate };
}

export function benches(): Bench[] {
  return [
    {
      id: 'memory-connections',
      metrics: [
        {
          id: 'connections',
          title: 'open + 1-byte echo + close in memory, both ends',
          unit: '1/s',
          goals: [{ at: 10_000 }, { at: 40_000 }],
        },
      ],
      subjects: beside('connections', { warmUp: 0.4, seconds: 1 }),
    },
  ];
}
