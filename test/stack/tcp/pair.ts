/** Two hosts on a wire that loses what it is told to, and programs that send each other bytes. */
import { wire } from '../../../device/wire.ts';
import type { FrameRule } from '../../../device/layers/frame-rule.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { Host } from '../../../stack/host.ts';
import { type SettingsChanges, settings } from '../../../stack/settings.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import type { ConnectionEvent } from '../../../stack/tcp/events.ts';
import { type Duration, type Instant, after, ms, seconds } from '../../../stack/time.ts';
import type { TraceEvent, Tracer } from '../../../stack/trace.ts';
import { Watch, ladder } from './watch.ts';
import { HOST, PEER, stream, streamByte } from './words.ts';

export interface PairOptions {
  readonly seed?: number;
  /** One way. */
  readonly delay?: Duration;
  readonly mtu?: number;
  readonly onFrame?: FrameRule;
  readonly client?: SettingsChanges;
  readonly server?: SettingsChanges;
  /** Reads the traces of both, in the order in which things happen. */
  readonly tracer?: Tracer;
}

/** A program with a connection: sends so many bytes of the stream, checks those that come, closes when it has sent all. */
export class Program {
  readonly told: string[] = [];
  connection: TcpConnection | undefined;
  received: number = 0;
  #sent: number = 0;
  #toSend: number;
  /** Sends only after this many bytes have come. */
  readonly #after: number;

  constructor(toSend: number, afterReceiving: number = 0) {
    this.#toSend = toSend;
    this.#after = afterReceiving;
  }

  connectionEvent(event: ConnectionEvent): void {
    const reason = event.type === 'closed' && event.reason !== undefined ? ` ${event.reason}` : '';
    this.told.push(`${event.type}${reason}`);
    if (event.type === 'readable' || event.type === 'end' || event.type === 'closed') this.#read();
    this.#write();
  }

  #read(): void {
    for (let bytes = this.connection?.receive(); bytes !== undefined; bytes = this.connection?.receive()) {
      for (const byte of bytes) {
        if (byte !== streamByte(this.received)) throw new Error(`byte ${this.received} came as another`);
        this.received += 1;
      }
    }
  }

  #write(): void {
    const { connection } = this;
    if (connection === undefined || this.received < this.#after) return;
    while (this.#sent < this.#toSend) {
      const chunk = stream(this.#sent, Math.min(1_500, this.#toSend - this.#sent));
      const took = connection.send(chunk);
      this.#sent += took;
      if (took < chunk.length) return;
    }
    connection.shutdown();
  }
}

/** Two hosts on one wire. */
export class Pair {
  readonly clock: VirtualClock = new VirtualClock();
  readonly client: Host;
  readonly server: Host;
  readonly watches: readonly [Watch, Watch];
  readonly events: TraceEvent[] = [];
  readonly seed: number;

  constructor(options: PairOptions = {}) {
    const { seed = 1, delay = ms(10), mtu = 1500 } = options;
    this.seed = seed;
    const rule = options.onFrame === undefined ? {} : { onFrame: options.onFrame };
    const [left, right] = wire(this.clock, { delay, mtu, ...rule });
    const clientWatch = new Watch(() => this.client, mtu, 0);
    const serverWatch = new Watch(() => this.server, mtu, 0);
    this.watches = [clientWatch, serverWatch];
    const host = (name: string, watch: Watch, changes: SettingsChanges | undefined): Host =>
      new Host({
        name,
        scheduler: this.clock,
        random: seededRandom(seed, name),
        settings: settings(changes),
        tracer: (event) => {
          if (this.events.length < 2_000 && event.type !== 'frame') this.events.push(event);
          options.tracer?.(event);
          watch.see(event);
        },
      });
    this.client = host('client', clientWatch, options.client);
    this.server = host('server', serverWatch, options.server);
    this.client.addInterface(left, [{ address: HOST, prefixLength: 24 }]);
    this.server.addInterface(right, [{ address: PEER, prefixLength: 24 }]);
  }

  /** A connection from `client` to `server`, port 80, between two programs. */
  connect(client: Program, server: Program): this {
    const listener = this.server.tcp.listen(
      { port: 80 },
      {
        connectionReady: () => {
          server.connection = listener.accept(server);
        },
      },
    );
    client.connection = this.client.tcp.connect({ remote: { address: PEER, port: 80 } }, client);
    return this;
  }

  /** Runs for so long, with all invariants checked after each event. */
  run(time: Duration): this {
    const until = after(this.clock.now(), time);
    while (this.clock.nextEvent <= until) {
      this.clock.step();
      for (const watch of this.watches) watch.check();
    }
    this.clock.advanceTo(until);
    return this;
  }

  /** Runs until nothing is left to be done; throws if that takes longer than `limit`. */
  finish(limit: Duration = seconds(3_600)): Instant {
    for (let steps = 0; this.client.tcp.size > 0 || this.server.tcp.size > 0; steps++) {
      if (steps > 100_000) throw new Error('taken for an endless loop');
      if (!this.clock.step()) throw new Error('nothing happens any more, and connections are left');
      for (const watch of this.watches) watch.check();
      if (this.clock.now() > limit) throw new Error(`not over after ${limit} µs`);
    }
    return this.clock.now();
  }

  /** Runs `what`; if it throws, the error tells the seed and draws the ladder. */
  explain(name: string, what: () => void): void {
    try {
      what();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${name}, seed ${this.seed}: ${reason}\n${ladder(this.events)}`, { cause: error });
    }
  }
}

/** Both got all the other one sent, and both were told of an end without a fault. */
export function expectComplete(
  pair: Pair,
  [client, up]: [Program, number],
  [server, down]: [Program, number],
): void {
  const problems: string[] = [];
  if (server.received !== up) problems.push(`the server got ${server.received} of ${up} bytes`);
  if (client.received !== down) problems.push(`the client got ${client.received} of ${down} bytes`);
  for (const { told } of [client, server]) {
    if (told.at(-1) !== 'closed' || !told.includes('end')) problems.push(`told: ${told.join(', ')}`);
  }
  if (pair.client.tcp.size + pair.server.tcp.size > 0) problems.push('a connection is left');
  if (problems.length > 0) throw new Error(problems.join('; '));
}
