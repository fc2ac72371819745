import type { IpAddress } from '../../stack/wire/address.ts';
import { parseAddress } from '../../stack/wire/address.ts';

/** The addresses of a name, best first; rejects if there is none. */
export type Lookup = (name: string) => Promise<readonly IpAddress[]>;

/** How a `TcpDuplex` is made. */
export interface TcpDuplexOptions {
  /** True: the peer's FIN does not end our side. Default false, as in Node. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Both directions' high-water mark; Node's by default. */
  readonly highWaterMark?: number | undefined;
  /** Who resolves names; by default the host's DNS servers, or the system's resolver if it has none. In a simulated world: `lookupTable`. */
  readonly lookup?: Lookup | undefined;
  /** Nagle's algorithm off from the start. */
  readonly noDelay?: boolean | undefined;
  /** Accepted on `::`: IPv4 addresses read `::ffff:a.b.c.d`. */
  readonly mapped?: boolean | undefined;
}

/** Where to connect to. */
export interface DuplexConnectOptions {
  readonly port: number | string;
  /** An address or a name; `localhost` by default. */
  readonly host?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** A name's addresses are tried beside each other [RFC 8305], as in Node; true by default. */
  readonly autoSelectFamily?: boolean | undefined;
}

/** A settled form of it. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number | undefined;
  readonly happyEyeballs: boolean;
}

/** The arguments of `connect`: `(options, listener)`, `(port, host, listener)`, `(port, listener)`. Throws as Node does. */
export function connectArguments(given: readonly unknown[]): {
  readonly destination: Destination;
  readonly listener: (() => void) | undefined;
} {
  const last = given.at(-1);
  const listener = typeof last === 'function' ? (last as () => void) : undefined;
  const first = given[0];
  const second = given[1];
  const options: { readonly [name: string]: unknown } =
    typeof first === 'object' && first !== null
      ? { ...first }
      : { port: first, host: typeof second === 'string' ? second : undefined };
  if (options['path'] !== undefined && options['port'] === undefined)
    throw new TypeError('Unix sockets do not exist on a userspace TCP/IP stack');
  const host = options['host'] ?? 'localhost';
  if (typeof host !== 'string') throw argumentError('The "options.host" property must be of type string');
  const happyEyeballs = options['autoSelectFamily'] !== false;
  const destination = { host, port: portOf(options['port']), ...localOf(options), happyEyeballs };
  return { destination, listener };
}

function localOf(options: {
  readonly [name: string]: unknown;
}): Pick<Destination, 'localAddress' | 'localPort'> {
  const { localAddress, localPort } = options;
  const address = typeof localAddress === 'string' ? parseAddress(localAddress) : undefined;
  if (typeof localAddress === 'string' && address === undefined)
    throw argumentError(`Invalid IP address: ${localAddress}`);
  return { localAddress: address, localPort: localPort === undefined ? undefined : portOf(localPort) };
}

function portOf(given: unknown): number {
  const port = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const message = `Port should be >= 0 and < 65536. Received ${String(given)}.`;
  throw Object.assign(new RangeError(message), { code: 'ERR_SOCKET_BAD_PORT' });
}

/** TypeError `ERR_INVALID_ARG_TYPE`. */
export function argumentError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** The milliseconds of `setTimeout`, checked as Node checks them. */
export function idleMilliseconds(given: unknown): number {
  if (typeof given !== 'number') throw argumentError('The "msecs" argument must be of type number');
  if (given >= 0 && Number.isFinite(given)) return given;
  const message = `The value of "msecs" is out of range. It must be a non-negative finite number. Received ${given}`;
  throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/**
 * Names of a simulated world: `lookupTable({ redis: '10.0.0.2' })`.
 * @throws TypeError if an address makes no sense
 */
export function lookupTable(names: Readonly<Record<string, string>>): Lookup {
  const table = new Map<string, IpAddress>();
  for (const [name, text] of Object.entries(names)) {
    const address = parseAddress(text);
    if (address === undefined) throw new TypeError(`'${text}' is no address for ${name}`);
    table.set(name, address);
  }
  return async (name) => {
    const found = table.get(name);
    if (found !== undefined) return [found];
    throw Object.assign(new Error(`the world has no host ${name}`), { code: 'ENOTFOUND' });
  };
}
