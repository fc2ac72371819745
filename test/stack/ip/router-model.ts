/** A router for tests: a host of ours that sends advertisements as the test tells it, and keeps what it was asked. */
import type { Host } from '../../../stack/host.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import { IPv6Address } from '../../../stack/wire/address.ts';
import {
  emitAdvertisement,
  type PrefixInformation,
  ROUTER_SOLICITATION,
  type RouterAdvertisement,
} from '../../../stack/wire/router-discovery.ts';

const ALL_NODES = new IPv6Address(0xff02_0000, 0, 0, 1);

export const ADVERTISEMENT: RouterAdvertisement = {
  hopLimit: 64,
  managed: false,
  otherConfiguration: false,
  preference: 'medium',
  routerLifetime: 1_800,
  reachableTime: 0,
  retransTimer: 0,
  sourceMac: undefined,
  mtu: undefined,
  prefixes: [],
  dnsServers: [],
  dnsSearch: [],
};

export const PREFIX: PrefixInformation = {
  prefix: new IPv6Address(0x2001_0db8, 0x0001_0000, 0, 0),
  prefixLength: 64,
  onLink: true,
  autonomous: true,
  validLifetime: 86_400,
  preferredLifetime: 14_400,
};

export class RouterModel {
  /** When it was solicited, in seconds. */
  readonly solicited: number[] = [];
  /** Of UDP packets that arrived. */
  readonly hopLimits: number[] = [];
  /** What it answers; undefined: nothing. */
  answer: Partial<RouterAdvertisement> | undefined = { prefixes: [PREFIX] };
  readonly #host: Host;
  readonly #interface: Interface;

  constructor(host: Host, on: Interface) {
    this.#host = host;
    this.#interface = on;
    // A host is no member of the routers' group: what is for it is seen on the link.
    host.tracer = (event) => {
      if (event.type !== 'frame' || event.direction !== 'in') return;
      const [nextHeader, source, type] = [20, 22, 54].map((at) => event.bytes[event.head + at]);
      if (nextHeader === 17) this.hopLimits.push(event.bytes[event.head + 21] ?? 0);
      if (nextHeader !== 58 || type !== ROUTER_SOLICITATION || source !== 0xfe) return;
      this.solicited.push(host.scheduler.now() / 1e6);
      const { answer } = this;
      if (answer !== undefined) host.scheduler.soon(() => this.advertise(answer));
    };
  }

  /** To all nodes, from its link-local address. */
  advertise(
    changes: Partial<RouterAdvertisement> = {},
    options: { hopLimit?: number; source?: IPv6Address } = {},
  ): void {
    const bytes = emitAdvertisement({ ...ADVERTISEMENT, ...changes });
    this.raw(bytes, options);
  }

  raw(bytes: Uint8Array, { hopLimit = 255, source }: { hopLimit?: number; source?: IPv6Address } = {}): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const message = {
      type: 'other',
      typeNumber: view.getUint8(0),
      code: view.getUint8(1),
      rest: view.getUint32(4),
    } as const;
    this.#host.run(() =>
      this.#host.ip.icmp6.send(message, bytes.subarray(8), ALL_NODES, {
        hopLimit,
        source,
        on: this.#interface,
      }),
    );
  }
}
