import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { copyPacket } from '../../stack/link/copy-packet.ts';
import { fragment } from '../../stack/ip/fragment.ts';
import { type IPv4Address, IPv6Address, parseIPv4 } from '../../stack/wire/address.ts';
import { UNREACHABLE } from '../../stack/wire/icmp.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
import { icmp6ErrorAbout, icmpErrorAbout } from '../network/icmp-error.ts';
import type { PathMtu } from './impairments.ts';
import type { LinkReason } from './link-event.ts';

/** Where a hidden router's ICMP errors come from [RFC 7600 6: the dummy address of a node without one]. */
const DUMMY: IPv4Address = parseIPv4('192.0.0.8') ?? (0 as IPv4Address);

/** The same for IPv6: of the prefix that goes nowhere [RFC 6666]. */
const DUMMY_V6: IPv6Address = new IPv6Address(0x0100_0000, 0, 0, 8);

/** What becomes of a packet that is too big for the path. */
export interface TooBig {
  /** The pieces that go on; empty: it is lost. */
  readonly pieces: readonly PacketBuffer[];
  readonly reason: LinkReason | undefined;
  /** The ICMP error that goes back. */
  readonly error: PacketBuffer | undefined;
}

/** Looks at an IP packet; undefined if it is small enough. */
export function tooBigFor(packet: PacketBuffer, mtu: PathMtu): TooBig | undefined {
  if (packet.length <= mtu.bytes) return undefined;
  if (mtu.tooBig === 'black-hole') return { pieces: [], reason: 'LINK_BLACK_HOLE', error: undefined };
  if (isVersion6(packet)) return refuse6(packet, mtu.bytes, DUMMY_V6);
  return cutOrRefuse(packet, mtu.bytes, DUMMY);
}

/** IPv6 routers cut nothing: the sender is told by an error from `from` [RFC 8200 5; RFC 4443 3.2]. */
export function refuse6(packet: PacketBuffer, mtu: number, from: IPv6Address): TooBig {
  return {
    pieces: [],
    reason: 'LINK_MTU',
    error: icmp6ErrorAbout(packet, { type: 'packet-too-big', mtu }, from),
  };
}

function isVersion6({ view, head, tail }: PacketBuffer): boolean {
  return head < tail && view.getUint8(head) >>> 4 === 6;
}

/** As a router does it [RFC 1812 5.3.1, RFC 1191 4]: fragments, or with DF an error from `from`. */
export function cutOrRefuse(packet: PacketBuffer, mtu: number, from: IPv4Address): TooBig {
  const header = ipv4.parse(packet);
  if (typeof header === 'string') return { pieces: [], reason: 'LINK_MALFORMED', error: undefined };
  if (header.dontFragment || header.headerLength > ipv4.IPV4_HEADER_LENGTH) {
    const message = { type: 'unreachable', code: UNREACHABLE.fragmentationNeeded, nextHopMtu: mtu } as const;
    return { pieces: [], reason: 'LINK_MTU', error: icmpErrorAbout(packet, message, from) };
  }
  const payload = copyPacket(packet, 16);
  payload.head += header.headerLength;
  return { pieces: refragmented(header, payload, mtu), reason: undefined, error: undefined };
}

/** `fragment` begins at offset 0 and ends the packet: what is a fragment already keeps its place and its "more" bit. */
function refragmented(header: ipv4.IPv4Header, payload: PacketBuffer, mtu: number): PacketBuffer[] {
  const pieces = fragment(header, payload, mtu, 16);
  if (header.fragmentOffset === 0 && !header.moreFragments) return pieces;
  return pieces.map((piece, index) => {
    const own = ipv4.parse(piece);
    if (typeof own === 'string') return piece;
    piece.head += ipv4.IPV4_HEADER_LENGTH;
    const last = index === pieces.length - 1;
    ipv4.emit(
      {
        ...own,
        fragmentOffset: header.fragmentOffset + own.fragmentOffset,
        moreFragments: last ? header.moreFragments : true,
      },
      piece,
    );
    return piece;
  });
}
