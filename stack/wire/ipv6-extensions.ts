/**
 * IPv6 extension headers, RFC 8200 4. Format only: what is to be done about one is `stack/ip/extension-headers.ts`.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';

/** Next-header values (IANA, "IPv6 Extension Header Types"). */
export const HOP_BY_HOP = 0;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const NO_NEXT_HEADER = 59;
export const DESTINATION_OPTIONS = 60;

/** The fragment header's length in bytes. */
export const FRAGMENT_HEADER_LENGTH = 8;

/** RFC 8200 4.5. */
export interface FragmentHeader {
  /** 0..255 */
  readonly nextHeader: number;
  /** In bytes: a multiple of 8, 0..65528. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  /** 0..2^32-1 */
  readonly identification: number;
}

/** Reads the 8 bytes at `at`, which have to be there. */
export function readFragment(view: DataView, at: number): FragmentHeader {
  const offset = view.getUint16(at + 2);
  return {
    nextHeader: view.getUint8(at),
    fragmentOffset: offset & 0xfff8,
    moreFragments: (offset & 1) !== 0,
    identification: view.getUint32(at + 4),
  };
}

/** Puts a fragment header in front of the packet, whose contents are the fragment. */
export function emitFragment(header: FragmentHeader, packet: PacketBuffer): void {
  const at = packet.push(FRAGMENT_HEADER_LENGTH);
  const { view } = packet;
  view.setUint8(at, header.nextHeader);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, header.fragmentOffset | (header.moreFragments ? 1 : 0));
  view.setUint32(at + 4, header.identification);
}

const PAD1 = 0;

/** What is to be done about the options of a header: `ok`, or about the one at `at`. */
export type OptionVerdict =
  | 'ok'
  | 'malformed'
  | { readonly at: number; readonly action: 'discard' | 'report' | 'report-unless-multicast' };

/**
 * Walks the options in `view[at..end)` [RFC 8200 4.2]. Those that are not known here (all but padding and the router alert, which says
 * nothing to a host) are skipped or not, as the two highest bits of their type want it.
 */
export function readOptions(view: DataView, at: number, end: number): OptionVerdict {
  for (let i = at; i < end; ) {
    const type = view.getUint8(i);
    if (type === PAD1) {
      i += 1;
      continue;
    }
    if (i + 2 > end) return 'malformed';
    const next = i + 2 + view.getUint8(i + 1);
    if (next > end) return 'malformed';
    if (type >>> 6 === 1) return { at: i, action: 'discard' };
    if (type >>> 6 === 2) return { at: i, action: 'report' };
    if (type >>> 6 === 3) return { at: i, action: 'report-unless-multicast' };
    i = next;
  }
  return 'ok';
}
