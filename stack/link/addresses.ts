import {
  type IpAddress,
  type IPv4Address,
  IPv6Address,
  isBroadcast,
  isIPv4,
  isMulticast,
  prefixMask,
  sameAddress,
  sameSubnet,
} from '../wire/address.ts';

/**
 * What may be done with an address [RFC 4862 2]. `tentative`: nothing, it may be somebody else's. `preferred`: everything. `deprecated`:
 * it receives, but new connections avoid it. `duplicated`: somebody else has it; it is kept to be seen and is never used.
 */
export type AddressState = 'tentative' | 'preferred' | 'deprecated' | 'duplicated';

/** An address of an interface, and how many of its leading bits name the subnet: 0..32, 0..128. */
export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly prefixLength: number;
  /**
   * By default `preferred`; IPv6 addresses on Ethernet begin as `tentative` until duplicate address detection is through. Who says
   * `preferred` there goes without it.
   */
  readonly state?: AddressState;
  /**
   * Whether all addresses with the same prefix are neighbours, so that a route leads there; yes by default. An address that was made from
   * an advertised prefix says nothing of that [RFC 5942 4].
   */
  readonly onLink?: boolean;
}

/** An address as the interface has it. */
export interface OwnAddress extends InterfaceAddress {
  readonly state: AddressState;
  readonly onLink: boolean;
}

/** What happened to an address. */
export interface AddressChange {
  readonly what: 'added' | 'removed' | 'state';
  /** As it is now, or was last. */
  readonly address: OwnAddress;
}

/** ff02::1 */
export const ALL_NODES: IPv6Address = new IPv6Address(0xff02_0000, 0, 0, 1);

/** The group to ask for `address` in: ff02::1:ff00:0/104 and its last 24 bits [RFC 4291 2.7.1]. */
export function solicitedNode(address: IPv6Address): IPv6Address {
  return new IPv6Address(0xff02_0000, 0, 1, 0xff00_0000 | (address.d & 0xff_ffff));
}

/** The addresses of one interface. */
export class AddressList {
  readonly #changed: (change: AddressChange) => void;
  #all: readonly OwnAddress[] = [];
  /** Those that packets may be sent to. */
  #usable: readonly OwnAddress[] = [];

  /** `changed` is called after each change. */
  constructor(changed: (change: AddressChange) => void) {
    this.#changed = changed;
  }

  get all(): readonly OwnAddress[] {
    return this.#all;
  }

  find(address: IpAddress): OwnAddress | undefined {
    return this.#all.find((own) => sameAddress(own.address, address));
  }

  /** Adds an address; one that is there already gets the new prefix length and state. */
  add(added: OwnAddress): void {
    if (isMulticast(added.address) || isBroadcast(added.address))
      throw new RangeError('a multicast or broadcast address belongs to no single host');
    const known = this.find(added.address);
    this.#set([...this.#all.filter((own) => own !== known), added]);
    this.#changed({ what: 'added', address: added });
  }

  /** False if it was not there. */
  remove(address: IpAddress): boolean {
    const known = this.find(address);
    if (known === undefined) return false;
    this.#set(this.#all.filter((own) => own !== known));
    this.#changed({ what: 'removed', address: known });
    return true;
  }

  /** False if the address is not there. No change is announced if it is in that state already. */
  setState(address: IpAddress, state: AddressState): boolean {
    const known = this.find(address);
    if (known === undefined) return false;
    if (known.state === state) return true;
    const changed: OwnAddress = { ...known, state };
    this.#set(this.#all.map((own) => (own === known ? changed : own)));
    this.#changed({ what: 'state', address: changed });
    return true;
  }

  /** Whether `address` is one of these, and in use [RFC 4862 5.4: a tentative address is not assigned]. */
  isLocal(address: IpAddress): boolean {
    for (const own of this.#usable) if (sameAddress(own.address, address)) return true;
    return false;
  }

  /** Whether `address` is on a subnet of these that is known to be the link's. */
  isOnLink(address: IpAddress): boolean {
    return this.#all.some((own) => own.onLink && sameSubnet(own.address, address, own.prefixLength));
  }

  /** Whether `address` means everyone on a subnet of these [RFC 1122 3.2.1.3 (d)]; /31 and /32 have no such address. */
  isSubnetBroadcast(address: IpAddress): boolean {
    if (!isIPv4(address)) return false;
    for (const own of this.#usable) {
      if (own.prefixLength > 30 || !sameSubnet(own.address, address, own.prefixLength)) continue;
      const hostBits = ~prefixMask(own.prefixLength);
      if ((address & hostBits) === hostBits) return true;
    }
    return false;
  }

  /** Our IPv4 address to ask for `target` with: the one on its subnet, if any. */
  sourceFor(target: IPv4Address): IPv4Address | undefined {
    let first: IPv4Address | undefined;
    for (const { address, prefixLength } of this.#usable) {
      if (!isIPv4(address)) continue;
      if (sameSubnet(address, target, prefixLength)) return address;
      first ??= address;
    }
    return first;
  }

  /** ff02::1, and the solicited-node groups of all addresses, tentative ones too [RFC 4291 2.7.1, 2.8; RFC 4862 5.4.2]. */
  isMember(group: IPv6Address): boolean {
    if (group.equals(ALL_NODES)) return true;
    return this.ipv6().some((own) => group.equals(solicitedNode(own)));
  }

  /** The IPv6 addresses, tentative ones too. */
  ipv6(): readonly IPv6Address[] {
    return this.#all.flatMap((own) => (isIPv4(own.address) ? [] : [own.address]));
  }

  #set(all: readonly OwnAddress[]): void {
    this.#all = all;
    this.#usable = all.filter(({ state }) => state === 'preferred' || state === 'deprecated');
  }
}
