import type { TcpConnection } from '../../stack/tcp/connection.ts';

/** Bytes that one chunk has at most, as in Node. */
const LARGEST_CHUNK = 64 * 1024;

/** Gives a chunk, or the end, to the stream; true: it wants more. Does not throw. */
export type Take = (chunk: Buffer | null) => boolean;

/** The way of received bytes into the stream: as fast as it wants them, so that otherwise the window closes. */
export class Incoming {
  readonly #take: Take;
  /** Nobody has said stop since the last `_read`. */
  #wanted: boolean = false;
  #delivering: boolean = false;
  #endTaken: boolean = false;
  #bytes: number = 0;

  constructor(take: Take) {
    this.#take = take;
  }

  /** Bytes that the stream was given. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The stream was told of the peer's end. */
  get endTaken(): boolean {
    return this.#endTaken;
  }

  /** The stream asks for bytes. */
  want(): void {
    this.#wanted = true;
  }

  /** Hands over what there is in `connection`, and the end. */
  deliver(connection: TcpConnection): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#wanted && this.#chunk(connection));
    } finally {
      this.#delivering = false;
    }
    if (!connection.atEnd || this.#endTaken) return;
    this.#endTaken = true;
    this.#take(null);
  }

  #chunk(connection: TcpConnection): boolean {
    const chunk = connection.receive(LARGEST_CHUNK);
    if (chunk === undefined) return false;
    this.#bytes += chunk.length;
    this.#wanted = false;
    const more = this.#take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#wanted ||= more; // a `_read` may have come meanwhile
    return true;
  }
}
