import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { canceled } from './duplex-errors.ts';

/** What a stream waits for. */
export type Callback = (error?: Error | null) => void;

/** The chunk that the stream has given us and that the stack has not taken whole; a stream gives one at a time. */
export class Outgoing {
  #bytes: Uint8Array | undefined;
  #at: number = 0;
  #callback: Callback | undefined;
  #bytesTaken: number = 0;

  /** Bytes of all chunks that the stack has taken. */
  get bytesTaken(): number {
    return this.#bytesTaken;
  }

  /** Bytes of the present chunk that it has taken: the stream still counts them as waiting. */
  get takenOfChunk(): number {
    return this.#bytes === undefined ? 0 : this.#at;
  }

  get isWaiting(): boolean {
    return this.#bytes !== undefined;
  }

  /** The next chunk; `callback` when the stack has taken it. */
  chunk(bytes: Uint8Array, callback: Callback): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#callback = callback;
  }

  /** Gives to `connection` what it takes. Returns whose callback is due then, if the chunk is through. */
  pump(connection: TcpConnection): Callback | undefined {
    if (this.#bytes === undefined) return undefined;
    const taken = connection.send(this.#bytes, this.#at);
    this.#at += taken;
    this.#bytesTaken += taken;
    return this.#at < this.#bytes.length ? undefined : this.#finish();
  }

  /** The chunk will not be taken. */
  fail(error: Error | null): void {
    this.#finish()?.(error ?? canceled());
  }

  #finish(): Callback | undefined {
    const callback = this.#callback;
    this.#bytes = undefined;
    this.#callback = undefined;
    return callback;
  }
}
