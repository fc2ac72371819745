import type { IpAddress } from '../wire/address.ts';
import { sameAddress } from '../wire/address.ts';
import type { TcpConnection } from './connection.ts';
import type { Secrets } from './isn.ts';

/**
 * Finds the connection of a segment by its two addresses and ports: an open-addressed table of hashes with a keyed hash, so that nobody
 * can choose ports that collide (attacks.md J2), and a one-entry memory, since segments come in trains.
 */
export class Demux {
  readonly #secrets: Secrets;
  #hashes: Uint32Array = new Uint32Array(64);
  #slots: (TcpConnection | undefined)[] = Array.from({ length: 64 });
  #size: number = 0;
  /** Slots that are used or were (a removed entry must not end a search). */
  #used: number = 0;
  #last: TcpConnection | undefined;
  /** Elements touched so far: for tests of growth. */
  steps: number = 0;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** Connections in the table. */
  get size(): number {
    return this.#size;
  }

  /** All of them. */
  *connections(): Iterable<TcpConnection> {
    for (const slot of this.#slots) if (slot !== undefined) yield slot;
  }

  /** The connection between the two ends; undefined if there is none. */
  find(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): TcpConnection | undefined {
    if (this.#last !== undefined && matches(this.#last, local, localPort, remote, remotePort))
      return this.#last;
    const hash = this.#hash(local, localPort, remote, remotePort);
    const mask = this.#hashes.length - 1;
    for (let index = hash & mask; this.#hashes[index] !== 0; index = (index + 1) & mask) {
      this.steps += 1;
      if (this.#hashes[index] !== hash) continue;
      const found = this.#slots[index];
      if (found === undefined || !matches(found, local, localPort, remote, remotePort)) continue;
      this.#last = found;
      return found;
    }
    return undefined;
  }

  /** Adds a connection that is not there yet. */
  add(connection: TcpConnection): void {
    if ((this.#used + 1) * 2 > this.#hashes.length) this.#rebuild();
    this.#place(connection, this.#hashOf(connection));
    this.#size += 1;
  }

  /** Removes a connection; fine if it is not there. */
  remove(connection: TcpConnection): void {
    if (this.#last === connection) this.#last = undefined;
    const hash = this.#hashOf(connection);
    const mask = this.#hashes.length - 1;
    for (let index = hash & mask; this.#hashes[index] !== 0; index = (index + 1) & mask) {
      if (this.#slots[index] !== connection) continue;
      this.#slots[index] = undefined; // its hash stays, so that searches go on behind it
      this.#size -= 1;
      return;
    }
  }

  #place(connection: TcpConnection, hash: number): void {
    const mask = this.#hashes.length - 1;
    let index = hash & mask;
    while (this.#hashes[index] !== 0) index = (index + 1) & mask;
    this.#hashes[index] = hash;
    this.#slots[index] = connection;
    this.#used += 1;
  }

  /** A table with room again, without what was removed. */
  #rebuild(): void {
    const old = this.#slots;
    const length = Math.max(64, 2 ** Math.ceil(Math.log2((this.#size + 1) * 4)));
    this.#hashes = new Uint32Array(length);
    this.#slots = Array.from({ length });
    this.#used = 0;
    for (const connection of old)
      if (connection !== undefined) this.#place(connection, this.#hashOf(connection));
  }

  #hashOf(connection: TcpConnection): number {
    const { local, remote } = connection;
    return this.#hash(local.address, local.port, remote.address, remote.port);
  }

  /** 0 marks a slot that was never used. */
  #hash(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    const hash = this.#secrets.tableHash(local, remote, ((localPort << 16) | remotePort) >>> 0);
    return hash === 0 ? 1 : hash;
  }
}

function matches(
  connection: TcpConnection,
  local: IpAddress,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
): boolean {
  return (
    connection.remote.port === remotePort &&
    connection.local.port === localPort &&
    sameAddress(connection.remote.address, remote) &&
    sameAddress(connection.local.address, local)
  );
}
