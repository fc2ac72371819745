import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { Instant } from '../time.ts';
import type { IpAddress, MacAddress } from '../wire/address.ts';

/** How an interface finds the Ethernet addresses of its neighbours: `Neighbours` (ARP) for IPv4, `Neighbours6` (NDP) for IPv6. */
export interface NeighbourCache<Address extends IpAddress> {
  /** Entries learnt; static ones are not among them. */
  readonly size: number;
  /** Sets an address that nothing heard changes or evicts [attacks.md B9]. */
  addStatic(address: Address, mac: MacAddress): void;
  /** The Ethernet address to send to now; undefined: not known, `hold` the packet. */
  resolve(address: Address): MacAddress | undefined;
  /** Keeps a copy of `packet` until `address` is resolved, and asks for it. */
  hold(packet: PacketBuffer, address: Address, headroom: number): void;
  /** What is known of `address` may be wrong: it is asked again. */
  doubt(address: Address): void;
  nextDeadline(): Instant;
  /** Does what is due at `context.now`. */
  advance(): void;
}
