import type { HostContext } from '../context.ts';
import { after, between, type Duration, earlier, type Instant, NEVER, seconds } from '../time.ts';
import { type IPv6Address, sameSubnet } from '../wire/address.ts';
import { INFINITE_LIFETIME, type PrefixInformation } from '../wire/router-discovery.ts';

/** What is done with the addresses that come of prefixes. */
export interface AutoconfiguredAddresses {
  /** Makes an address of a /64 prefix and the interface identifier; another one for each of `tries`, undefined if there have been enough. */
  addressFor(prefix: IPv6Address, tries: number): IPv6Address | undefined;
  /** Takes a new address into use; duplicate address detection is the interface's business [RFC 4862 5.4]. */
  add(address: IPv6Address, deprecated: boolean): void;
  /** Its preferred lifetime ended, or began again. */
  deprecate(address: IPv6Address, deprecated: boolean): void;
  /** Its valid lifetime ended. */
  remove(address: IPv6Address): void;
}

interface Autoconfigured {
  address: IPv6Address;
  readonly prefix: IPv6Address;
  /** Addresses that were made for this prefix before and were duplicates [RFC 7217 6]. */
  tries: number;
  deprecated: boolean;
  preferredUntil: Instant;
  validUntil: Instant;
}

/** The longest that anybody can shorten a lifetime to without being authenticated [RFC 4862 5.5.3 (e)]. */
const TWO_HOURS: Duration = seconds(7_200);
/** With an interface identifier of 64 bits [RFC 4291 2.5.1]. */
const PREFIX_LENGTH = 64;

/** Stateless address autoconfiguration: an address for each advertised prefix [RFC 4862 5.5]. */
export class Autoconfiguration {
  readonly #context: HostContext;
  readonly #addresses: AutoconfiguredAddresses;
  #made: readonly Autoconfigured[] = [];

  constructor(context: HostContext, addresses: AutoconfiguredAddresses) {
    this.#context = context;
    this.#addresses = addresses;
  }

  get addresses(): readonly IPv6Address[] {
    return this.#made.map(({ address }) => address);
  }

  /** Whether `address` was made here. */
  has(address: IPv6Address): boolean {
    return this.#made.some((own) => own.address.equals(address));
  }

  /** Somebody else has an address of ours: another one is made, a few times; the last one stays to be seen. */
  duplicated(address: IPv6Address): void {
    const own = this.#made.find((each) => each.address.equals(address));
    if (own === undefined) return;
    const next = this.#addresses.addressFor(own.prefix, own.tries + 1);
    if (next === undefined || next.equals(address)) return;
    own.tries += 1;
    own.address = next;
    this.#addresses.remove(address);
    this.#addresses.add(next, own.deprecated);
  }

  /** A prefix information option of a router [RFC 4862 5.5.3]. */
  prefixArrived(information: PrefixInformation): void {
    const { prefix, prefixLength, autonomous, validLifetime, preferredLifetime } = information;
    if (!autonomous) return; // (a)
    if (prefix.a >>> 22 === 0xfe80 >>> 6 || prefix.a >>> 24 === 0xff) return; // (b), and no group
    if (preferredLifetime > validLifetime) return; // (c)
    if (prefixLength !== PREFIX_LENGTH) return; // (d): the lengths do not add up to 128
    const known = this.#made.find((own) => sameSubnet(own.prefix, prefix, PREFIX_LENGTH));
    if (known === undefined) this.#make(information);
    else this.#renew(known, information);
  }

  get nextDeadline(): Instant {
    let next = NEVER;
    for (const own of this.#made) {
      next = earlier(next, own.validUntil);
      if (!own.deprecated) next = earlier(next, own.preferredUntil);
    }
    return next;
  }

  /** Deprecates and removes what is due at `context.now` [RFC 4862 5.5.4]. */
  advance(): void {
    const { now } = this.#context;
    if (now < this.nextDeadline) return;
    const over = this.#made.filter(({ validUntil }) => validUntil <= now);
    this.#made = this.#made.filter(({ validUntil }) => validUntil > now);
    for (const { address } of over) this.#addresses.remove(address);
    for (const own of this.#made) this.#judge(own);
  }

  /** Removes all addresses. */
  stop(): void {
    const made = this.#made;
    this.#made = [];
    for (const { address } of made) this.#addresses.remove(address);
  }

  /** (d) */
  #make({ prefix, validLifetime, preferredLifetime }: PrefixInformation): void {
    const { now, settings } = this.#context;
    if (validLifetime === 0 || this.#made.length >= settings.configuration.routerEntries) return;
    const address = this.#addresses.addressFor(prefix, 0);
    if (address === undefined) return;
    const made: Autoconfigured = {
      address,
      prefix,
      tries: 0,
      deprecated: preferredLifetime === 0,
      preferredUntil: until(now, preferredLifetime),
      validUntil: until(now, validLifetime),
    };
    this.#made = [...this.#made, made];
    this.#addresses.add(made.address, made.deprecated);
  }

  /** (e): a lifetime may grow at once; below two hours it shrinks for nobody who is not authenticated. */
  #renew(own: Autoconfigured, { validLifetime, preferredLifetime }: PrefixInformation): void {
    const { now } = this.#context;
    const asked = until(now, validLifetime);
    const twoHours = after(now, TWO_HOURS);
    if (asked > twoHours || asked > own.validUntil) own.validUntil = asked;
    else if (between(now, own.validUntil) > TWO_HOURS) own.validUntil = twoHours;
    own.preferredUntil = until(now, preferredLifetime);
    this.#judge(own);
  }

  #judge(own: Autoconfigured): void {
    const deprecated = own.preferredUntil <= this.#context.now;
    if (deprecated === own.deprecated) return;
    own.deprecated = deprecated;
    this.#addresses.deprecate(own.address, deprecated);
  }
}

/** When a lifetime in seconds is over. */
export function until(now: Instant, lifetime: number): Instant {
  return lifetime === INFINITE_LIFETIME ? NEVER : after(now, seconds(lifetime));
}
