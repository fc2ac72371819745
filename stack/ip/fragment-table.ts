import { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { after, type Instant, NEVER } from '../time.ts';

/** What becomes of fragments, other than a whole datagram. */
export interface ReassemblyOwner {
  drop(reason: DropReason): void;
  /**
   * The time for a datagram is up, and its first fragment is here: `first` is a packet with that fragment's header and bytes
   * [RFC 792, time exceeded code 1; RFC 1122 3.3.2].
   */
  timedOut(first: PacketBuffer): void;
}

/** What the table has to know of a fragment. */
export interface Fragment {
  /** The same for all fragments of one datagram, and for no others. */
  readonly key: string;
  /** Who is held to account for it. */
  readonly source: string;
  /** Where the packet's part of the payload begins in its `bytes`. */
  readonly at: number;
  /** Where it lies in the datagram, in bytes: a multiple of 8. */
  readonly begin: number;
  readonly moreFragments: boolean;
  /** 0..3 [RFC 3168 5.3]. */
  readonly ecn: number;
  /** What headers and payload together may have in bytes. */
  readonly largest: number;
}

/** A datagram that is whole: the first fragment's headers as they came, then the payload. */
export interface Reassembled {
  readonly packet: PacketBuffer;
  /** Bytes of headers. */
  readonly headerLength: number;
  /** Some fragment had met congestion [RFC 3168 5.3]. */
  readonly congested: boolean;
}

/** A datagram in the making. */
interface Datagram {
  readonly key: string;
  readonly source: string;
  readonly deadline: Instant;
  /** Payloads of the fragments, by their offset; undefined: given up, see `#giveUp`. */
  pieces: Map<number, Uint8Array> | undefined;
  /** One bit for each 8 payload bytes received: RFC 791 3.2's fragment block bit table. */
  blocks: Uint32Array;
  /** Bits set. */
  received: number;
  /** Payload bytes of the whole; undefined until the last fragment came. */
  total: number | undefined;
  /** Payload end of the furthest fragment. */
  furthest: number;
  /** The first fragment's header; undefined: it has not come. */
  header: Uint8Array | undefined;
  /** ECN codepoints seen: bit n for codepoint n [RFC 3168 5.3]. */
  ecn: number;
  /** What it counts for in bytes. */
  size: number;
  /** Its neighbours in age. */
  older: Datagram | undefined;
  newer: Datagram | undefined;
}

/** What a datagram and a fragment cost beside their bytes (objects, keys, table entries), roughly. */
const DATAGRAM_OVERHEAD = 1_024;
const FRAGMENT_OVERHEAD = 192;

/**
 * Puts fragments of either IP version together [RFC 791 3.2, RFC 815; RFC 8200 4.5]. Work per fragment is bounded by its length,
 * whatever came before (FragmentSmack, CVE-2018-5391), and so is memory: in all, and in datagrams per source; the oldest datagram has to
 * go. A datagram with overlapping or contradicting fragments is dropped as a whole [RFC 5722 4]; only an exact copy of a fragment is
 * ignored.
 */
export class FragmentTable {
  readonly #context: HostContext;
  readonly #owner: ReassemblyOwner;
  readonly #datagrams: Map<string, Datagram> = new Map();
  readonly #bySource: Map<string, Set<Datagram>> = new Map();
  /** Ends of the list by age, which is the order of deadlines too, since all wait equally long. */
  #oldest: Datagram | undefined;
  #newest: Datagram | undefined;
  #memory: number = 0;

  constructor(context: HostContext, owner: ReassemblyOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  /** Bytes held, with what holding them costs. */
  get memory(): number {
    return this.#memory;
  }

  /** Datagrams in the making, or given up and not forgotten yet. */
  get size(): number {
    return this.#datagrams.size;
  }

  /** Takes the fragment (head at the IP header, tail at the packet's end). When it completes its datagram, the whole. */
  add(packet: PacketBuffer, fragment: Fragment): Reassembled | undefined {
    const { at, begin, moreFragments, ecn } = fragment;
    const length = packet.tail - at;
    const end = begin + length;
    const datagram = this.#find(fragment);
    const { pieces } = datagram;
    if (pieces === undefined) return this.#drop('FRAG_TOO_FAR');
    if (isCopy(pieces.get(begin), packet, at)) return this.#drop('FRAG_TOO_FAR');
    if (contradicts(datagram, begin, end, moreFragments) || !markBlocks(datagram, begin, end)) {
      return this.#giveUp(datagram);
    }
    pieces.set(begin, packet.bytes.slice(at, packet.tail));
    if (begin === 0) datagram.header = packet.bytes.slice(packet.head, at);
    if (!moreFragments) datagram.total = end;
    datagram.furthest = Math.max(datagram.furthest, end);
    datagram.ecn |= 1 << ecn;
    if (datagram.received * 8 >= (datagram.total ?? Number.POSITIVE_INFINITY))
      return this.#finish(datagram, fragment.largest);
    this.#count(datagram, length + FRAGMENT_OVERHEAD);
    this.#limitMemory(datagram);
    return undefined;
  }

  nextDeadline(): Instant {
    return this.#oldest?.deadline ?? NEVER;
  }

  /** Forgets the datagrams whose time is up. */
  advance(): void {
    for (let oldest = this.#oldest; oldest !== undefined; oldest = this.#oldest) {
      if (oldest.deadline > this.#context.now) return;
      this.#remove(oldest);
      if (oldest.pieces === undefined) continue;
      this.#owner.drop('FRAG_REASM_TIMEOUT');
      const first = oldest.pieces.get(0);
      if (oldest.header !== undefined && first !== undefined) {
        this.#owner.timedOut(join(oldest.header, [[0, first]], first.length));
      }
    }
  }

  #drop(reason: DropReason): undefined {
    this.#owner.drop(reason);
    return undefined;
  }

  #find({ key, source }: Fragment): Datagram {
    const known = this.#datagrams.get(key);
    if (known !== undefined) return known;
    const ofSource = this.#bySource.get(source) ?? new Set();
    if (ofSource.size >= this.#context.settings.ip.reassemblyPerSource) {
      for (const oldest of ofSource) {
        this.#evict(oldest);
        break;
      }
    }
    const datagram: Datagram = {
      key,
      source,
      deadline: after(this.#context.now, this.#context.settings.ip.reassemblyTimeout),
      pieces: new Map(),
      blocks: new Uint32Array(0),
      received: 0,
      total: undefined,
      furthest: 0,
      header: undefined,
      ecn: 0,
      size: 0,
      older: this.#newest,
      newer: undefined,
    };
    if (this.#newest === undefined) this.#oldest = datagram;
    else this.#newest.newer = datagram;
    this.#newest = datagram;
    this.#datagrams.set(key, datagram);
    ofSource.add(datagram);
    this.#bySource.set(source, ofSource);
    this.#count(datagram, DATAGRAM_OVERHEAD);
    return datagram;
  }

  #count(datagram: Datagram, bytes: number): void {
    datagram.size += bytes;
    this.#memory += bytes;
    this.#context.memory.add('reassembly', bytes);
  }

  #limitMemory(keep: Datagram): void {
    while (this.#memory > this.#context.settings.ip.reassemblyMemory) {
      const oldest = this.#oldest === keep ? keep.newer : this.#oldest;
      this.#evict(oldest ?? keep);
    }
  }

  #evict(datagram: Datagram): void {
    this.#remove(datagram);
    if (datagram.pieces !== undefined) this.#owner.drop('FRAG_LIMIT');
  }

  #finish(datagram: Datagram, largest: number): Reassembled | undefined {
    const { pieces, total, header } = datagram;
    if (pieces === undefined || total === undefined || header === undefined) return undefined;
    this.#remove(datagram);
    if (header.length + total > largest) return this.#drop('FRAG_TOO_FAR'); // the first fragment had more headers
    const packet = join(header, pieces, total);
    return { packet, headerLength: header.length, congested: (datagram.ecn & 0b1000) !== 0 };
  }

  /**
   * Drops what is here, and remembers the datagram until its time is up, so that fragments still to come are dropped too and
   * make no second, different datagram [RFC 5722 4].
   */
  #giveUp(datagram: Datagram): undefined {
    this.#count(datagram, DATAGRAM_OVERHEAD - datagram.size);
    datagram.pieces = undefined;
    datagram.header = undefined;
    datagram.blocks = new Uint32Array(0);
    return this.#drop('FRAG_TOO_FAR');
  }

  #remove(datagram: Datagram): void {
    const { older, newer } = datagram;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    this.#datagrams.delete(datagram.key);
    const ofSource = this.#bySource.get(datagram.source);
    ofSource?.delete(datagram);
    if (ofSource?.size === 0) this.#bySource.delete(datagram.source);
    this.#memory -= datagram.size;
    this.#context.memory.add('reassembly', -datagram.size);
  }
}

/** A packet of a header and `total` payload bytes, given in pieces by their offsets. */
function join(
  header: Uint8Array,
  pieces: Iterable<readonly [number, Uint8Array]>,
  total: number,
): PacketBuffer {
  const packet = PacketBuffer.allocate(header.length + total);
  packet.bytes.set(header);
  for (const [offset, piece] of pieces) packet.bytes.set(piece, header.length + offset);
  packet.tail = header.length + total;
  return packet;
}

/** Whether a fragment says something else about the datagram's end than others did. */
function contradicts(datagram: Datagram, begin: number, end: number, moreFragments: boolean): boolean {
  const { total, furthest } = datagram;
  if (!moreFragments) return total === undefined ? end < furthest : end !== total;
  return total !== undefined && (end > total || begin >= total);
}

/** Marks the blocks of `begin..end`, and tells whether none of them was marked before. */
function markBlocks(datagram: Datagram, begin: number, end: number): boolean {
  const first = begin >>> 3;
  const last = (end + 7) >>> 3;
  if (datagram.blocks.length * 32 < last) {
    const grown = new Uint32Array(Math.max((last + 31) >>> 5, Math.min(256, 2 * datagram.blocks.length)));
    grown.set(datagram.blocks);
    datagram.blocks = grown;
  }
  const { blocks } = datagram;
  for (let block = first; block < last; block++) {
    const bit = 1 << (block & 31);
    const word = blocks[block >>> 5] ?? 0;
    if ((word & bit) !== 0) return false;
    blocks[block >>> 5] = word | bit;
  }
  datagram.received += last - first;
  return true;
}

/** Whether the bytes from `at` to the packet's end are exactly this piece. */
function isCopy(piece: Uint8Array | undefined, packet: PacketBuffer, at: number): boolean {
  if (piece === undefined || piece.length !== packet.tail - at) return false;
  for (let i = 0; i < piece.length; i++) if (piece[i] !== packet.bytes[at + i]) return false;
  return true;
}
