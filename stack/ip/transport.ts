/** What IP and the protocols above it say to each other. */

import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import type { Interface } from '../link/interface.ts';
import type { IcmpErrorKind } from '../tcp/events.ts';
import type { DropEvent } from '../trace.ts';
import type { IpAddress } from '../wire/address.ts';
import type { PathMtuCache } from './path-mtu.ts';
import type { Route, RouteTable } from './routes.ts';

/** What IP knows of a packet that arrived. */
export interface IpMeta {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** 0..255 */
  readonly protocol: number;
  /** 0..255 */
  readonly ttl: number;
  /** DSCP and ECN, 0..255. */
  readonly tos: number;
  readonly from: Interface;
  /** Sent to a broadcast or multicast address. */
  readonly broadcast: boolean;
  /** Where the IP header begins in the packet's `bytes`; extension headers may lie between it and the transport's. */
  readonly headerAt: number;
  /** It had a fragment header (IPv6). */
  readonly fragmented?: boolean;
}

/** A protocol above IP. */
export interface Transport {
  /** The packet's head is at the transport header, its tail at the end that the IP header names; valid during the call. */
  packetArrived(packet: PacketBuffer, meta: IpMeta): void;
  /**
   * An ICMP error about a packet of ours; `source` and `destination` as we sent it. `quoted`: its transport header's beginning,
   * at least 8 bytes. `mtu`: with `fragmentation-needed` the next hop's, 0 if it was not told.
   */
  icmpError(
    kind: IcmpErrorKind,
    source: IpAddress,
    destination: IpAddress,
    quoted: PacketBuffer,
    mtu: number,
  ): void;
}

/** What a sender says of a packet. */
export interface SendOptions {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** 0..255 */
  readonly protocol: number;
  /** 1..255; `settings.ip.ttl` by default. */
  readonly ttl?: number;
  /** DSCP and ECN, 0..255; 0 by default. */
  readonly tos?: number;
  /** No by default. */
  readonly dontFragment?: boolean;
  /** Of IPv6, 0..2^20-1; 0 by default: none. */
  readonly flowLabel?: number;
}

/** IP, as the protocols above it use it. */
export interface IpSender {
  readonly routes: RouteTable;
  readonly pathMtu: PathMtuCache;
  send(packet: PacketBuffer, options: SendOptions, route: Route): void;
  drop(layer: DropEvent['layer'], reason: DropReason, connection?: number): void;
  /** Whether one more ICMP error (or RST for an unknown port) may leave now; takes it into account if so. */
  takeErrorToken(): boolean;
  /** Whether `address` is one of the host's own, on any interface. */
  isLocal(address: IpAddress): boolean;
  /** Who takes packets of this protocol over this version of IP. */
  transport(protocol: number, version: 4 | 6): Transport | undefined;
}
