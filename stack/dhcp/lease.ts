import { after, type Duration, type Instant, NEVER, seconds } from '../time.ts';
import { type IPv4Address, IPV4_ANY, isLoopback, isMulticast, prefixMask } from '../wire/address.ts';
import type { DhcpMessage } from '../wire/dhcp.ts';
import * as option from '../wire/dhcp-options.ts';
import { OPTION } from '../wire/dhcp-options.ts';

/** What a DHCP server gave us. */
export interface DhcpLease {
  readonly address: IPv4Address;
  /** 0..32 */
  readonly prefixLength: number;
  readonly server: IPv4Address;
  /** Default routers, best first. */
  readonly routers: readonly IPv4Address[];
  /** Other routes [RFC 3442]; with them the server's `routers` do not count, so a default route is here as well. */
  readonly routes: readonly option.ClasslessRoute[];
  readonly nameServers: readonly IPv4Address[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  /** In bytes, 576..65535; undefined: the server does not care [RFC 2132 5.1, where it may be as low as 68]. */
  readonly mtu: number | undefined;
  /** When to ask the server for more time (T1), when to ask all servers (T2), when the address is ours no more. */
  readonly renewAt: Instant;
  readonly rebindAt: Instant;
  readonly expiresAt: Instant;
}

/** 0xffffffff seconds are for ever [RFC 2131 3.3]. */
const FOR_EVER = 0xffff_ffff;
/** The smallest IPv4 packet that every host takes: no smaller MTU is believed, since none would make the host better off. */
const LEAST_MTU = 576;
/** Entries of a list that are kept. */
const MOST = 8;

/** The lease in an OFFER or ACK, its times counted from `since`; undefined if it is none that a host can use. */
export function leaseOf(message: DhcpMessage, since: Instant): DhcpLease | undefined {
  const { options, yiaddr } = message;
  const server = option.address(options, OPTION.serverIdentifier);
  const leaseTime = option.wholeNumber(options, OPTION.leaseTime, 4);
  if (server === undefined || !isHost(server) || leaseTime === undefined || leaseTime === 0) return undefined;
  const prefixLength = prefixOf(option.address(options, OPTION.subnetMask), yiaddr);
  if (!isHost(yiaddr) || prefixLength === undefined || !isOn(yiaddr, prefixLength)) return undefined;
  const classless = option.classlessRoutes(options);
  const mtu = option.wholeNumber(options, OPTION.interfaceMtu, 2);
  const usable = (list: readonly IPv4Address[]) => list.filter(isHost).slice(0, MOST);
  return {
    address: yiaddr,
    prefixLength,
    server,
    // RFC 3442: a client that understands the other option has to ignore this one then.
    routers: classless === undefined ? usable(option.addresses(options, OPTION.routers)) : [],
    routes: (classless ?? []).filter(({ router }) => router === IPV4_ANY || isHost(router)).slice(0, MOST),
    nameServers: usable(option.addresses(options, OPTION.nameServers)),
    domain: option.domainName(options),
    search: option.domainSearch(options).slice(0, MOST),
    mtu: mtu !== undefined && mtu >= LEAST_MTU ? mtu : undefined,
    ...times(options, leaseTime, since),
  };
}

/** T1 and T2 as the server has them, if they are in order; else half and seven eighths of the lease [RFC 2131 4.4.5]. */
function times(
  options: DhcpMessage['options'],
  leaseTime: number,
  since: Instant,
): Pick<DhcpLease, 'renewAt' | 'rebindAt' | 'expiresAt'> {
  if (leaseTime === FOR_EVER) return { renewAt: NEVER, rebindAt: NEVER, expiresAt: NEVER };
  const t1 = option.wholeNumber(options, OPTION.renewalTime, 4) ?? Math.floor(leaseTime / 2);
  const t2 = option.wholeNumber(options, OPTION.rebindingTime, 4) ?? Math.floor((leaseTime * 7) / 8);
  const ordered = t1 > 0 && t1 < t2 && t2 < leaseTime;
  const whole: Duration = seconds(leaseTime);
  return {
    renewAt: after(since, ordered ? seconds(t1) : ((whole / 2) as Duration)),
    rebindAt: after(since, ordered ? seconds(t2) : (Math.floor((whole / 8) * 7) as Duration)),
    expiresAt: after(since, whole),
  };
}

/** The length of a mask whose ones are in front; without a mask by the address's class [RFC 2131 4.3.1, RFC 791 3.2]. */
function prefixOf(mask: IPv4Address | undefined, address: IPv4Address): number | undefined {
  if (mask === undefined) return address >>> 31 === 0 ? 8 : address >>> 30 === 2 ? 16 : 24;
  for (let length = 1; length <= 32; length++) if (prefixMask(length) === mask) return length;
  return undefined;
}

/** An address that a host may have [RFC 1122 3.2.1.3]. */
function isHost(address: IPv4Address): boolean {
  return address >>> 24 !== 0 && !isLoopback(address) && !isMulticast(address) && address >>> 28 !== 0xf;
}

/** Neither the subnet itself nor its broadcast address. */
function isOn(address: IPv4Address, prefixLength: number): boolean {
  const hostBits = ~prefixMask(prefixLength) >>> 0;
  if (prefixLength > 30) return true; // RFC 3021 2.1
  const host = (address & hostBits) >>> 0;
  return host !== 0 && host !== hostBits;
}
