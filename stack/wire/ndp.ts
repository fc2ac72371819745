/**
 * Neighbour solicitation and advertisement, and the options of neighbour discovery, RFC 4861 4. They are ICMPv6 messages: here is what
 * follows the four bytes of type, code and checksum. Router messages are not here, but their options are walked here too.
 */
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type IPv6Address, isMulticast, readIPv6, writeIPv6 } from './address.ts';
import type { IcmpOther } from './icmp.ts';
import { type MacAddress, readMac, writeMac } from './mac.ts';

/** ICMPv6 types. */
export const NEIGHBOUR_SOLICITATION = 135;
export const NEIGHBOUR_ADVERTISEMENT = 136;
export const NDP_REDIRECT = 137;

/** Options (IANA, "IPv6 Neighbor Discovery Option Formats"). */
export const SOURCE_LINK_LAYER_ADDRESS = 1;
export const TARGET_LINK_LAYER_ADDRESS = 2;

/** RFC 4861 4.3. */
export interface NeighbourSolicitation {
  readonly type: 'solicitation';
  readonly target: IPv6Address;
  /** The asker's Ethernet address, if it says it. */
  readonly mac: MacAddress | undefined;
}

/** RFC 4861 4.4. */
export interface NeighbourAdvertisement {
  readonly type: 'advertisement';
  readonly target: IPv6Address;
  /** The target's Ethernet address, if it is said. */
  readonly mac: MacAddress | undefined;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

export type NeighbourMessage = NeighbourSolicitation | NeighbourAdvertisement;

const ROUTER = 0x8000_0000;
const SOLICITED = 0x4000_0000;
const OVERRIDE = 0x2000_0000;
const TARGET_LENGTH = 16;
const OPTION_LENGTH = 8;

/** An option: `at` is where its type byte is, `length` its bytes in all, a multiple of 8. */
export interface NdpOption {
  readonly type: number;
  readonly at: number;
  readonly length: number;
}

/** The options in `view[at..end)`; undefined if one has no length or too much, so that the message has to be dropped [RFC 4861 4.6, 7.1]. */
export function readNdpOptions(view: DataView, at: number, end: number): readonly NdpOption[] | undefined {
  const options: NdpOption[] = [];
  for (let i = at; i < end; ) {
    if (i + 8 > end) return undefined;
    const length = view.getUint8(i + 1) * 8;
    if (length === 0 || i + length > end) return undefined;
    options.push({ type: view.getUint8(i), at: i, length });
    i += length;
  }
  return options;
}

/** The Ethernet address in the first option of this type that can hold one [RFC 2464 6]. */
export function linkLayerAddress(
  view: DataView,
  options: readonly NdpOption[],
  type: number,
): MacAddress | undefined {
  const option = options.find((each) => each.type === type && each.length === OPTION_LENGTH);
  return option === undefined ? undefined : readMac(view, option.at + 2);
}

/**
 * Reads a neighbour solicitation or advertisement: its ICMPv6 header and the body from `bodyAt` to the packet's end, with the checks of RFC
 * 4861 7.1.1 and 7.1.2 that need no IP header.
 */
export function parse(
  message: IcmpOther,
  packet: PacketBuffer,
  bodyAt: number,
): NeighbourMessage | DropReason {
  const { view, tail } = packet;
  if (message.code !== 0) return 'INVALID_PROTO';
  if (tail - bodyAt < TARGET_LENGTH) return 'PKT_TOO_SMALL';
  const target = readIPv6(view, bodyAt);
  if (isMulticast(target)) return 'INVALID_PROTO';
  const options = readNdpOptions(view, bodyAt + TARGET_LENGTH, tail);
  if (options === undefined) return 'IPV6_NDISC_BAD_OPTIONS';
  if (message.typeNumber === NEIGHBOUR_SOLICITATION)
    return { type: 'solicitation', target, mac: linkLayerAddress(view, options, SOURCE_LINK_LAYER_ADDRESS) };
  if (message.typeNumber !== NEIGHBOUR_ADVERTISEMENT) return 'UNHANDLED_PROTO';
  return {
    type: 'advertisement',
    target,
    mac: linkLayerAddress(view, options, TARGET_LINK_LAYER_ADDRESS),
    router: (message.rest & ROUTER) !== 0,
    solicited: (message.rest & SOLICITED) !== 0,
    override: (message.rest & OVERRIDE) !== 0,
  };
}

/** Puts the message's body in front of the packet, which is empty as a rule, and returns the header that `icmpv6.emit` is to put before it. */
export function emitBody(message: NeighbourMessage, packet: PacketBuffer): IcmpOther {
  const { view } = packet;
  const solicitation = message.type === 'solicitation';
  if (message.mac !== undefined) {
    const at = packet.push(OPTION_LENGTH);
    view.setUint8(at, solicitation ? SOURCE_LINK_LAYER_ADDRESS : TARGET_LINK_LAYER_ADDRESS);
    view.setUint8(at + 1, 1);
    writeMac(view, at + 2, message.mac);
  }
  writeIPv6(view, packet.push(TARGET_LENGTH), message.target);
  if (solicitation) return { type: 'other', typeNumber: NEIGHBOUR_SOLICITATION, code: 0, rest: 0 };
  const { router, solicited, override } = message;
  const rest = (router ? ROUTER : 0) + (solicited ? SOLICITED : 0) + (override ? OVERRIDE : 0);
  return { type: 'other', typeNumber: NEIGHBOUR_ADVERTISEMENT, code: 0, rest };
}
