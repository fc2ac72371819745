import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { isMulticast } from '../wire/address.ts';
import { IPV6_HEADER_LENGTH, type IPv6Header } from '../wire/ipv6.ts';
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  FRAGMENT_HEADER_LENGTH,
  type FragmentHeader,
  HOP_BY_HOP,
  NO_NEXT_HEADER,
  readFragment,
  readOptions,
  ROUTING,
} from '../wire/ipv6-extensions.ts';

/** Where the extension headers of a packet end. */
export interface HeaderChain {
  /** The protocol that follows: 0..255. For a fragment other than the first it means nothing. */
  readonly protocol: number;
  /** Where its header begins in the packet's `bytes`. */
  readonly at: number;
  /** Where the byte is that names the protocol. */
  readonly nextHeaderAt: number;
  /** The fragment header that was met, and where. */
  readonly fragment: (FragmentHeader & { readonly at: number; readonly namedAt: number }) | undefined;
}

/** A packet that goes no further, and what its sender is to be told, if anything: a parameter problem [RFC 4443 3.4]. */
export interface HeaderRefusal {
  readonly reason: DropReason;
  readonly problem?: { readonly code: number; readonly at: number; readonly evenToMulticast?: boolean };
}

/** Codes of a parameter problem: RFC 4443 3.4, and RFC 7112 5. */
export const ERRONEOUS_FIELD = 0;
export const UNKNOWN_NEXT_HEADER = 1;
export const UNKNOWN_OPTION = 2;
export const INCOMPLETE_CHAIN = 3;

const MALFORMED: HeaderRefusal = { reason: 'IPV6_BAD_EXTHDR' };

/**
 * Walks the extension headers of a packet for us in their order [RFC 8200 4], at most `limit` of them. The head is at the IPv6 header, the
 * tail where its payload ends. A fragment other than the first is left alone behind its fragment header.
 */
export function walkHeaders(
  packet: PacketBuffer,
  header: IPv6Header,
  limit: number,
): HeaderChain | HeaderRefusal {
  const { view, head, tail } = packet;
  const multicast = isMulticast(header.destination);
  let protocol = header.nextHeader;
  let nextHeaderAt = head + 6;
  let at = head + IPV6_HEADER_LENGTH;
  let fragment: HeaderChain['fragment'];
  for (let count = 0; isExtension(protocol); count++) {
    const first = nextHeaderAt === head + 6;
    // RFC 8200 4: hop-by-hop options anywhere else are like a protocol that is not known.
    if (protocol === HOP_BY_HOP && !first)
      return { reason: 'IPV6_BAD_EXTHDR', problem: { code: UNKNOWN_NEXT_HEADER, at: nextHeaderAt - head } };
    if (count >= limit || (protocol === FRAGMENT && fragment !== undefined)) return MALFORMED;
    if (at + 8 > tail) return truncated(fragment);
    if (protocol === FRAGMENT) {
      fragment = { ...readFragment(view, at), at, namedAt: nextHeaderAt };
      protocol = fragment.nextHeader;
      nextHeaderAt = at;
      at += FRAGMENT_HEADER_LENGTH;
      if (fragment.fragmentOffset > 0) break;
      continue;
    }
    const end = at + 8 + view.getUint8(at + 1) * 8;
    if (end > tail) return truncated(fragment);
    const refusal =
      protocol === ROUTING ? checkRouting(packet, at) : checkOptions(packet, at + 2, end, multicast);
    if (refusal !== undefined) return refusal;
    protocol = view.getUint8(at);
    nextHeaderAt = at;
    at = end;
  }
  return { protocol, at, nextHeaderAt, fragment };
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === DESTINATION_OPTIONS
  );
}

/** In a first fragment the chain has to be whole [RFC 8200 4.5; RFC 7112 5]. */
function truncated(fragment: HeaderChain['fragment']): HeaderRefusal {
  if (fragment?.moreFragments !== true) return MALFORMED;
  return { reason: 'IPV6_BAD_EXTHDR', problem: { code: INCOMPLETE_CHAIN, at: 0 } };
}

/** No routing type is known here, type 0 least of all [RFC 8200 4.4; RFC 5095 3]: passed over if it has done its work already. */
function checkRouting({ view, head }: PacketBuffer, at: number): HeaderRefusal | undefined {
  if (view.getUint8(at + 3) === 0) return undefined;
  return { reason: 'IPV6_BAD_EXTHDR', problem: { code: ERRONEOUS_FIELD, at: at + 2 - head } };
}

function checkOptions(
  { view, head }: PacketBuffer,
  at: number,
  end: number,
  multicast: boolean,
): HeaderRefusal | undefined {
  const verdict = readOptions(view, at, end);
  if (verdict === 'ok') return undefined;
  if (verdict === 'malformed' || verdict.action === 'discard') return MALFORMED;
  if (verdict.action === 'report-unless-multicast' && multicast) return MALFORMED;
  const problem = { code: UNKNOWN_OPTION, at: verdict.at - head, evenToMulticast: true };
  return { reason: 'IPV6_BAD_EXTHDR', problem };
}

/** The fewest bytes of an upper header that its protocol can do with; unknown protocols are taken to have one byte. */
const UPPER_HEADERS: ReadonlyMap<number, number> = new Map([
  [6, 20],
  [17, 8],
  [58, 8],
  [NO_NEXT_HEADER, 0],
]);

/** Whether a first fragment has all headers up to the upper one [RFC 8200 4.5; RFC 7112 5]. */
export function hasUpperHeader({ protocol, at }: HeaderChain, tail: number): boolean {
  return at + (UPPER_HEADERS.get(protocol) ?? 1) <= tail;
}

/**
 * Where the upper header is in a packet that somebody quotes, which may be cut off anywhere; undefined if it cannot be found. Asks nothing of
 * the headers before it.
 */
export function findUpper(
  packet: PacketBuffer,
  limit: number,
): { readonly protocol: number; readonly at: number; readonly later: boolean } | undefined {
  const { view, head, tail } = packet;
  if (tail - head < IPV6_HEADER_LENGTH) return undefined;
  let protocol = view.getUint8(head + 6);
  let at = head + IPV6_HEADER_LENGTH;
  for (let count = 0; isExtension(protocol); count++) {
    if (count >= limit || at + 8 > tail) return undefined;
    if (protocol === FRAGMENT) {
      const { nextHeader, fragmentOffset } = readFragment(view, at);
      if (fragmentOffset > 0) return { protocol: nextHeader, at: at + 8, later: true };
    }
    const length = protocol === FRAGMENT ? FRAGMENT_HEADER_LENGTH : 8 + view.getUint8(at + 1) * 8;
    protocol = view.getUint8(at);
    at += length;
  }
  return { protocol, at, later: false };
}
