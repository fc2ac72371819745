import type { DropReason } from '../drop-reasons.ts';
import type { Interface } from '../link/interface.ts';
import {
  type IPv4Address,
  type IPv6Address,
  isBroadcast,
  isLoopback,
  isMulticast,
  isUnspecified,
  ipv4,
  mappedIPv4,
} from '../wire/address.ts';
import { isLinkScoped } from './source-address.ts';

/** Every host on the link is a member [RFC 1112 4]. */
const ALL_HOSTS: IPv4Address = ipv4(224, 0, 0, 1);

/** `host`: for us alone. `everyone`: for us among others. Otherwise why it is dropped. */
export type Admission = 'host' | 'everyone' | DropReason;

/** Whether a packet that came in by `from` is for us, and comes from someone who can have sent it [RFC 1122 3.2.1.3]. */
export function admit(
  source: IPv4Address,
  destination: IPv4Address,
  from: Interface,
  interfaces: readonly Interface[],
): Admission {
  // Who has no address yet asks everyone for one [RFC 1122 3.2.1.3 (a); RFC 2131 4.1].
  const asksForAddress = isUnspecified(source) && isBroadcast(destination);
  if (!asksForAddress && !isPossibleSource(source, interfaces)) return 'IP_INVALID_SOURCE';
  if (isOwn(destination, interfaces)) {
    // RFC 1122 3.3.6: a frame for everyone with a packet for one is a mistake, or an attack.
    return from.groupFrame ? 'OTHERHOST' : 'host';
  }
  if (isBroadcast(destination) || destination === ALL_HOSTS || from.isSubnetBroadcast(destination)) {
    return 'everyone';
  }
  return 'OTHERHOST';
}

function isOwn(address: IPv4Address, interfaces: readonly Interface[]): boolean {
  for (const own of interfaces) if (own.isLocal(address)) return true;
  return false;
}

/**
 * Not "this network" (0/8), loopback (127/8), multicast or reserved (224/3 and up), a subnet's broadcast; and not one of our own
 * addresses, whose packets never come from outside (LAND).
 */
function isPossibleSource(source: IPv4Address, interfaces: readonly Interface[]): boolean {
  if (isUnspecified(source) || source >>> 24 === 0 || isLoopback(source)) return false;
  if (isMulticast(source) || source >>> 28 === 0xf) return false;
  for (const own of interfaces) if (own.isLocal(source) || own.isSubnetBroadcast(source)) return false;
  return true;
}

/**
 * The same for IPv6. The unspecified address is the sender of duplicate address detection, which its protocol has to see to
 * [RFC 4291 2.5.2]; v4-mapped addresses never are on a wire, whoever writes them wants to get around a filter.
 */
export function admit6(
  source: IPv6Address,
  destination: IPv6Address,
  from: Interface,
  interfaces: readonly Interface[],
): Admission {
  if (isMulticast(source) || isLoopback(source) || mappedIPv4(source) !== undefined)
    return 'IP_INVALID_SOURCE';
  if (interfaces.some((own) => own.isLocal(source))) return 'IP_INVALID_SOURCE'; // LAND
  if (isMulticast(destination)) return from.isMember(destination) ? 'everyone' : 'OTHERHOST';
  // A link-local address is the one of that link [RFC 4291 2.5.6].
  const candidates = isLinkScoped(destination) ? [from] : interfaces;
  if (!candidates.some((own) => own.isLocal(destination))) return 'OTHERHOST';
  return from.groupFrame ? 'OTHERHOST' : 'host';
}
