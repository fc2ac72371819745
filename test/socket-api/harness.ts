import { wire } from '../../device/wire.ts';
import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { type Runtime, bareRuntime } from '../../socket-api/runtime.ts';
import { createSocketApi } from '../../socket-api/socket-api.ts';
import type {
  BinaryType,
  Socket,
  SocketApi,
  SocketHandler,
  TCPSocketConnectOptions,
  TCPSocketListenOptions,
  TCPSocketListener,
} from '../../socket-api/types.ts';
import { Host } from '../../stack/host.ts';
import { type SettingsChanges, settings } from '../../stack/settings.ts';
import { type Duration, after, ms } from '../../stack/time.ts';
import type { SegmentEvent } from '../../stack/trace.ts';
import { parseAddress } from '../../stack/wire/address.ts';

export const CLIENT = '10.0.0.1';
export const SERVER = '10.0.0.2';
export const PORT = 9000;
/** One way from host to host. */
export const DELAY: Duration = ms(10);

type Handler = SocketHandler<unknown, BinaryType>;

/** What a test says: handlers that run after the callback was logged; null takes the handler away altogether. */
export type Script = { [Name in keyof Handler]?: Handler[Name] | null };

export interface PairOptions {
  readonly client?: SettingsChanges;
  readonly server?: SettingsChanges;
  readonly runtime?: Partial<Runtime>;
}

/** Two hosts, each with the API, on one wire and virtual time. */
export interface Pair {
  readonly clock: VirtualClock;
  readonly hosts: { readonly client: Host; readonly server: Host };
  readonly C: SocketApi;
  readonly S: SocketApi;
  /** Callbacks as they came: `C.open`, `S.data hello`, `C.close ECONNRESET` … */
  readonly log: string[];
  /** The same with milliseconds in front: `20 C.open`. */
  readonly timed: string[];
  /** Segments as they left: `C→S SYN`, `S→C SYN ACK`, `C→S 5 bytes`, `C→S 3 bytes FIN`, `S→C RST`. */
  readonly segments: string[];
  /** The same with milliseconds in front. */
  readonly timedSegments: string[];
  /** Errors that nobody took. */
  readonly uncaught: unknown[];
  /** Handlers that log, and then do what the script says. */
  handlers(name: string, script?: Script): SocketHandler<unknown>;
  /** From now on the wire loses everything. */
  cut(): void;
  /** Lets so many milliseconds pass (500), and the promises settle. */
  run(milliseconds?: number): Promise<void>;
  /** Segments since the last call of this, without those that are nothing but an ACK. */
  sent(): string[];
  /** Callbacks since the last call of this. */
  called(): string[];
}

/** Two hosts, `C` at 10.0.0.1 and `S` at 10.0.0.2. */
export function pair(options: PairOptions = {}): Pair {
  const clock = new VirtualClock();
  const log: string[] = [];
  const timed: string[] = [];
  const segments: string[] = [];
  const timedSegments: string[] = [];
  const uncaught: unknown[] = [];
  const runtime: Runtime = { ...bareRuntime, uncaught: (error) => uncaught.push(error), ...options.runtime };
  const host = (name: string, changes: SettingsChanges | undefined): Host =>
    new Host({
      name,
      scheduler: clock,
      random: seededRandom(1, name),
      settings: settings(changes),
      tracer: (event) => {
        if (event.type !== 'segment' || event.direction !== 'out') return;
        const text = `${name}→${name === 'C' ? 'S' : 'C'} ${segmentText(event)}`;
        segments.push(text);
        timedSegments.push(`${event.at / 1000} ${text}`);
      },
    });
  const hosts = { client: host('C', options.client), server: host('S', options.server) };
  let isCut = false;
  const [left, right] = wire(clock, { delay: DELAY, onFrame: () => (isCut ? 'drop' : 'pass') });
  hosts.client.addInterface(left, [{ address: address(CLIENT), prefixLength: 24 }]);
  hosts.server.addInterface(right, [{ address: address(SERVER), prefixLength: 24 }]);

  const note = (what: string): void => {
    log.push(what);
    timed.push(`${clock.now() / 1000} ${what}`);
  };
  let segmentsSeen = 0;
  let callsSeen = 0;
  return {
    clock,
    hosts,
    C: createSocketApi(hosts.client, runtime),
    S: createSocketApi(hosts.server, runtime),
    log,
    timed,
    segments,
    timedSegments,
    uncaught,
    handlers: (name, script = {}) => loggingHandlers(name, script, note),
    cut() {
      isCut = true;
    },
    async run(milliseconds = 500) {
      clock.advanceTo(after(clock.now(), ms(milliseconds)));
      await settled();
    },
    sent() {
      const fresh = segments.slice(segmentsSeen);
      segmentsSeen = segments.length;
      return fresh.filter((text) => !text.endsWith(' ACK') || text.endsWith('SYN ACK'));
    },
    called() {
      const fresh = log.slice(callsSeen);
      callsSeen = log.length;
      return fresh;
    },
  };
}

/** Microtasks, and the turn in which Node reports unhandled rejections. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function address(text: string) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

function segmentText({ header, length }: SegmentEvent): string {
  const words = [];
  if (length > 0) words.push(length === 1 ? '1 byte' : `${length} bytes`);
  if (header.syn) words.push('SYN');
  if (header.fin) words.push('FIN');
  if (header.rst) words.push('RST');
  if (header.ack !== undefined && (words.length === 0 || header.syn)) words.push('ACK');
  return words.join(' ');
}

function loggingHandlers(name: string, script: Script, note: (what: string) => void): SocketHandler<unknown> {
  const handlers: { [name: string]: unknown } = {};
  const log = (event: string, text: (argument: unknown) => string): void => {
    const then = script[event as keyof Script] as ((...all: unknown[]) => unknown) | null | undefined;
    if (then === null) return;
    handlers[event] = (...all: unknown[]) => {
      note(`${name}.${event}${text(all[1])}`);
      return then?.(...all);
    };
  };
  for (const event of ['open', 'drain', 'end', 'timeout']) log(event, () => '');
  log('data', (chunk) => ` ${chunkText(chunk)}`);
  for (const event of ['close', 'error', 'connectError']) log(event, errorText);
  if (script.binaryType !== undefined) handlers['binaryType'] = script.binaryType;
  return handlers as SocketHandler<unknown>;
}

function chunkText(chunk: unknown): string {
  const bytes = chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : (chunk as Uint8Array);
  return bytes.length > 40 ? `${bytes.length} bytes` : new TextDecoder().decode(bytes);
}

function errorText(error: unknown): string {
  if (error === undefined) return '';
  if (error instanceof Error && 'code' in error) return ` ${String(error.code)}`;
  return ` ${error instanceof Error ? error.message : String(error)}`;
}

/** A pair with one connection on it, both sockets open, and nothing unread in `called` and `sent`. */
export interface Connected extends Pair {
  readonly client: Socket<unknown>;
  readonly server: Socket<unknown>;
  readonly listener: TCPSocketListener<unknown>;
}

export interface ConnectedOptions extends PairOptions {
  readonly clientScript?: Script;
  readonly serverScript?: Script;
  readonly connect?: Partial<TCPSocketConnectOptions<unknown>>;
  readonly listen?: Partial<TCPSocketListenOptions<unknown>>;
}

/** Connects C to S. */
export async function connected(options: ConnectedOptions = {}): Promise<Connected> {
  const net = pair(options);
  let server: Socket<unknown> | undefined;
  const script: Script = {
    ...options.serverScript,
    open(socket) {
      server = socket;
      return options.serverScript?.open?.(socket);
    },
  };
  const listener = net.S.listen<unknown>({
    hostname: SERVER,
    port: PORT,
    ...options.listen,
    socket: net.handlers('S', script),
  });
  const connecting = net.C.connect<unknown>({
    hostname: SERVER,
    port: PORT,
    ...options.connect,
    socket: net.handlers('C', options.clientScript),
  });
  await net.run(100);
  const client = await connecting;
  if (server === undefined) throw new Error(`no server socket: ${net.segments.join(', ')}`);
  net.called();
  net.sent();
  return { ...net, client, server, listener };
}
