import type { Random } from '../random.ts';
import type { MacAddress } from '../wire/address.ts';
import type { IdentifierKind } from './ndp.ts';

/** What may differ from one interface to another. */
export interface InterfaceOptions {
  /** On Ethernet; a random locally administered one if there is none. */
  readonly mac?: MacAddress;
  /**
   * On Ethernet: IPv6 from the start, with a link-local address; otherwise it begins with the first IPv6 address, and a link-local one is made
   * unless there is one.
   */
  readonly ipv6?: boolean;
  /** How link-local and stateless addresses are made: `stable` by default [RFC 7217]. */
  readonly identifiers?: IdentifierKind;
  /** 16 bytes that make `stable` addresses the same each time; random by default. */
  readonly stableSecret?: Uint8Array;
}

/** A unicast address with the "locally administered" bit [IEEE 802 8.4]. */
export function randomMac(random: Random): MacAddress {
  return (0x0200_0000_0000 + (random.u32() & 0xff) * 0x1_0000_0000 + random.u32()) as MacAddress;
}
