/**
 * Bytes in order that the program has not read yet. In-order payload enters as a view of the device's memory and is copied once:
 * into the memory that the program keeps (`take`), or, if it is not read before the batch is over, into memory of our own
 * (`settle`).
 */
export class ReceiveQueue {
  #chunks: Chunk[] = [];
  /** Index of the oldest chunk; chunks before it are used up. */
  #first: number = 0;
  /** Index of the first chunk that may still be borrowed. */
  #firstBorrowed: number = 0;
  #length: number = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory taken, with what is taken ahead and what was read of the oldest chunk. */
  get held(): number {
    const oldest = this.#chunks[this.#first];
    const newest = this.#chunks[this.#firstBorrowed - 1]; // of our own
    if (oldest === undefined || newest === undefined || this.#firstBorrowed <= this.#first)
      return this.#length;
    return this.#length + oldest.at + newest.bytes.length - newest.end;
  }

  /** Appends `bytes[at..at+length)`, which have to stay as they are until `settle` or until they are taken. */
  append(bytes: Uint8Array, at: number, length: number): void {
    if (length === 0) return;
    this.#chunks.push({ bytes, at, end: at + length });
    this.#length += length;
  }

  /** Takes up to `max` of the oldest bytes out, in memory that is the caller's; undefined if there are none. */
  take(max: number): Uint8Array | undefined {
    const size = Math.min(max, this.#length);
    if (size <= 0) return undefined;
    const taken = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const chunk = this.#chunks[this.#first];
      if (chunk === undefined) break;
      const part = Math.min(chunk.end - chunk.at, size - filled);
      taken.set(chunk.bytes.subarray(chunk.at, chunk.at + part), filled);
      filled += part;
      chunk.at += part;
      if (chunk.at === chunk.end) this.#first += 1;
    }
    this.#length -= size;
    this.#compact();
    return taken;
  }

  /** Copies what is still borrowed: the memory it lies in is about to be used again. */
  settle(): void {
    const from = Math.max(this.#firstBorrowed, this.#first);
    let size = 0;
    for (let index = from; index < this.#chunks.length; index++) size += sizeOf(this.#chunks[index]);
    if (size === 0) return;
    const borrowed = this.#chunks.splice(from);
    const target = this.#roomFor(size);
    for (const chunk of borrowed) {
      target.bytes.set(chunk.bytes.subarray(chunk.at, chunk.end), target.end);
      target.end += chunk.end - chunk.at;
    }
    this.#firstBorrowed = this.#chunks.length;
  }

  /**
   * The last chunk if it has room for `size` bytes, else a new one, larger the more is held: so small payloads neither keep large
   * memory alive nor cost an object each (attacks.md J5).
   */
  #roomFor(size: number): Chunk {
    const last = this.#chunks[this.#chunks.length - 1];
    if (last !== undefined && this.#chunks.length > this.#first && last.bytes.length - last.end >= size)
      return last;
    const held = this.#length - size;
    const chunk = { bytes: new Uint8Array(Math.max(size, Math.min(held, LARGEST_BLOCK))), at: 0, end: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#firstBorrowed = 0;
    this.#length = 0;
  }

  #compact(): void {
    if (this.#length === 0) {
      if (this.#chunks.length > 0) this.#chunks = this.#chunks.length > 64 ? [] : this.#emptied();
      this.#first = 0;
      this.#firstBorrowed = 0;
    } else if (this.#first > 64 && this.#first * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#first);
      this.#firstBorrowed = Math.max(0, this.#firstBorrowed - this.#first);
      this.#first = 0;
    }
  }

  #emptied(): Chunk[] {
    this.#chunks.length = 0;
    return this.#chunks;
  }
}

/** Bytes `at..end` of `bytes`. A chunk of our own may have room after `end`; a borrowed one is never written to. */
interface Chunk {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
}

/** The most memory taken ahead, in bytes. */
const LARGEST_BLOCK = 64 * 1024;

function sizeOf(chunk: Chunk | undefined): number {
  return chunk === undefined ? 0 : chunk.end - chunk.at;
}
