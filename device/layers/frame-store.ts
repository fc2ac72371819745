import { PacketArena, type PacketBuffer } from '../../stack/bytes/packet-buffer.ts';

/** Memory that several frames share; it is used anew when all of them are gone. */
export interface StoreChunk {
  readonly arena: PacketArena;
  /** Frames in it that are still on their way. */
  inUse: number;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * Memory for frames on their way, which are given back more or less in the order they were taken in. It grows with what is
 * on its way and is then used again and again: no garbage per frame.
 */
export class FrameStore {
  readonly #idle: StoreChunk[] = [];
  /** The chunk of the latest frame: who keeps a frame has to `release` this one later. */
  current: StoreChunk = { arena: new PacketArena(CHUNK_BYTES), inUse: 0 };

  /** Room for a frame of `size` bytes (far less than a chunk), empty. */
  allocate(headroom: number, size: number): PacketBuffer {
    let packet = this.current.arena.allocate(headroom, size);
    if (packet === undefined) {
      this.current = this.#idle.pop() ?? { arena: new PacketArena(CHUNK_BYTES), inUse: 0 };
      packet = this.current.arena.allocate(headroom, size);
    }
    if (packet === undefined)
      throw new RangeError(`a frame of ${size} bytes is larger than any frame can be`);
    this.current.inUse += 1;
    return packet;
  }

  /** Gives one frame of `chunk` back. */
  release(chunk: StoreChunk): void {
    chunk.inUse -= 1;
    if (chunk.inUse > 0) return;
    chunk.arena.reset();
    if (chunk !== this.current) this.#idle.push(chunk);
  }
}
