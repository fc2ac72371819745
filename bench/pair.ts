import { wire } from '../device/wire.ts';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { systemRandom } from '../socket-api/node/random.ts';
import { Host } from '../stack/host.ts';
import { NO_OFFLOADS } from '../stack/link/device.ts';
import { settings } from '../stack/settings.ts';
import type { TcpConnection } from '../stack/tcp/connection.ts';
import type { ConnectionEvent, Endpoint } from '../stack/tcp/events.ts';
import { type IpAddress, parseAddress } from '../stack/wire/address.ts';

/** What a connection's events go to. */
export type OnEvent = (event: ConnectionEvent, connection: TcpConnection) => void;

/** Two hosts in this thread, with an in-memory wire of MTU 1500 between them, on the system's clock. */
export class Pair {
  readonly client: Host;
  readonly server: Host;

  /** `offload`: the wire carries super-segments, and checksums are left to it. */
  constructor(offload: boolean) {
    const scheduler = new SystemScheduler();
    const offloads = offload ? { checksum: true, tso4: true, tso6: false } : NO_OFFLOADS;
    const [left, right] = wire(scheduler, { mtu: 1500, offloads });
    const common = { scheduler, random: systemRandom(), settings: settings({ profile: 'linux' }) };
    this.client = new Host({ name: 'client', ...common });
    this.server = new Host({ name: 'server', ...common });
    this.client.addInterface(left, [{ address: address('10.0.0.1'), prefixLength: 24 }]);
    this.server.addInterface(right, [{ address: address('10.0.0.2'), prefixLength: 24 }]);
    this.client.holds.retain();
    this.server.holds.retain();
  }

  /** Opens a connection to `port` of the server. */
  connect(port: number, onEvent: OnEvent): TcpConnection {
    const remote: Endpoint = { address: address('10.0.0.2'), port };
    const connection = this.client.tcp.connect(
      { remote },
      { connectionEvent: (event) => onEvent(event, connection) },
    );
    return connection;
  }

  close(): void {
    this.client.close();
    this.server.close();
  }
}

/** Accepts every connection to `port` of `host`; `onEvent` is called once with `established` for each. */
export function serve(host: Host, port: number, onEvent: OnEvent): void {
  const listener = host.tcp.listen(
    { port, backlog: 1024 },
    {
      connectionReady(): void {
        let accepted: TcpConnection | undefined;
        do {
          const connection: TcpConnection | undefined = listener.accept({
            connectionEvent(event) {
              if (connection !== undefined) onEvent(event, connection);
            },
          });
          accepted = connection;
        } while (accepted !== undefined);
      },
    },
  );
}

/** Reads all that has come; returns how many bytes. */
export function readAll(connection: TcpConnection, each?: (bytes: Uint8Array) => void): number {
  let count = 0;
  for (let bytes = connection.receive(); bytes !== undefined; bytes = connection.receive()) {
    count += bytes.length;
    each?.(bytes);
  }
  return count;
}

/** Bytes offered at a time. */
export const CHUNK: number = 256 * 1024;

export function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`'${text}' is not an address`);
  return parsed;
}
