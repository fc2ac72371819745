/**
 * A packet's bytes on their way through the layers: one region of a larger buffer, between `head` and `tail`, with room in
 * front for headers still to come. One `DataView` serves all packets of the same memory (a view per packet costs
 * ten times the read).
 */
export class PacketBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the packet begins in `bytes`. */
  head: number;
  /** Where it ends (exclusive). */
  tail: number;
  /** What is known of the transport checksum; see `ChecksumState`. */
  checksum: ChecksumState = 'complete';
  /**
   * 0: an ordinary packet. Otherwise a super-segment: the TCP payload is to be cut (going out) or was merged (coming in)
   * into segments of this many payload bytes.
   */
  segmentSize: number = 0;

  constructor(bytes: Uint8Array, view: DataView, head: number, tail: number) {
    this.bytes = bytes;
    this.view = view;
    this.head = head;
    this.tail = tail;
  }

  /** Memory of its own: `capacity` bytes, empty, with `headroom` bytes in front. */
  static allocate(capacity: number, headroom: number = 0): PacketBuffer {
    const bytes = new Uint8Array(capacity);
    return new PacketBuffer(bytes, new DataView(bytes.buffer), headroom, headroom);
  }

  /** A packet over a copy of `bytes`. */
  static copyOf(bytes: Uint8Array, headroom: number = 0): PacketBuffer {
    const packet = PacketBuffer.allocate(headroom + bytes.length, headroom);
    packet.bytes.set(bytes, headroom);
    packet.tail = headroom + bytes.length;
    return packet;
  }

  /** Bytes from `head` to `tail`. */
  get length(): number {
    return this.tail - this.head;
  }

  /** Takes `size` bytes of header room in front and returns where they begin. */
  push(size: number): number {
    if (size > this.head)
      throw new RangeError(`no room for ${size} header bytes: ${this.head} left; reserve more headroom`);
    this.head -= size;
    return this.head;
  }

  /** The packet's bytes as a view, not a copy: valid only as long as the packet is. */
  contents(): Uint8Array {
    return this.bytes.subarray(this.head, this.tail);
  }
}

/**
 * `complete`: the checksum field holds a checksum that has to be verified (in) or is already right (out).
 * `verified`: whoever delivered the packet has verified it, or vouches for it.
 * `partial`: the field holds only the sum over the pseudo-header; the bytes never crossed a wire (in), or the device is to
 * finish it (out). As `VIRTIO_NET_HDR_F_DATA_VALID` and `VIRTIO_NET_HDR_F_NEEDS_CSUM` mean it.
 */
export type ChecksumState = 'complete' | 'verified' | 'partial';

/**
 * Memory for the packets of one batch: handed out from front to back, taken back all at once. No packet of it survives
 * `reset`. Packets of one arena share one buffer, so a device can write a batch with a single native call.
 */
export class PacketArena {
  /** In bytes. */
  readonly capacity: number;
  #bytes: Uint8Array | undefined;
  #view: DataView | undefined;
  #used: number = 0;
  readonly #packets: PacketBuffer[] = [];
  #handedOut: number = 0;

  /** `capacity` in bytes; the memory is taken at the first packet. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** An empty packet with `headroom` bytes in front and `size` bytes of room, or undefined when the arena is full. */
  allocate(headroom: number, size: number): PacketBuffer | undefined {
    const begin = (this.#used + 63) & ~63;
    const end = begin + headroom + size;
    if (end > this.capacity) return undefined;
    this.#bytes ??= new Uint8Array(this.capacity);
    this.#view ??= new DataView(this.#bytes.buffer);
    this.#used = end;
    let packet = this.#packets[this.#handedOut];
    if (packet === undefined) {
      packet = new PacketBuffer(this.#bytes, this.#view, 0, 0);
      this.#packets.push(packet);
    }
    this.#handedOut += 1;
    packet.head = begin + headroom;
    packet.tail = packet.head;
    packet.checksum = 'complete';
    packet.segmentSize = 0;
    return packet;
  }

  /** Takes all packets back. */
  reset(): void {
    this.#used = 0;
    this.#handedOut = 0;
  }
}
