import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { Breach } from './breach.ts';

/** One direction of a connection: what the program gave, as far as the other program has not got it yet. */
interface Stream {
  readonly host: string;
  /** The connection that reads it; a second one out of the same SYN cookie gets what was delivered already [RFC 4987 3.6]. */
  reader: number | undefined;
  readonly chunks: Uint8Array[];
  /** Bytes of the oldest chunk that are compared already. */
  at: number;
  compared: number;
}

/**
 * Compares what programs get with what their peers gave, byte by byte (invariant 3). The two ends find each other by their initial sequence
 * numbers, so that address translation between them does no harm.
 */
export class StreamCheck {
  readonly #breach: Breach;
  /** By the sender's initial sequence number, the latest connection that had it. */
  readonly #streams: Map<number, Stream> = new Map();

  constructor(breach: Breach) {
    this.#breach = breach;
  }

  /** A connection came to be: what it sends and what its program gets is looked at from now on. */
  watch(host: string, connection: TcpConnection): void {
    const { iss } = connection.sender;
    // Awake again after it was a record; or an old segment has made a connection of its SYN cookie a second time.
    if (this.#streams.get(iss)?.host !== host)
      this.#streams.set(iss, { host, reader: undefined, chunks: [], at: 0, compared: 0 });
    const receive = connection.receive.bind(connection);
    connection.receive = (max?: number): Uint8Array | undefined => {
      const bytes = receive(max);
      if (bytes !== undefined) this.#delivered(host, connection, bytes);
      return bytes;
    };
  }

  /** The program gave `bytes` to `send`, which took them. */
  sent(connection: TcpConnection, bytes: Uint8Array): void {
    this.#streams.get(connection.sender.iss)?.chunks.push(bytes.slice());
  }

  #delivered(host: string, { id, receiver }: TcpConnection, bytes: Uint8Array): void {
    const stream = this.#streams.get(receiver.irs);
    if (stream === undefined) return; // the peer is no host of this world
    stream.reader ??= id;
    if (stream.reader !== id) return;
    for (let at = 0; at < bytes.length; ) {
      const chunk = stream.chunks[0];
      if (chunk === undefined) {
        const what = `${bytes.length - at} bytes were delivered that were never sent, from offset ${stream.compared}`;
        return this.#breach(3, [stream.host, host], what);
      }
      const count = Math.min(bytes.length - at, chunk.length - stream.at);
      for (let i = 0; i < count; i++) {
        if (bytes[at + i] === chunk[stream.at + i]) continue;
        const what = `delivered bytes are no prefix of the sent bytes, from offset ${stream.compared + i}`;
        return this.#breach(3, [stream.host, host], what);
      }
      at += count;
      stream.at += count;
      stream.compared += count;
      if (stream.at < chunk.length) continue;
      stream.chunks.shift();
      stream.at = 0;
    }
  }
}
