/**
 * Writes pcapng (draft-ietf-opsawg-pcapng): section header, interface descriptions, enhanced packet blocks. Plain bytes, so
 * that it runs in a browser as well.
 */
import type { Instant } from '../stack/time.ts';

/** Link types of our devices: frames that begin with the IP header, and Ethernet frames. */
export const LINK_TYPE = { ip: 101, ethernet: 1 } as const;

/** An interface that packets were captured on. */
export interface PcapngInterface {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  readonly description?: string;
}

/** Settings of a `PcapngWriter`. */
export interface PcapngOptions {
  /** Bytes of a packet that are written at most; 0 (as it is by default): all. */
  readonly snapLength?: number;
  /** What `Instant` 0 is in microseconds since 1970; 0 by default. */
  readonly epoch?: number;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION = {
  end: 0,
  comment: 1,
  userApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timestampResolution: 9,
  packetFlags: 2,
} as const;
const MICROSECONDS = 6;
const CHUNK = 256 * 1024;
const PACKET_HEADER = 28;
/** A comment's length field has 16 bits; Wireshark shows far less than that. */
const LONGEST_TEXT = 4096;

/**
 * Writes one section, little endian, times in microseconds. Blocks are gathered into chunks of 256 KiB; each chunk handed to
 * the sink is the sink's to keep.
 */
export class PcapngWriter {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #snapLength: number;
  readonly #epoch: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#chunk.buffer);
  #used: number = 0;
  #interfaces: number = 0;

  constructor(sink: (bytes: Uint8Array) => void, options: PcapngOptions = {}) {
    this.#sink = sink;
    this.#snapLength = options.snapLength ?? 0;
    this.#epoch = options.epoch ?? 0;
    this.#sectionHeader();
  }

  /** Describes an interface and returns its number, for `packet`. */
  addInterface(description: PcapngInterface): number {
    const name = utf8(description.name);
    const about = description.description === undefined ? undefined : utf8(description.description);
    const length =
      16 + optionLength(name) + (about === undefined ? 0 : optionLength(about)) + 8 /* resolution */ + 4 + 4;
    const at = this.#reserve(length);
    const view = this.#view;
    view.setUint32(at, INTERFACE_DESCRIPTION, true);
    view.setUint32(at + 4, length, true);
    view.setUint16(at + 8, LINK_TYPE[description.medium], true);
    view.setUint32(at + 12, this.#snapLength, true);
    let option = this.#option(at + 16, OPTION.interfaceName, name);
    if (about !== undefined) option = this.#option(option, OPTION.interfaceDescription, about);
    option = this.#option(option, OPTION.timestampResolution, [MICROSECONDS]);
    this.#endBlock(option, length);
    this.#interfaces += 1;
    return this.#interfaces - 1;
  }

  /** Writes the packet `bytes[head..tail)` that came in or went out at an interface. */
  packet(
    at: Instant,
    interfaceNumber: number,
    direction: 'in' | 'out',
    bytes: Uint8Array,
    head: number,
    tail: number,
    comments: readonly string[] = [],
  ): void {
    const size = tail - head;
    const captured = this.#snapLength > 0 ? Math.min(size, this.#snapLength) : size;
    const texts = comments.map(utf8);
    let length = PACKET_HEADER + padded(captured) + 8 /* flags */ + 4 + 4;
    for (const text of texts) length += optionLength(text);
    const block = this.#reserve(length);
    const view = this.#view;
    const time = at + this.#epoch;
    view.setUint32(block, ENHANCED_PACKET, true);
    view.setUint32(block + 4, length, true);
    view.setUint32(block + 8, interfaceNumber, true);
    view.setUint32(block + 12, Math.floor(time / 0x1_0000_0000), true);
    view.setUint32(block + 16, time >>> 0, true);
    view.setUint32(block + 20, captured, true);
    view.setUint32(block + 24, size, true);
    this.#chunk.set(bytes.subarray(head, head + captured), block + PACKET_HEADER);
    let option = block + PACKET_HEADER + padded(captured);
    for (const text of texts) option = this.#option(option, OPTION.comment, text);
    view.setUint16(option, OPTION.packetFlags, true);
    view.setUint16(option + 2, 4, true);
    view.setUint32(option + 4, direction === 'in' ? 1 : 2, true);
    this.#endBlock(option + 8, length);
  }

  /** Hands what was gathered to the sink. */
  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#chunk.subarray(0, this.#used));
    this.#chunk = new Uint8Array(0);
    this.#used = 0;
  }

  #sectionHeader(): void {
    const application = utf8('glasstack');
    const length = 24 + optionLength(application) + 4 + 4;
    const at = this.#reserve(length);
    const view = this.#view;
    view.setUint32(at, SECTION_HEADER, true);
    view.setUint32(at + 4, length, true);
    view.setUint32(at + 8, BYTE_ORDER_MAGIC, true);
    view.setUint16(at + 12, 1, true);
    // The section's length is not known: -1.
    view.setInt32(at + 16, -1, true);
    view.setInt32(at + 20, -1, true);
    this.#endBlock(this.#option(at + 24, OPTION.userApplication, application), length);
  }

  /** Room for a block; its bytes are zero. */
  #reserve(length: number): number {
    if (this.#used + length > this.#chunk.length) {
      this.flush();
      this.#chunk = new Uint8Array(Math.max(CHUNK, length));
      this.#view = new DataView(this.#chunk.buffer);
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }

  #option(at: number, code: number, value: ArrayLike<number>): number {
    this.#view.setUint16(at, code, true);
    this.#view.setUint16(at + 2, value.length, true);
    this.#chunk.set(value, at + 4);
    return at + 4 + padded(value.length);
  }

  /** The end of the options (zeros) at `at`, and the block's length again. */
  #endBlock(at: number, length: number): void {
    this.#view.setUint32(at, OPTION.end, true);
    this.#view.setUint32(at + 4, length, true);
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function optionLength(value: ArrayLike<number>): number {
  return 4 + padded(value.length);
}

/** UTF-8 of `text`, cut to what an option takes. `TextEncoder` belongs to the Web and Node, not to the language. */
function utf8(text: string): readonly number[] {
  const bytes: number[] = [];
  for (const character of text) {
    if (bytes.length > LONGEST_TEXT - 4) break;
    const code = character.codePointAt(0) ?? 0xfffd;
    if (code < 0x80) {
      bytes.push(code);
    } else if (code < 0x800) {
      bytes.push(0xc0 | (code >>> 6), 0x80 | (code & 0x3f));
    } else if (code < 0x1_0000) {
      bytes.push(0xe0 | (code >>> 12), 0x80 | ((code >>> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else {
      bytes.push(0xf0 | (code >>> 18), 0x80 | ((code >>> 12) & 0x3f));
      bytes.push(0x80 | ((code >>> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return bytes;
}
