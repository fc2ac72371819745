import { checksum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import type { Instant } from '../time.ts';
import { IPV4_HEADER_LENGTH, type IPv4Header } from '../wire/ipv4.ts';
import { IPV6_HEADER_LENGTH, type IPv6Header } from '../wire/ipv6.ts';
import { FRAGMENT_HEADER_LENGTH } from '../wire/ipv6-extensions.ts';
import type { HeaderChain } from './extension-headers.ts';
import { FragmentTable, type ReassemblyOwner } from './fragment-table.ts';

const LARGEST = 65_535;

/** Makes datagrams of fragments, IPv4 and IPv6 within the same bounds. */
export class Reassembly {
  readonly #owner: ReassemblyOwner;
  readonly #table: FragmentTable;

  constructor(context: HostContext, owner: ReassemblyOwner) {
    this.#owner = owner;
    this.#table = new FragmentTable(context, owner);
  }

  /** Bytes held, with what holding them costs. */
  get memory(): number {
    return this.#table.memory;
  }

  /** Datagrams in the making, or given up and not forgotten yet. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Takes the IPv4 fragment (head at the IP header, tail at the packet's end). When it completes its datagram, the whole: one packet
   * with its header rebuilt.
   */
  fragmentArrived(packet: PacketBuffer, header: IPv4Header): PacketBuffer | undefined {
    const { source, destination, protocol, identification, fragmentOffset: begin, moreFragments } = header;
    const at = packet.head + header.headerLength;
    const length = packet.tail - at;
    if (length === 0 || (moreFragments && length % 8 !== 0)) return this.#drop('IP_INHDR');
    // The "ping of death".
    if (IPV4_HEADER_LENGTH + begin + length > LARGEST) return this.#drop('FRAG_TOO_FAR');
    const whole = this.#table.add(packet, {
      key: `${source} ${destination} ${protocol} ${identification}`,
      source: String(source),
      at,
      begin,
      moreFragments,
      ecn: header.tos & 3,
      largest: LARGEST,
    });
    if (whole === undefined) return undefined;
    const { view, head, bytes } = whole.packet;
    view.setUint16(head + 2, whole.packet.length);
    view.setUint16(head + 6, 0);
    // RFC 3168 5.3: congestion met by one fragment was met by the datagram.
    if (whole.congested) view.setUint8(head + 1, view.getUint8(head + 1) | 0b11);
    view.setUint16(head + 10, 0);
    view.setUint16(head + 10, checksum(bytes, head, head + whole.headerLength));
    return whole.packet;
  }

  /**
   * Takes the IPv6 fragment whose fragment header `chain` has found; its length was checked by the caller, who reports what is wrong with it.
   * When it completes its datagram, the whole: one packet without fragment header [RFC 8200 4.5].
   */
  fragment6Arrived(packet: PacketBuffer, header: IPv6Header, chain: HeaderChain): PacketBuffer | undefined {
    const { fragment } = chain;
    if (fragment === undefined) return undefined;
    const { source, destination } = header;
    const whole = this.#table.add(packet, {
      key: `${source} ${destination} ${fragment.identification}`,
      source: `${source.a} ${source.b}`, // who is given a /64 has all its addresses
      at: fragment.at + FRAGMENT_HEADER_LENGTH,
      begin: fragment.fragmentOffset,
      moreFragments: fragment.moreFragments,
      ecn: header.trafficClass & 3,
      largest: LARGEST + IPV6_HEADER_LENGTH + FRAGMENT_HEADER_LENGTH,
    });
    if (whole === undefined) return undefined;
    return withoutFragmentHeader(whole.packet, whole.headerLength, whole.congested);
  }

  nextDeadline(): Instant {
    return this.#table.nextDeadline();
  }

  /** Forgets the datagrams whose time is up. */
  advance(): void {
    this.#table.advance();
  }

  #drop(reason: DropReason): undefined {
    this.#owner.drop(reason);
    return undefined;
  }
}

/** The headers, which end with the fragment header, move up by its length [RFC 8200 4.5]. */
function withoutFragmentHeader(packet: PacketBuffer, headerLength: number, congested: boolean): PacketBuffer {
  const { bytes, view } = packet;
  const fragmentAt = packet.head + headerLength - FRAGMENT_HEADER_LENGTH;
  const protocol = view.getUint8(fragmentAt);
  bytes.copyWithin(packet.head + FRAGMENT_HEADER_LENGTH, packet.head, fragmentAt);
  packet.head += FRAGMENT_HEADER_LENGTH;
  view.setUint8(namesLast(packet, fragmentAt + FRAGMENT_HEADER_LENGTH), protocol);
  view.setUint16(packet.head + 4, packet.length - IPV6_HEADER_LENGTH);
  if (congested) view.setUint8(packet.head + 1, view.getUint8(packet.head + 1) | 0x30);
  return packet;
}

/** Where the next-header byte of the last header before `end` is: of the IPv6 header, or of the last extension header. */
function namesLast({ view, head }: PacketBuffer, end: number): number {
  let namedAt = head + 6;
  for (let at = head + IPV6_HEADER_LENGTH; at < end; at += 8 + view.getUint8(at + 1) * 8) namedAt = at;
  return namedAt;
}
