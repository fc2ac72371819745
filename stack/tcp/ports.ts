import type { Range } from '../settings.ts';
import type { IpAddress } from '../wire/address.ts';
import type { Endpoint } from './events.ts';
import type { Secrets } from './isn.ts';

/** Counters of the double-hash algorithm: more of them reveal less to a peer about the others' connections [RFC 6056 3.3.4]. */
const COUNTERS = 256;

/** Chooses ephemeral ports: double-hash port selection [RFC 6056 3.3.4]. */
export class EphemeralPorts {
  readonly #range: Range;
  readonly #secrets: Secrets;
  readonly #counters: Uint32Array = new Uint32Array(COUNTERS);

  constructor(range: Range, secrets: Secrets) {
    this.#range = range;
    this.#secrets = secrets;
  }

  /** A port towards `remote` that `isFree` accepts; undefined if all are taken. */
  choose(local: IpAddress, remote: Endpoint, isFree: (port: number) => boolean): number | undefined {
    const { from, to } = this.#range;
    const count = to - from + 1;
    const offset = this.#secrets.portOffset(local, remote);
    const index = this.#secrets.tableHash(local, remote.address, remote.port) % COUNTERS;
    for (let tries = 0; tries < count; tries++) {
      const counter = this.#counters[index] ?? 0;
      this.#counters[index] = counter + 1;
      const port = from + ((offset + counter) % count);
      if (isFree(port)) return port;
    }
    return undefined;
  }
}
