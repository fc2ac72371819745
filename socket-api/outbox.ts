import type { TcpConnection } from '../stack/tcp/connection.ts';
import { isLazy, type LazyPayload, type Payload } from './payload.ts';

/** Bytes that were accepted and wait here; `bytes` undefined: a Blob that is being read. */
interface Waiting {
  bytes: Uint8Array | undefined;
  at: number;
  to: number;
}

/**
 * The way of written bytes into the connection. Ordinarily they go straight there and what does not fit is the user's to keep;
 * with `buffered`, and for Blobs, the rest waits here. Knows when a `drain` is due: once after each short write (rows 28, 29).
 */
export class Outbox {
  readonly #connection: TcpConnection;
  readonly #highWaterMark: number | undefined;
  readonly #onDrain: () => void;
  readonly #onFailure: (error: unknown) => void;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #drainDue = false;
  #afterwards: (() => void) | undefined;

  /**
   * `highWaterMark` undefined: unbuffered. `onDrain`: there is room again after a short write. `onFailure`: a Blob could not be
   * read. Neither is called inside a call of the outbox's owner.
   */
  constructor(
    connection: TcpConnection,
    highWaterMark: number | undefined,
    onDrain: () => void,
    onFailure: (error: unknown) => void,
  ) {
    this.#connection = connection;
    this.#highWaterMark = highWaterMark;
    this.#onDrain = onDrain;
    this.#onFailure = onFailure;
  }

  /** Takes what there is room for and returns how many bytes that is. */
  write(payload: Payload | LazyPayload): number {
    const buffered = this.#highWaterMark !== undefined;
    if (isLazy(payload)) {
      if (!buffered && this.#waiting.length > 0) return this.#refuse();
      return this.#waitFor(payload);
    }
    const { bytes, from, to } = payload;
    if (from === to) return 0;
    if (this.#waiting.length > 0) {
      if (!buffered) return this.#refuse();
      this.#keep(bytes, from, to);
      return to - from;
    }
    const taken = this.#connection.send(bytes, from, to);
    if (taken === to - from) return taken;
    if (!buffered) {
      this.#drainDue = true;
      return taken;
    }
    this.#keep(bytes, from + taken, to);
    return to - from;
  }

  /** The last bytes, all of which are taken (row 37), then `afterwards` (FIN, or giving up) as soon as everything is in the connection. */
  finish(payload: Payload | LazyPayload | undefined, afterwards: () => void): number {
    let taken = 0;
    if (payload !== undefined) {
      taken = isLazy(payload) ? this.#waitFor(payload) : payload.to - payload.from;
      if (!isLazy(payload) && taken > 0) this.#push(payload);
    }
    this.#drainDue = false;
    this.#afterwards = afterwards;
    this.#conclude();
    return taken;
  }

  /** The connection has room again. */
  room(): void {
    this.#pump();
    const below = this.#waiting.length === 0 || this.#waitingBytes < (this.#highWaterMark ?? 0);
    if (!this.#drainDue || !below) return;
    this.#drainDue = false;
    this.#onDrain();
  }

  /** Everything that waits is dropped, and nothing follows. */
  discard(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#drainDue = false;
    this.#afterwards = undefined;
  }

  #refuse(): number {
    this.#drainDue = true;
    return 0;
  }

  #push({ bytes, from, to }: Payload): void {
    if (this.#waiting.length > 0) this.#keep(bytes, from, to);
    else this.#connection.enqueue(bytes, from, to);
  }

  /** Copies: the user may use the memory again after the call. */
  #keep(bytes: Uint8Array, from: number, to: number): void {
    this.#waiting.push({ bytes: bytes.slice(from, to), at: 0, to: to - from });
    this.#waitingBytes += to - from;
    if (this.#waitingBytes >= (this.#highWaterMark ?? 0)) this.#drainDue = true;
  }

  #waitFor(blob: LazyPayload): number {
    const entry: Waiting = { bytes: undefined, at: 0, to: blob.size };
    this.#waiting.push(entry);
    this.#waitingBytes += blob.size;
    blob.arrayBuffer().then(
      (contents) => {
        entry.bytes = new Uint8Array(contents);
        if (this.#afterwards === undefined) this.room();
        else this.#conclude();
      },
      (error: unknown) => {
        this.discard();
        this.#onFailure(error);
      },
    );
    return blob.size;
  }

  #pump(): void {
    for (let first = this.#waiting[0]; first?.bytes !== undefined; first = this.#waiting[0]) {
      const taken = this.#connection.send(first.bytes, first.at, first.to);
      first.at += taken;
      this.#waitingBytes -= taken;
      if (first.at < first.to) return;
      this.#waiting.shift();
    }
  }

  #conclude(): void {
    for (let first = this.#waiting[0]; first?.bytes !== undefined; first = this.#waiting[0]) {
      this.#connection.enqueue(first.bytes, first.at, first.to);
      this.#waitingBytes -= first.to - first.at;
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) return;
    const afterwards = this.#afterwards;
    this.#afterwards = undefined;
    afterwards?.();
  }
}
