import { type AddressInfo, connect, createServer } from 'node:net';
import type { Bench, Figures, MeasureOptions, Metric } from '../bench.ts';
import { Meter } from '../meter.ts';
import { CHUNK, Pair, readAll, serve } from '../pair.ts';
import { beside } from '../processes.ts';

const chunk: Uint8Array = new Uint8Array(CHUNK).fill(65);

/** One flow from host to host in one thread. */
export async function bulkGlasstack(options: MeasureOptions): Promise<Figures> {
  const pair = new Pair(options.offload ?? false);
  const meter = new Meter(options.warmUp, options.seconds);
  await new Promise<void>((done) => {
    serve(pair.server, 80, (event, connection) => {
      if (event.type === 'readable' && meter.add(readAll(connection))) done();
    });
    pair.connect(80, (event, connection) => {
      if (event.type !== 'established' && event.type !== 'writable') return;
      while (connection.send(chunk) === chunk.length);
    });
  });
  pair.close();
  return { throughput: meter.gigabits };
}

/** One flow over loopback, both ends Node `net` in one process. */
export async function bulkNode(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const pump = (): void => {
    while (client.write(chunk));
  };
  client.on('connect', pump).on('drain', pump);
  await new Promise<void>((done) => {
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        if (meter.add(bytes.length)) done();
      });
    });
  });
  client.destroy();
  server.close();
  return { throughput: meter.gigabits };
}

const metric = (title: string, first: number, then: number): Metric => ({
  id: 'throughput',
  title,
  unit: 'Gbit/s',
  goals: [{ at: first }, { at: then }],
});

export function benches(): Bench[] {
  const time = { warmUp: 0.5, seconds: 1 };
  return [
    {
      id: 'memory-bulk-1500',
      metrics: [metric('two stacks in memory, MTU 1500, checksums on', 1, 4)],
      subjects: beside('bulk', time, { offload: false }),
    },
    {
      id: 'memory-bulk-super',
      metrics: [metric('the same, super-segments on the wire', 10, 40)],
      subjects: beside('bulk', time, { offload: true }),
    },
  ];
}
