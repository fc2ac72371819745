import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Bench, Figures, Goal, MeasureOptions } from '../bench.ts';
import { Pair, serve } from '../pair.ts';
import { beside } from '../processes.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';

/** Connections being opened at a time. */
const AT_A_TIME = 256;
/** Ports to connect to in turn, so that ephemeral ports suffice. */
const PORTS = 8;

/** Idle connections between two hosts, both ends held here. */
export async function idleGlasstack(options: MeasureOptions): Promise<Figures> {
  const wanted = options.connections ?? 10_000;
  const pair = new Pair(false);
  const held: TcpConnection[] = [];
  for (let port = 1; port <= PORTS; port++) serve(pair.server, port, () => undefined);
  const before = memory();
  const begun = performance.now();
  let opened = 0;
  await new Promise<void>((done) => {
    const next = (): void => {
      opened += 1;
      held.push(
        pair.connect((opened % PORTS) + 1, (event) => {
          if (event.type !== 'established') return;
          if (opened < wanted) next();
          else if (pair.server.tcp.size === wanted) done();
        }),
      );
    };
    for (let each = 0; each < Math.min(AT_A_TIME, wanted); each++) next();
  });
  const figures = await rest(before, begun, wanted, options.seconds);
  if (held.length !== wanted) throw new Error(`${held.length} connections were opened of ${wanted}`);
  pair.close();
  return figures;
}

/** The same with Node `net` over loopback; what the kernel holds is not counted. */
export async function idleNode(options: MeasureOptions): Promise<Figures> {
  const wanted = Math.min(options.connections ?? 10_000, 9_000); // two descriptors each
  const held: Socket[] = [];
  const before = memory();
  const begun = performance.now();
  const server = createServer((socket) => held.push(socket));
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  const { port } = server.address() as AddressInfo;
  let opened = 0;
  let established = 0;
  await new Promise<void>((done, failed) => {
    const next = (): void => {
      opened += 1;
      const socket = connect(port, '127.0.0.1', () => {
        established += 1;
        if (opened < wanted) next();
        else if (established === wanted) done();
      });
      socket.on('error', failed);
      held.push(socket);
    };
    for (let each = 0; each < Math.min(AT_A_TIME, wanted); each++) next();
  });
  const figures = await rest(before, begun, wanted, options.seconds);
  for (const socket of held) socket.destroy();
  server.close();
  return figures;
}

/** What `count` connections cost, now that they are open. */
async function rest(before: number, begun: number, count: number, idle: number): Promise<Figures> {
  const opening = (performance.now() - begun) / 1000;
  await pause(0.3); // delayed ACKs
  const bytes = (memory() - before) / (2 * count);
  await pause(Math.min(1, idle)); // what collecting left to be done
  const usage = process.cpuUsage();
  const from = performance.now();
  await pause(idle);
  const { user, system } = process.cpuUsage(usage);
  const passed = (performance.now() - from) * 1000;
  return { bytes, opening, cpu: ((user + system) / passed) * 100 };
}

/** Bytes in use after a full collection. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function bench(connections: number, seconds: number, share: readonly Goal[], within: readonly Goal[]): Bench {
  const count = connections.toLocaleString('en');
  return {
    id: `idle-${connections}`,
    mostRounds: 1,
    metrics: [
      {
        id: 'bytes',
        title: `idle connection, one end (${count} held)`,
        unit: 'bytes',
        lowerIsBetter: true,
        goals: [{ at: 2048 }, { at: 1024 }],
      },
      {
        id: 'cpu',
        title: `CPU of ${count} idle connections`,
        unit: '%',
        lowerIsBetter: true,
        goals: share,
      },
      {
        id: 'opening',
        title: `time to open ${count} connections`,
        unit: 's',
        lowerIsBetter: true,
        goals: within,
      },
    ],
    subjects: beside('idle', { warmUp: 0, seconds }, { connections }),
  };
}

export function benches(): Bench[] {
  const many = bench(100_000, 2, [{ at: 2 }], [{ at: 10 }, { at: 4 }]);
  // No process here may have the 200,000 descriptors that the others would need.
  const { glasstack } = many.subjects;
  return [bench(10_000, 5, [], []), { ...many, subjects: glasstack === undefined ? {} : { glasstack } }];
}
