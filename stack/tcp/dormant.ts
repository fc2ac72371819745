import type { HostContext } from '../context.ts';
import { reached } from '../counters.ts';
import type { Instant } from '../time.ts';
import type { IpAddress } from '../wire/address.ts';
import type { TcpConnection } from './connection.ts';
import { startTimeWait } from './closing.ts';
import type { Demux } from './demux.ts';
import type { Endpoint } from './events.ts';
import {
  HALF_OPEN_LISTENER,
  RECORD_ID,
  fitsHalfOpenRecord,
  readHalfOpen,
  writeHalfOpen,
} from './half-open.ts';
import type { TcpListener } from './listener.ts';
import { CompactRecords } from './records.ts';
import type { TcpState } from './states.ts';
import { fitsTimeWaitRecord, readTimeWait, wasPassive, writeTimeWait } from './time-wait.ts';

/** Lists of half-open connections, one for each number of retransmissions: within one all wait equally long. */
const HALF_OPEN_LISTS = 16;
const TIME_WAIT_LIST = HALF_OPEN_LISTS;

/** What wakes a record. */
export interface Waking {
  /** A new connection, not yet in any table, and not traced; undefined: there is no way to the peer any more. */
  make(
    id: number,
    local: Endpoint,
    remote: Endpoint,
    passive: boolean,
    via: number,
  ): TcpConnection | undefined;
  /** The number of the interface that a connection uses. */
  via(connection: TcpConnection): number;
  /** `listener`: a half-open one's. */
  woken(connection: TcpConnection, listener: TcpListener): void;
  /** The connection `like`, if it is awake. */
  awake(like: TcpConnection): TcpConnection | undefined;
  /** The listener with this number. */
  listener(number: number): TcpListener | undefined;
}

/**
 * Connections that rest as records: half-open ones and those in TIME-WAIT. Nothing distinguishes them from others: a segment, a deadline
 * or a look wakes them, and after it they rest again.
 */
export class Dormant {
  readonly #context: HostContext;
  readonly #waking: Waking;
  readonly #records: CompactRecords;
  /** Connections that a SYN has taken out of TIME-WAIT, until it turns out whether it was new, by the id of the new one. */
  readonly #displaced: Map<number, TcpConnection> = new Map();

  constructor(
    context: HostContext,
    waking: Waking,
    hashOf: (local: IpAddress, remote: IpAddress, ports: number) => number,
  ) {
    this.#context = context;
    this.#waking = waking;
    this.#records = new CompactRecords(HALF_OPEN_LISTS + 1, hashOf);
  }

  /** Records in all, and those in TIME-WAIT. */
  get size(): number {
    return this.#records.size;
  }

  get timeWait(): number {
    return this.#records.sizeOf(TIME_WAIT_LIST);
  }

  get halfOpen(): number {
    return this.size - this.timeWait;
  }

  /** Bytes that the records take. */
  get bytes(): number {
    return this.#records.bytes;
  }

  get nextDeadline(): Instant {
    return this.#records.nextDeadline;
  }

  /** Whether there is a record between the two ends. */
  has(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): boolean {
    return this.#records.find(local, localPort, remote, remotePort) !== -1;
  }

  /** The connection between the two ends, awake; undefined: there is no record of one. */
  wake(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): TcpConnection | undefined {
    const row = this.#records.find(local, localPort, remote, remotePort);
    return row === -1 ? undefined : this.#wake(row);
  }

  /** The next one that is due, awake; undefined: none is. */
  wakeDue(now: Instant): TcpConnection | undefined {
    for (;;) {
      const row = this.#records.earliest;
      if (row === -1 || this.#records.deadline(row) > now) return undefined;
      const connection = this.#wake(row);
      if (connection !== undefined) return connection;
    }
  }

  /** Wakes all, or those of one listener. */
  wakeAll(listener?: TcpListener): TcpConnection[] {
    const woken: TcpConnection[] = [];
    for (const row of this.#records.rows()) {
      const waiting = this.#records.listOf(row) < HALF_OPEN_LISTS;
      if (listener !== undefined && !(waiting && this.#listenerOf(row) === listener)) continue;
      const connection = this.#wake(row);
      if (connection !== undefined) woken.push(connection);
    }
    return woken;
  }

  /** Keeps a record instead of the connection, if that is all there is to it; true if so. */
  rest(connection: TcpConnection, listener: TcpListener | undefined): boolean {
    if (connection.observed) return false;
    const { local, remote, timers } = connection;
    if (connection.state === 'SYN-RECEIVED') {
      const { synOffer } = connection;
      if (listener === undefined || synOffer === undefined || !fitsHalfOpenRecord(connection)) return false;
      const list = Math.min(connection.retransmissions, HALF_OPEN_LISTS - 1);
      const row = this.#records.add(
        list,
        local,
        remote,
        timers.deadline('retransmission'),
        this.#waking.via(connection),
      );
      writeHalfOpen(this.#records, row, connection, synOffer);
      this.#records.setWord(row, HALF_OPEN_LISTENER, listener.number);
      listener.rests(connection);
    } else {
      if (!fitsTimeWaitRecord(connection)) return false;
      this.#restInTimeWait(connection, timers.deadline('time-wait'));
    }
    this.#count();
    return true;
  }

  /** The state of a connection that rests: what its owner sees. */
  stateOf(connection: TcpConnection): TcpState {
    const { id, local, remote } = connection;
    const row = this.#records.find(local.address, local.port, remote.address, remote.port);
    if (row !== -1 && this.#records.word(row, RECORD_ID) === id) return 'TIME-WAIT';
    return this.#waking.awake(connection)?.state ?? 'CLOSED';
  }

  /** Forgets the record of `connection`, which its owner has ended. */
  forget({ id, local, remote }: TcpConnection): void {
    const row = this.#records.find(local.address, local.port, remote.address, remote.port);
    if (row === -1 || this.#records.word(row, RECORD_ID) !== id) return;
    this.#records.remove(row);
    this.#count();
  }

  /** The connection `id` takes the place of `old`, which was in TIME-WAIT. */
  displace(id: number, old: TcpConnection): void {
    this.#displaced.set(id, old);
  }

  /**
   * The handshake of connection `id` is over. If it failed, its SYN was an old duplicate, and what it displaced goes back to TIME-WAIT,
   * for two MSL again [RFC 9293 MAY-2].
   */
  handshakeOver(id: number, succeeded: boolean): void {
    if (this.#displaced.size === 0) return;
    const old = this.#displaced.get(id);
    this.#displaced.delete(id);
    if (old === undefined || succeeded) return;
    reached(this.#context, 'TWRestored', old.id);
    old.enter('TIME-WAIT', 'the SYN was an old duplicate');
    startTimeWait(old);
    this.#restInTimeWait(old, old.timers.deadline('time-wait'));
    this.#count();
  }

  #restInTimeWait(connection: TcpConnection, deadline: Instant): void {
    const { timeWaitRecords } = this.#context.settings.tcp;
    while (this.timeWait >= Math.max(1, timeWaitRecords)) this.#evict();
    const row = this.#records.add(
      TIME_WAIT_LIST,
      connection.local,
      connection.remote,
      deadline,
      this.#waking.via(connection),
    );
    writeTimeWait(this.#records, row, connection);
    connection.resting = () => this.stateOf(connection);
  }

  /** The cap is reached: the one that has waited longest goes. */
  #evict(): void {
    const connection = this.#wake(this.#records.first(TIME_WAIT_LIST));
    if (connection === undefined) return;
    reached(this.#context, 'TCPTimeWaitOverflow', connection.id);
    connection.finish(undefined, 'too many in TIME-WAIT');
  }

  #listenerOf(row: number): TcpListener | undefined {
    return this.#waking.listener(this.#records.word(row, HALF_OPEN_LISTENER));
  }

  #wake(row: number): TcpConnection | undefined {
    const records = this.#records;
    const halfOpen = records.listOf(row) < HALF_OPEN_LISTS;
    const passive = halfOpen || wasPassive(records, row);
    const id = records.word(row, RECORD_ID);
    const listener = halfOpen ? this.#listenerOf(row) : undefined;
    const connection = this.#waking.make(
      id,
      records.local(row),
      records.remote(row),
      passive,
      records.via(row),
    );
    if (connection !== undefined && halfOpen) readHalfOpen(records, row, connection);
    else if (connection !== undefined) readTimeWait(records, row, connection);
    records.remove(row);
    listener?.wakes(connection);
    if (connection !== undefined && listener !== undefined) this.#waking.woken(connection, listener);
    this.#count();
    return connection;
  }

  /** Tells the account of memory. */
  #count(): void {
    const { memory } = this.#context;
    const { size, bytes, timeWait } = this;
    const share = size === 0 ? 0 : Math.round((bytes * timeWait) / size);
    memory.set('timeWait', share);
    memory.set('halfOpen', bytes - share);
  }
}

/** How many connections there are of each state, awake or not. */
export function countByState(demux: Demux, dormant: Dormant): Map<TcpState, number> {
  const counts = new Map<TcpState, number>();
  const count = (state: TcpState, by: number) => by > 0 && counts.set(state, (counts.get(state) ?? 0) + by);
  for (const { state } of demux.connections()) count(state, 1);
  count('SYN-RECEIVED', dormant.halfOpen);
  count('TIME-WAIT', dormant.timeWait);
  return counts;
}
