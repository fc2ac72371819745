/**
 * A queue of bytes with a limit: a socket's send or receive buffer. Its storage grows by doubling and can be given back.
 */
export class RingBuffer {
  #storage: Uint8Array;
  #limit: number;
  /** Where the oldest byte is in `#storage`. */
  #start: number = 0;
  #length: number = 0;

  /** Holds up to `limit` bytes; storage for `initial` of them is taken at once. */
  constructor(limit: number, initial: number = 0) {
    this.#limit = limit;
    this.#storage = initial === 0 ? NOTHING : new Uint8Array(powerOfTwo(initial));
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes may be held. */
  get limit(): number {
    return this.#limit;
  }

  /** May be raised and lowered; below `length` it drops nothing, there is just no room until enough was dropped. */
  set limit(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that `write` would take. */
  get room(): number {
    return Math.max(0, this.#limit - this.#length);
  }

  /** Bytes of memory taken. */
  get capacity(): number {
    return this.#storage.length;
  }

  /** Appends as much of `source[from..to)` as there is room for; returns how many bytes that was. */
  write(source: Uint8Array, from: number, to: number): number {
    const count = Math.min(to - from, this.room);
    if (count <= 0) return 0;
    if (this.#length + count > this.#storage.length) this.#resize(this.#length + count);
    const storage = this.#storage;
    const at = (this.#start + this.#length) & (storage.length - 1);
    const beforeWrap = Math.min(count, storage.length - at);
    move(source, from, storage, at, beforeWrap);
    move(source, from + beforeWrap, storage, 0, count - beforeWrap);
    this.#length += count;
    return count;
  }

  /** Copies `length` bytes, beginning `offset` bytes after the oldest, to `target[at..)`. They have to be held. */
  copyTo(target: Uint8Array, at: number, offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.#length) {
      throw new RangeError(`${length} bytes at ${offset} asked for, but ${this.#length} are held`);
    }
    const storage = this.#storage;
    const from = (this.#start + offset) & (storage.length - 1);
    const beforeWrap = Math.min(length, storage.length - from);
    move(storage, from, target, at, beforeWrap);
    move(storage, 0, target, at + beforeWrap, length - beforeWrap);
  }

  /** Forgets the `count` oldest bytes. They have to be held. */
  drop(count: number): void {
    if (count < 0 || count > this.#length) {
      throw new RangeError(`${count} bytes to be dropped, but ${this.#length} are held`);
    }
    this.#length -= count;
    // An empty buffer begins at the front again, so that the next bytes do not wrap.
    this.#start = this.#length === 0 ? 0 : (this.#start + count) & (this.#storage.length - 1);
  }

  /**
   * Gives memory back that the bytes held do not need: all of it if there are none and it was more than 4 KiB, else down
   * to the power of two above them. To be called when the connection is idle: `drop` leaves the storage alone, because bulk
   * transfer empties the buffer again and again.
   */
  trim(): void {
    if (this.#storage.length <= SMALL) return;
    if (this.#length === 0) this.#storage = NOTHING;
    else if (powerOfTwo(this.#length) < this.#storage.length) this.#resize(this.#length);
  }

  /** Forgets everything and gives all memory back. */
  clear(): void {
    this.#storage = NOTHING;
    this.#start = 0;
    this.#length = 0;
  }

  /** New storage for at least `size` bytes, with what is held at its front. */
  #resize(size: number): void {
    const storage = new Uint8Array(powerOfTwo(size));
    this.copyTo(storage, 0, 0, this.#length);
    this.#storage = storage;
    this.#start = 0;
  }
}

/** Storage that is not worth giving back, in bytes. */
const SMALL = 4096;

const NOTHING: Uint8Array = new Uint8Array(0);

function powerOfTwo(size: number): number {
  return size <= 256 ? 256 : 2 ** (32 - Math.clz32(size - 1));
}

function move(source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void {
  if (count <= 0) return;
  if (count < 32) {
    // A view costs as much as copying some thirty bytes one by one.
    for (let i = 0; i < count; i++) target[at + i] = source[from + i] ?? 0;
    return;
  }
  const whole = from === 0 && count === source.length;
  target.set(whole ? source : source.subarray(from, from + count), at);
}
