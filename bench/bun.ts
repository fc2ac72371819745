/** The rows in memory with Bun's own sockets over loopback: `bun bun.js BENCH/bun OPTIONS`. Stands alone: Bun runs it. */
import type { Figures, MeasureOptions } from './bench.ts';
import { Meter } from './meter.ts';

interface Socket {
  write(bytes: Uint8Array): number;
  end(): void;
  terminate(): void;
}

interface Handlers {
  open?(socket: Socket): void;
  data(socket: Socket, bytes: Uint8Array): void;
  drain?(socket: Socket): void;
  close?(socket: Socket): void;
}

interface BunSockets {
  listen(options: { hostname: string; port: number; socket: Handlers }): { readonly port: number };
  connect(options: { hostname: string; port: number; socket: Handlers }): Promise<Socket>;
}

const { Bun } = globalThis as unknown as { Bun: BunSockets };
const hostname = '127.0.0.1';

function bulk(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const chunk = new Uint8Array(256 * 1024).fill(65);
  const pump = (socket: Socket): void => {
    while (socket.write(chunk) === chunk.length);
  };
  return new Promise((done) => {
    const { port } = Bun.listen({
      hostname,
      port: 0,
      socket: {
        data(_, bytes) {
          if (meter.add(bytes.length)) done({ throughput: meter.gigabits });
        },
      },
    });
    void Bun.connect({ hostname, port, socket: { open: pump, drain: pump, data: () => undefined } });
  });
}

function echoServer(): number {
  return Bun.listen({
    hostname,
    port: 0,
    socket: { data: (socket, bytes) => void socket.write(bytes) },
  }).port;
}

function connections(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const port = echoServer();
  const octet = new Uint8Array([65]);
  return new Promise((done) => {
    const next = (): void => {
      void Bun.connect({
        hostname,
        port,
        socket: {
          open: (socket) => void socket.write(octet),
          data: (socket) => socket.end(),
          close() {
            if (meter.add(1)) done({ connections: meter.rate });
            else next();
          },
        },
      });
    };
    for (let each = 0; each < 16; each++) next();
  });
}

function pingPong(options: MeasureOptions): Promise<Figures> {
  const meter = new Meter(options.warmUp, options.seconds);
  const port = echoServer();
  const message = new Uint8Array(64).fill(65);
  return new Promise((done) => {
    void Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => void socket.write(message),
        data(socket) {
          if (meter.add(1)) done({ roundTrips: meter.rate });
          else socket.write(message);
        },
      },
    });
  });
}

/** What Bun's heap holds is not to be had; only time and CPU. */
async function idle(options: MeasureOptions): Promise<Figures> {
  const wanted = Math.min(options.connections ?? 10_000, 9_000); // two descriptors each
  const port = echoServer();
  const begun = performance.now();
  const held: Socket[] = [];
  while (held.length < wanted) {
    const some = Array.from({ length: Math.min(256, wanted - held.length) }, () =>
      Bun.connect({ hostname, port, socket: { data: () => undefined } }),
    );
    held.push(...(await Promise.all(some)));
  }
  const opening = (performance.now() - begun) / 1000;
  const usage = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
  const { user, system } = process.cpuUsage(usage);
  return { opening, cpu: (user + system) / options.seconds / 10_000 };
}

const measures: Readonly<Record<string, (options: MeasureOptions) => Promise<Figures>>> = {
  'bulk/bun': bulk,
  'connections/bun': connections,
  'ping-pong/bun': pingPong,
  'idle/bun': idle,
};

const [name = '', options = '{}'] = process.argv.slice(2);
const measure = measures[name];
if (measure === undefined) throw new Error(`there is no measurement '${name}'`);
console.log(JSON.stringify(await measure(JSON.parse(options) as MeasureOptions)));
process.exit(0);
