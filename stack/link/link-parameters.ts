/** What servers and routers on a link say of it, and hosts are to go by. */
export class LinkParameters {
  /** Hop limit of IPv6 packets that name none, 1..255; undefined: the host's own [RFC 4861 6.3.4]. */
  hopLimit: number | undefined;
  /** The largest IP packet in bytes, super-segments aside: the device's, or less if the link says so. */
  mtu: number;
  readonly #deviceMtu: number;
  readonly #mtuLimits: Map<'dhcp' | 'router', number> = new Map();

  /** `deviceMtu` in bytes: the most that the MTU can be. */
  constructor(deviceMtu: number) {
    this.#deviceMtu = deviceMtu;
    this.mtu = deviceMtu;
  }

  /** What somebody on the link says of its MTU, in bytes; undefined: nothing any more. */
  limitMtu(by: 'dhcp' | 'router', limit: number | undefined): void {
    if (limit === undefined) this.#mtuLimits.delete(by);
    else this.#mtuLimits.set(by, limit);
    this.mtu = Math.min(this.#deviceMtu, ...this.#mtuLimits.values());
  }
}
