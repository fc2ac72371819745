/**
 * Reads captures: pcap (µs and ns, both byte orders) and pcapng (several sections, any resolution). Plain bytes, so that it
 * runs in a browser as well. Packets are views into the file, not copies.
 */

/** What is wrong with a capture, and where. */
export class CaptureError extends Error {
  override readonly name: string = 'CaptureError';
  /** Bytes from the file's start; undefined if it is of no one place. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

/** A packet as it was captured. */
export interface CaptureFrame {
  /** Counts from 1, as other tools do. */
  readonly number: number;
  /** Nanoseconds since 1970; undefined where the file says none (Simple Packet Block). */
  readonly time: bigint | undefined;
  readonly linkType: number;
  /** From the link's header on; shorter than `originalLength` if it was cut off. */
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  /** As seen by the capturing host, if the file says so. */
  readonly direction: 'in' | 'out' | undefined;
  readonly comments: readonly string[];
}

/** A whole file. */
export interface CaptureFile {
  readonly format: 'pcap' | 'pcapng';
  readonly frames: readonly CaptureFrame[];
  /** Where the last, incomplete packet begins: the capturing program was killed. */
  readonly cutShortAt: number | undefined;
}

const LONGEST_PACKET = 262_144;
const LONGEST_BLOCK = 16 * 1024 * 1024;
const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const BLOCK = { interface: 1, packet: 2, simple: 3, enhanced: 6 } as const;
/** Bytes in front of what varies. */
const LEAST: ReadonlyMap<number, number> = new Map([
  [BLOCK.interface, 16],
  [BLOCK.packet, 28],
  [BLOCK.simple, 12],
  [BLOCK.enhanced, 28],
]);
const BILLION = 1_000_000_000n;

/** Reads a file. Throws `CaptureError`. */
export function readCapture(bytes: Uint8Array): CaptureFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw new CaptureError('this is no capture: it has less than 4 bytes', 0);
  if (view.getUint32(0) === SECTION_HEADER) return new PcapngReader(bytes, view).read();
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === 0xa1b2c3d4) return readPcap(bytes, view, littleEndian, 1000n);
    if (magic === 0xa1b23c4d) return readPcap(bytes, view, littleEndian, 1n);
  }
  const seen = view.getUint32(0).toString(16).padStart(8, '0');
  throw new CaptureError(`this is no capture: it begins with ${seen}, not as pcap or pcapng do`, 0);
}

function readPcap(bytes: Uint8Array, view: DataView, little: boolean, tick: bigint): CaptureFile {
  if (bytes.length < 24) throw new CaptureError('the pcap header has 24 bytes, the file less', 0);
  const major = view.getUint16(4, little);
  if (major !== 2) throw new CaptureError(`pcap version ${major} is not known, only 2 is`, 4);
  const longest = Math.max(view.getUint32(16, little), LONGEST_PACKET);
  const linkType = view.getUint32(20, little) & 0xffff; // above: length of the FCS
  const frames: CaptureFrame[] = [];
  for (let at = 24; at < bytes.length; ) {
    if (at + 16 > bytes.length) return { format: 'pcap', frames, cutShortAt: at };
    const length = view.getUint32(at + 8, little);
    if (length > longest)
      throw new CaptureError(`packet ${frames.length + 1} says it has ${length} bytes`, at + 8);
    if (at + 16 + length > bytes.length) return { format: 'pcap', frames, cutShortAt: at };
    frames.push({
      number: frames.length + 1,
      time: BigInt(view.getUint32(at, little)) * BILLION + BigInt(view.getUint32(at + 4, little)) * tick,
      linkType,
      bytes: bytes.subarray(at + 16, at + 16 + length),
      originalLength: view.getUint32(at + 12, little),
      direction: undefined,
      comments: [],
    });
    at += 16 + length;
  }
  return { format: 'pcap', frames, cutShortAt: undefined };
}

/** An interface that packets refer to. */
interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Ticks in a second. */
  readonly ticks: bigint;
  /** Seconds that are added to each time. */
  readonly offset: bigint;
}

class PcapngReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #frames: CaptureFrame[] = [];
  #little: boolean = true;
  #interfaces: Interface[] = [];

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes;
    this.#view = view;
  }

  read(): CaptureFile {
    for (let at = 0; at < this.#bytes.length; ) {
      if (at + 12 > this.#bytes.length) return this.#file(at);
      const length = this.#blockLength(at);
      if (at + length > this.#bytes.length) return this.#file(at);
      if (this.#word(at + length - 4) !== length)
        throw new CaptureError('the block does not end with its own length', at + length - 4);
      this.#block(at, at + length - 4);
      at += length;
    }
    return this.#file(undefined);
  }

  #file(cutShortAt: number | undefined): CaptureFile {
    return { format: 'pcapng', frames: this.#frames, cutShortAt };
  }

  /** A section header says which byte order holds from here on. */
  #blockLength(at: number): number {
    if (this.#view.getUint32(at) === SECTION_HEADER) {
      this.#little = this.#view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      if (!this.#little && this.#view.getUint32(at + 8) !== BYTE_ORDER_MAGIC)
        throw new CaptureError('the section header has no byte order mark', at + 8);
    }
    const length = this.#word(at + 4);
    if (length < 12 || length % 4 !== 0 || length > LONGEST_BLOCK)
      throw new CaptureError(`a block cannot have ${length} bytes`, at + 4);
    return length;
  }

  #block(at: number, end: number): void {
    const type = this.#word(at);
    if (type === SECTION_HEADER) return this.#section(at, end);
    if (at + (LEAST.get(type) ?? 0) > end)
      throw new CaptureError(`a block of type ${type} cannot be that short`, at + 4);
    if (type === BLOCK.interface) this.#interface(at, end);
    else if (type === BLOCK.enhanced) this.#packet(at, end, this.#word(at + 8));
    else if (type === BLOCK.packet) this.#packet(at, end, this.#half(at + 8));
    else if (type === BLOCK.simple) this.#simple(at, end);
  }

  #section(at: number, end: number): void {
    if (at + 24 > end) throw new CaptureError('the section header is too short', at + 4);
    const major = this.#half(at + 12);
    if (major !== 1) throw new CaptureError(`pcapng version ${major} is not known, only 1 is`, at + 12);
    this.#interfaces = [];
  }

  #interface(at: number, end: number): void {
    let ticks = 1_000_000n;
    let offset = 0n;
    this.#options(at + 16, end, (code, from, length) => {
      if (code === 9 && length >= 1) {
        const resolution = this.#view.getUint8(from);
        ticks = resolution < 0x80 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution & 0x7f);
      } else if (code === 14 && length >= 8) {
        offset = this.#view.getBigInt64(from, this.#little);
      }
    });
    this.#interfaces.push({ linkType: this.#half(at + 8), snapLength: this.#word(at + 12), ticks, offset });
  }

  /** Enhanced Packet and the obsolete Packet differ in the interface's width only. */
  #packet(at: number, end: number, interfaceNumber: number): void {
    const from = this.#interfaces[interfaceNumber];
    if (from === undefined)
      throw new CaptureError(`packet of interface ${interfaceNumber}, which nothing describes`, at + 8);
    const length = this.#word(at + 20);
    if (at + 28 + length > end) throw new CaptureError('the packet is longer than its block', at + 20);
    const ticks = (BigInt(this.#word(at + 12)) << 32n) + BigInt(this.#word(at + 16));
    const comments: string[] = [];
    let direction: CaptureFrame['direction'];
    this.#options(at + 28 + ((length + 3) & ~3), end, (code, option, size) => {
      if (code === 1) comments.push(new TextDecoder().decode(this.#bytes.subarray(option, option + size)));
      if (code !== 2 || size < 4) return;
      const flags = this.#word(option) & 3;
      direction = flags === 1 ? 'in' : flags === 2 ? 'out' : undefined;
    });
    this.#frames.push({
      number: this.#frames.length + 1,
      time: from.offset * BILLION + (ticks * BILLION) / from.ticks,
      linkType: from.linkType,
      bytes: this.#bytes.subarray(at + 28, at + 28 + length),
      originalLength: this.#word(at + 24),
      direction,
      comments,
    });
  }

  #simple(at: number, end: number): void {
    const [from] = this.#interfaces;
    if (from === undefined) throw new CaptureError('packet of interface 0, which nothing describes', at + 8);
    const originalLength = this.#word(at + 8);
    const most = from.snapLength === 0 ? originalLength : Math.min(originalLength, from.snapLength);
    this.#frames.push({
      number: this.#frames.length + 1,
      time: undefined,
      linkType: from.linkType,
      bytes: this.#bytes.subarray(at + 12, Math.min(at + 12 + most, end)),
      originalLength,
      direction: undefined,
      comments: [],
    });
  }

  /** What runs past its block is left alone. */
  #options(from: number, end: number, take: (code: number, at: number, length: number) => void): void {
    for (let at = from; at + 4 <= end; ) {
      const code = this.#half(at);
      const length = this.#half(at + 2);
      if (code === 0 || at + 4 + length > end) return;
      take(code, at + 4, length);
      at += 4 + ((length + 3) & ~3);
    }
  }

  #word(at: number): number {
    return this.#view.getUint32(at, this.#little);
  }

  #half(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

/** The IP packet in a frame; undefined if there is none, or if the link type is not known. */
export function ipPacketOf({ linkType, bytes }: CaptureFrame): Uint8Array | undefined {
  const at = ipOffset(linkType, bytes);
  if (at === undefined || at >= bytes.length) return undefined;
  const version = (bytes[at] ?? 0) >>> 4;
  return version === 4 || version === 6 ? bytes.subarray(at) : undefined;
}

function ipOffset(linkType: number, bytes: Uint8Array): number | undefined {
  const half = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const ifIp = (type: number, at: number): number | undefined =>
    type === IPV4 || type === IPV6 ? at : undefined;
  switch (linkType) {
    case 12:
    case 14:
    case 101: // RAW
    case 228:
    case 229:
      return 0;
    case 0: // NULL
    case 108: // LOOP
      return 4;
    case 113: // Linux cooked
      return ifIp(half(14), 16);
    case 276: // Linux cooked, version 2
      return ifIp(half(0), 20);
    case 1: {
      let at = 12;
      while (TAGS.has(half(at))) at += 4;
      return ifIp(half(at), at + 2);
    }
    default:
      return undefined;
  }
}
