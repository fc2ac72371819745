import { SipKey, siphash32 } from '../bytes/siphash.ts';
import { type Random, randomBytes } from '../random.ts';
import type { Instant } from '../time.ts';
import { type IpAddress, isIPv4 } from '../wire/address.ts';
import type { Endpoint } from './events.ts';
import { type SeqNumber, seq } from './sequence.ts';

/** Sets the input for flow labels apart. */
const FLOW = 6_437;

/**
 * What must not be guessed from outside, each from a keyed hash of its own: initial sequence numbers [RFC 6528; RFC 9293 MUST-9], timestamp offsets
 * [RFC 7323 7.1], port offsets [RFC 6056] and the places in the connection table (attacks.md J2).
 */
export class Secrets {
  readonly #isn: SipKey;
  readonly #timestamp: SipKey;
  readonly #port: SipKey;
  readonly #table: SipKey;

  /** Draws the keys: once per host [RFC 6528 3]. */
  constructor(random: Random) {
    this.#isn = new SipKey(randomBytes(random, 16));
    this.#timestamp = new SipKey(randomBytes(random, 16));
    this.#port = new SipKey(randomBytes(random, 16));
    this.#table = new SipKey(randomBytes(random, 16));
  }

  /** ISN = M + F(localip, localport, remoteip, remoteport), M a clock of 4 microseconds [RFC 9293 MUST-8, SHLD-1; RFC 6528 3]. */
  isn(local: Endpoint, remote: Endpoint, now: Instant): SeqNumber {
    return seq(Math.floor(now / 4) + siphash32(this.#isn, endpointWords(local, remote)));
  }

  /** What is added to the timestamp clock: the same for two addresses, so that it goes on over connections [RFC 7323 5.4]. */
  timestampOffset(local: IpAddress, remote: IpAddress): number {
    return siphash32(this.#timestamp, [...addressWords(local), ...addressWords(remote)]);
  }

  /** Where the search for a port begins: double-hash by destination [RFC 6056 3.3.3]. */
  portOffset(local: IpAddress, remote: Endpoint): number {
    return siphash32(this.#port, [...addressWords(local), ...addressWords(remote.address), remote.port]);
  }

  /**
   * The flow label of a connection over IPv6, 1..2^20-1: unpredictable, and the same for all its packets [RFC 6437 3: SHOULD; appendix A]. One
   * word more than any other input of the key.
   */
  flowLabel(local: Endpoint, remote: Endpoint): number {
    return siphash32(this.#port, [...endpointWords(local, remote), FLOW]) & 0xf_ffff || 1;
  }

  /** A place in the connection table. `ports`: both, in one word. */
  tableHash(local: IpAddress, remote: IpAddress, ports: number): number {
    return siphash32(this.#table, [...addressWords(local), ...addressWords(remote), ports]);
  }
}

export function endpointWords(local: Endpoint, remote: Endpoint): number[] {
  return [
    ...addressWords(local.address),
    ...addressWords(remote.address),
    ((local.port << 16) | remote.port) >>> 0,
  ];
}

export function addressWords(address: IpAddress): readonly number[] {
  return isIPv4(address) ? [address] : [address.a, address.b, address.c, address.d];
}
