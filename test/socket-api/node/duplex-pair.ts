import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { dropWhen, type FaultRule } from '../../../sim/rules.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { connectDuplex, type TcpDuplex } from '../../../socket-api/node/duplex.ts';
import type { TcpDuplexOptions } from '../../../socket-api/node/duplex-options.ts';
import { type DuplexServer, listenDuplex } from '../../../socket-api/node/duplex-server.ts';
import { Host } from '../../../stack/host.ts';
import { after, type Instant, ms, type Duration } from '../../../stack/time.ts';
import { ipv4 } from '../../../stack/wire/address.ts';

export const CLIENT = '10.0.0.1';
export const SERVER = '10.0.0.2';
export const PORT = 9000;

/** Two hosts, `C` and `S`, 10 ms apart. */
export class DuplexPair {
  readonly clock: VirtualClock = new VirtualClock();
  readonly client: Host;
  readonly server: Host;
  /** Segments with RST, as they left. */
  readonly resets: string[] = [];
  /** Everything is lost until it is lifted. */
  readonly cut: FaultRule;
  #isCut: boolean = false;

  constructor(delay: Duration = ms(10)) {
    const host = (name: string): Host =>
      new Host({
        name,
        scheduler: this.clock,
        random: seededRandom(1, name),
        tracer: (event) => {
          if (event.type === 'segment' && event.direction === 'out' && event.header.rst)
            this.resets.push(name);
        },
      });
    this.client = host('C');
    this.server = host('S');
    this.cut = dropWhen('cut', () => this.#isCut);
    const [left, right] = wire(this.clock, { delay, onFrame: (frame) => this.cut.judge(frame) });
    this.client.addInterface(left, [{ address: ipv4(10, 0, 0, 1), prefixLength: 24 }]);
    this.server.addInterface(right, [{ address: ipv4(10, 0, 0, 2), prefixLength: 24 }]);
  }

  cutTheWire(): void {
    this.#isCut = true;
  }

  /** Lets virtual time pass, with Node's streams and promises in step. */
  async run(milliseconds: number = 500): Promise<void> {
    const until = after(this.clock.now(), ms(milliseconds)) as Instant;
    for (;;) {
      await settled();
      if (this.clock.pending === 0 || this.clock.nextEvent > until) break;
      this.clock.step();
    }
    if (this.clock.now() < until) this.clock.advanceTo(until);
    await settled();
  }

  /** Runs until `promise` settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => void (done = true);
    promise.then(mark, mark);
    for (;;) {
      await settled();
      if (done) return promise;
      if (!this.clock.step()) throw new Error('nothing left to happen');
    }
  }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Both ends of a connection, and what they said in order: `C.connect`, `S.data hello` … */
export interface Connected {
  readonly pair: DuplexPair;
  readonly client: TcpDuplex;
  readonly server: TcpDuplex;
  readonly listener: DuplexServer;
  readonly log: string[];
}

export interface ConnectedOptions {
  readonly client?: TcpDuplexOptions;
  readonly server?: TcpDuplexOptions;
  /** Nobody reads, unless the test does; else `data` is logged. */
  readonly unread?: boolean;
}

export async function connected(options: ConnectedOptions = {}): Promise<Connected> {
  const pair = new DuplexPair();
  const log: string[] = [];
  const unread = options.unread ?? false;
  const accepted = new Promise<TcpDuplex>((resolve) => {
    const given = { port: PORT, host: SERVER, ...options.server };
    listenerOf.set(
      pair,
      listenDuplex(pair.server, given, (duplex) => {
        listen(duplex, 'S', log, unread);
        resolve(duplex);
      }),
    );
  });
  const client = connectDuplex(pair.client, { host: SERVER, port: PORT }, options.client);
  listen(client, 'C', log, unread);
  const server = await pair.until(accepted);
  await pair.run(50);
  const listener = listenerOf.get(pair);
  if (listener === undefined) throw new Error('no listener');
  return { pair, client, server, listener, log };
}

const listenerOf: WeakMap<DuplexPair, DuplexServer> = new WeakMap();

/** Logs what `duplex` emits. */
export function listen(duplex: TcpDuplex, name: string, log: string[], unread: boolean = false): void {
  for (const event of ['connect', 'ready', 'timeout', 'end', 'finish', 'drain'])
    duplex.on(event, () => log.push(`${name}.${event}`));
  if (!unread) duplex.on('data', (chunk: Buffer) => log.push(`${name}.data ${chunk.toString()}`));
  duplex.on('error', (error: NodeJS.ErrnoException) => log.push(`${name}.error ${error.code}`));
  duplex.on('close', (hadError: boolean) => log.push(`${name}.close ${hadError}`));
}
