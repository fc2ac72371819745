/**
 * Router solicitations and advertisements, RFC 4861 4.1, 4.2 and 4.6, with the options of RFC 4191 (preference) and RFC 8106 (DNS). A
 * message here is a whole ICMPv6 message; its checksum is verified before, and computed by who sends it.
 */
import type { DropReason } from '../drop-reasons.ts';
import { type IPv6Address, IPV6_ANY, readIPv6, sameAddress, writeIPv6 } from './address.ts';
import { readDomainNames, writeDomainNames } from './domain-name.ts';
import { type MacAddress, readMac, writeMac } from './mac.ts';

/** ICMPv6 type of a solicitation. */
export const ROUTER_SOLICITATION = 133;
/** ICMPv6 type of an advertisement. */
export const ROUTER_ADVERTISEMENT = 134;
/** A lifetime of so many seconds has no end, RFC 4861 4.6.2. */
export const INFINITE_LIFETIME = 0xffff_ffff;

/** Prefix information, RFC 4861 4.6.2. Lifetimes in seconds, 0..2^32-1. */
export interface PrefixInformation {
  readonly prefix: IPv6Address;
  /** 0..128 */
  readonly prefixLength: number;
  /** L: the prefix's addresses are neighbours. */
  readonly onLink: boolean;
  /** A: make an address from it. */
  readonly autonomous: boolean;
  readonly validLifetime: number;
  readonly preferredLifetime: number;
}

/** RFC 8106 5.1. */
export interface RecursiveDnsServers {
  /** In seconds. */
  readonly lifetime: number;
  readonly servers: readonly IPv6Address[];
}

/** RFC 8106 5.2. */
export interface DnsSearchList {
  /** In seconds. */
  readonly lifetime: number;
  readonly domains: readonly string[];
}

/** A router advertisement. */
export interface RouterAdvertisement {
  /** 0: not said. */
  readonly hopLimit: number;
  /** M, O: addresses, other things by DHCPv6. */
  readonly managed: boolean;
  readonly otherConfiguration: boolean;
  /** RFC 4191 2.1. */
  readonly preference: 'low' | 'medium' | 'high';
  /** In seconds, 0..65535; 0: not a default router. */
  readonly routerLifetime: number;
  /** In milliseconds; 0: not said. */
  readonly reachableTime: number;
  readonly retransTimer: number;
  readonly sourceMac: MacAddress | undefined;
  /** In bytes, 0..2^32-1. */
  readonly mtu: number | undefined;
  readonly prefixes: readonly PrefixInformation[];
  readonly dnsServers: readonly RecursiveDnsServers[];
  readonly dnsSearch: readonly DnsSearchList[];
}

const ADVERTISEMENT_LENGTH = 16;
const SOLICITATION_LENGTH = 8;
const SOURCE_LINK_ADDRESS = 1;
const PREFIX_INFORMATION = 3;
const MTU = 5;
const RDNSS = 25;
const DNSSL = 31;
/** Servers and domains taken from one option. */
const MOST = 16;

/**
 * Reads an advertisement. An option of length 0, or one that is cut off, makes the whole message invalid [RFC 4861 6.1.2]; unknown ones
 * are skipped.
 */
export function parseAdvertisement(bytes: Uint8Array): RouterAdvertisement | DropReason {
  if (bytes.length < ADVERTISEMENT_LENGTH) return 'PKT_TOO_SMALL';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== ROUTER_ADVERTISEMENT || view.getUint8(1) !== 0) return 'INVALID_PROTO';
  const found: Options = { mac: undefined, mtu: undefined, prefixes: [], servers: [], search: [] };
  for (let at = ADVERTISEMENT_LENGTH; at < bytes.length; ) {
    const length = at + 2 <= bytes.length ? view.getUint8(at + 1) * 8 : 0;
    if (length === 0 || at + length > bytes.length) return 'INVALID_PROTO';
    readOption(bytes, view, at, length, found);
    at += length;
  }
  const flags = view.getUint8(5);
  return {
    hopLimit: view.getUint8(4),
    managed: (flags & 0x80) !== 0,
    otherConfiguration: (flags & 0x40) !== 0,
    preference: PREFERENCES[(flags >> 3) & 3] ?? 'medium',
    routerLifetime: view.getUint16(6),
    reachableTime: view.getUint32(8),
    retransTimer: view.getUint32(12),
    sourceMac: found.mac,
    mtu: found.mtu,
    prefixes: found.prefixes,
    dnsServers: found.servers,
    dnsSearch: found.search,
  };
}

/** By the two bits of RFC 4191 2.1; 2 is reserved and means medium. */
const PREFERENCES: readonly RouterAdvertisement['preference'][] = ['medium', 'high', 'medium', 'low'];

interface Options {
  mac: MacAddress | undefined;
  mtu: number | undefined;
  readonly prefixes: PrefixInformation[];
  readonly servers: RecursiveDnsServers[];
  readonly search: DnsSearchList[];
}

function readOption(bytes: Uint8Array, view: DataView, at: number, length: number, found: Options): void {
  switch (view.getUint8(at)) {
    case SOURCE_LINK_ADDRESS:
      if (length === 8) found.mac = readMac(view, at + 2);
      return;
    case MTU:
      if (length === 8) found.mtu = view.getUint32(at + 4);
      return;
    case PREFIX_INFORMATION:
      if (length === 32 && view.getUint8(at + 2) <= 128) found.prefixes.push(readPrefix(view, at));
      return;
    case RDNSS: {
      const count = Math.min(MOST, (length - 8) / 16);
      if (length < 24 || (length - 8) % 16 !== 0) return;
      const servers = Array.from({ length: count }, (_, index) => readIPv6(view, at + 8 + 16 * index));
      found.servers.push({ lifetime: view.getUint32(at + 4), servers });
      return;
    }
    case DNSSL: {
      const domains = length < 16 ? undefined : readDomainNames(bytes.subarray(at + 8, at + length), MOST);
      if (domains !== undefined) found.search.push({ lifetime: view.getUint32(at + 4), domains });
      return;
    }
    default:
  }
}

function readPrefix(view: DataView, at: number): PrefixInformation {
  const flags = view.getUint8(at + 3);
  return {
    prefix: readIPv6(view, at + 16),
    prefixLength: view.getUint8(at + 2),
    onLink: (flags & 0x80) !== 0,
    autonomous: (flags & 0x40) !== 0,
    validLifetime: view.getUint32(at + 4),
    preferredLifetime: view.getUint32(at + 8),
  };
}

/** A solicitation; with our Ethernet address unless it is sent from `::` [RFC 4861 4.1]. */
export function emitSolicitation(source: IPv6Address, mac: MacAddress | undefined): Uint8Array {
  const withMac = mac !== undefined && !sameAddress(source, IPV6_ANY);
  const bytes = new Uint8Array(SOLICITATION_LENGTH + (withMac ? 8 : 0));
  bytes[0] = ROUTER_SOLICITATION;
  if (withMac) writeSourceMac(new DataView(bytes.buffer), SOLICITATION_LENGTH, mac);
  return bytes;
}

/** An advertisement; its checksum is still 0. */
export function emitAdvertisement(given: RouterAdvertisement): Uint8Array {
  const options = [
    ...(given.sourceMac === undefined ? [] : [sourceMacOption(given.sourceMac)]),
    ...(given.mtu === undefined ? [] : [mtuOption(given.mtu)]),
    ...given.prefixes.map(prefixOption),
    ...given.dnsServers.map(serversOption),
    ...given.dnsSearch.map(searchOption),
  ];
  const bytes = new Uint8Array(options.reduce((sum, { length }) => sum + length, ADVERTISEMENT_LENGTH));
  const view = new DataView(bytes.buffer);
  bytes[0] = ROUTER_ADVERTISEMENT;
  bytes[4] = given.hopLimit;
  const preference = given.preference === 'medium' ? 0 : given.preference === 'high' ? 1 : 3;
  bytes[5] = (given.managed ? 0x80 : 0) | (given.otherConfiguration ? 0x40 : 0) | (preference << 3);
  view.setUint16(6, given.routerLifetime);
  view.setUint32(8, given.reachableTime);
  view.setUint32(12, given.retransTimer);
  let at = ADVERTISEMENT_LENGTH;
  for (const option of options) {
    bytes.set(option, at);
    at += option.length;
  }
  return bytes;
}

function option(type: number, length: number): DataView {
  const view = new DataView(new ArrayBuffer(Math.ceil(length / 8) * 8));
  view.setUint8(0, type);
  view.setUint8(1, view.byteLength / 8);
  return view;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}

function writeSourceMac(view: DataView, at: number, mac: MacAddress): void {
  view.setUint8(at, SOURCE_LINK_ADDRESS);
  view.setUint8(at + 1, 1);
  writeMac(view, at + 2, mac);
}

function sourceMacOption(mac: MacAddress): Uint8Array {
  const view = option(SOURCE_LINK_ADDRESS, 8);
  writeMac(view, 2, mac);
  return bytesOf(view);
}

function mtuOption(mtu: number): Uint8Array {
  const view = option(MTU, 8);
  view.setUint32(4, mtu);
  return bytesOf(view);
}

function prefixOption(given: PrefixInformation): Uint8Array {
  const view = option(PREFIX_INFORMATION, 32);
  view.setUint8(2, given.prefixLength);
  view.setUint8(3, (given.onLink ? 0x80 : 0) | (given.autonomous ? 0x40 : 0));
  view.setUint32(4, given.validLifetime);
  view.setUint32(8, given.preferredLifetime);
  writeIPv6(view, 16, given.prefix);
  return bytesOf(view);
}

function serversOption({ lifetime, servers }: RecursiveDnsServers): Uint8Array {
  const view = option(RDNSS, 8 + 16 * servers.length);
  view.setUint32(4, lifetime);
  for (const [index, server] of servers.entries()) writeIPv6(view, 8 + 16 * index, server);
  return bytesOf(view);
}

function searchOption({ lifetime, domains }: DnsSearchList): Uint8Array {
  const names = writeDomainNames(domains);
  const view = option(DNSSL, 8 + Math.max(8, names.length));
  view.setUint32(4, lifetime);
  const bytes = bytesOf(view);
  bytes.set(names, 8);
  return bytes;
}
