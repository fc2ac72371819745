import { createWriteStream, fstatSync } from 'node:fs';
import { Socket as NodeSocket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Socket, SocketHandler } from '../socket-api/types.ts';
import { CliError, reportUncaught } from './failure.ts';
import { describeNetwork, openReadyNetwork } from './network.ts';
import { integer, type NetworkOptions } from './network-options.ts';
import { endOnSignals } from './teardown.ts';
import { watch } from './watch.ts';

/** What `glasstack nc` takes. */
export interface NcOptions extends NetworkOptions {
  readonly listen?: true;
}

/** Stdin to the socket, the socket to stdout; the end of stdin is our FIN. Ends with the connection. */
export async function nc(host: string, port: string | undefined, options: NcOptions): Promise<void> {
  if (options.listen !== true && port === undefined) throw new CliError('Which port? glasstack nc HOST PORT');
  if (options.wire === true) throw new CliError('nc needs somebody to talk to: it works over TUN only.');
  const number = parsePort(port ?? host);
  reportUncaught();
  endOnSignals();
  const network = await openReadyNetwork(options, watch(options));
  const { stack } = network;
  const handlers = new Pipe(process.stdin, standardOutput()).handlers;
  const shared = { allowHalfOpen: true, distinctErrors: true };
  if (options.listen !== true) {
    await stack.connect({ hostname: host, port: number, ...shared, socket: handlers });
    return;
  }
  process.stderr.write(`glasstack: listening on port ${number} of ${describeNetwork(network)}\n`);
  const hostname = port === undefined ? '0.0.0.0' : host;
  const listener = stack.listen({
    hostname,
    port: number,
    ...shared,
    socket: {
      ...handlers,
      open: (socket) => {
        listener.stop();
        handlers.open?.(socket);
      },
    },
  });
}

function parsePort(text: string): number {
  try {
    return integer(1, 65_535)(text);
  } catch {
    throw new CliError(`'${text}' is no port: it must be a whole number from 1 to 65535.`);
  }
}

/** Not process.stdout, which may block on a slow reader, and the host with it. */
function standardOutput(): Writable {
  const kind = fstatSync(1);
  if (kind.isFIFO() || kind.isSocket()) return new NodeSocket({ fd: 1, readable: false, writable: true });
  return createWriteStream('', { fd: 1 });
}

/** A socket between two streams, with backpressure both ways. */
class Pipe {
  readonly #input: NodeJS.ReadStream;
  readonly #output: Writable;
  #unsent: Uint8Array | undefined;
  #inputEnded: boolean = false;

  constructor(input: NodeJS.ReadStream, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  get handlers(): SocketHandler<undefined> {
    return {
      open: (socket) => this.#begin(socket),
      data: (socket, chunk) => {
        if (!this.#output.write(chunk)) socket.pause();
      },
      drain: (socket) => this.#send(socket),
      end: (socket) => {
        if (this.#input.isTTY) socket.end(); // a person is not asked to press Ctrl-D for nobody
      },
      close: (_socket, error) => this.#finish(error),
    };
  }

  #begin(socket: Socket<undefined>): void {
    this.#output.on('drain', () => socket.resume());
    this.#output.on('error', () => socket.terminate());
    this.#input.on('data', (chunk: Uint8Array) => {
      this.#unsent = chunk;
      this.#send(socket);
    });
    this.#input.on('end', () => {
      this.#inputEnded = true;
      if (this.#unsent === undefined) socket.end();
    });
  }

  /** Goes on reading once the socket has taken all. */
  #send(socket: Socket<undefined>): void {
    const chunk = this.#unsent;
    if (chunk === undefined) return;
    const taken = socket.write(chunk);
    this.#unsent = taken < chunk.length ? chunk.subarray(Math.max(0, taken)) : undefined;
    if (this.#unsent !== undefined) this.#input.pause();
    else if (this.#inputEnded) socket.end();
    else this.#input.resume();
  }

  #finish(error: Error | undefined): void {
    this.#output.end(() => {
      if (error !== undefined) process.stderr.write(`glasstack: ${error.message}\n`);
      process.exit(error === undefined ? 0 : 1);
    });
  }
}
