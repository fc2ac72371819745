import { type AddressInfo, connect, createServer } from 'node:net';
import type { Bench, Figures, MeasureOptions } from '../bench.ts';
import { Meter } from '../meter.ts';
import { Pair, readAll, serve } from '../pair.ts';
import { beside } from '../processes.ts';

const message: Uint8Array = new Uint8Array(64).fill(65);

/** 64 bytes there and back, one after the other. */
export async function pingPongGlasstack(options: MeasureOptions): Promise<Figures> {
  const pair = new Pair(false);
  const meter = new Meter(options.warmUp, options.seconds);
  serve(pair.server, 7, (event, connection) => {
    if (event.type === 'readable') readAll(connection, (bytes) => void connection.send(bytes));
  });
  await new Promise<void>((done) => {
    pair.connect(7, (event, connection) => {
      if (event.type === 'established') connection.send(message);
      if (event.type !== 'readable' || readAll(connection) === 0) return;
      if (meter.add(1)) done();
      else connection.send(message);
    });
  });
  pair.close();
  return { roundTrips: meter.rate };
}

/** The same with Node `net` over loopback. */
export async function pingPongNode(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.setNoDelay(true);
  await new Promise<void>((done) => {
    client.on('connect', () => client.write(message));
    client.on('data', () => {
      if (meter.add(1)) done();
      else client.write(message);
    });
  });
  client.destroy();
  server.close();
  return { roundTrips: meter.rate };
}

export function benches(): Bench[] {
  return [
    {
      id: 'memory-ping-pong',
      metrics: [
        {
          id: 'roundTrips',
          title: '64-byte ping-pong in memory',
          unit: '1/s',
          goals: [{ at: 100_000 }, { at: 250_000 }],
        },
      ],
      subjects: beside('ping-pong', { warmUp: 0.4, seconds: 1 }),
    },
  ];
}
