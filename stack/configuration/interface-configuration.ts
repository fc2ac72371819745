import type { HostContext } from '../context.ts';
import type { DhcpState } from '../dhcp/client.ts';
import type { DhcpLease } from '../dhcp/lease.ts';
import type { DropReason } from '../drop-reasons.ts';
import type { Icmp6Informational } from '../ip/icmp6.ts';
import type { Ip } from '../ip/ip.ts';
import type { DefaultRouter } from '../ip/router-discovery.ts';
import type { Interface } from '../link/interface.ts';
import { earlier, type Instant, NEVER } from '../time.ts';
import type { UdpSocket } from '../udp/udp.ts';
import type { IPv4Address, IPv6Address, MacAddress } from '../wire/address.ts';
import { DhcpInterface } from './dhcp-interface.ts';
import type { NameServers } from './name-servers.ts';
import { RouterInterface } from './router-interface.ts';

/** How an interface is to configure itself. */
export interface ConfigureOptions {
  /** IPv4 by DHCP; yes by default. */
  readonly dhcp?: boolean | undefined;
  /** IPv6 by router advertisements; yes by default. */
  readonly ipv6?: boolean | undefined;
  /** What the DHCP server is told. */
  readonly hostName?: string | undefined;
  /** The address of an earlier run, which DHCP asks for first. */
  readonly previous?: IPv4Address | undefined;
  /** Called after each change of what is known, in the host's turn; not when it is stopped. */
  readonly onChange?: ((configuration: InterfaceConfiguration) => void) | undefined;
}

/** What the configuration of an interface is made with. */
export interface ConfigurationParts {
  readonly context: HostContext;
  readonly ip: Ip;
  readonly names: NameServers;
  readonly socket: () => UdpSocket;
  readonly wake: () => void;
  readonly options: ConfigureOptions;
}

/** How one interface configures itself, and what it has learnt. */
export class InterfaceConfiguration {
  readonly interface: Interface;
  readonly #parts: ConfigurationParts;
  readonly #dhcp: DhcpInterface | undefined;
  readonly #routers: RouterInterface | undefined;
  #stopped: boolean = false;

  constructor(on: Interface, mac: MacAddress, parts: ConfigurationParts) {
    this.interface = on;
    this.#parts = parts;
    const { context, ip, names, options } = parts;
    if (options.dhcp !== false) {
      const around = {
        context,
        routes: ip.routes,
        names,
        socket: parts.socket(),
        note: (text: string) => ip.note(text),
        changed: () => this.#changed(),
      };
      this.#dhcp = new DhcpInterface(on, mac, around, options);
    }
    if (options.ipv6 !== false) {
      this.#routers = new RouterInterface(on, mac, {
        context,
        icmp6: ip.icmp6,
        routes: ip.routes,
        names,
        note: (text) => ip.note(text),
        changed: () => this.#changed(),
      });
    }
  }

  /** Where the DHCP client stands; undefined: there is none. */
  get dhcpState(): DhcpState | undefined {
    return this.#dhcp?.state;
  }

  /** What DHCP gave, while it may be used. */
  get lease(): DhcpLease | undefined {
    return this.#dhcp?.lease;
  }

  /** The host's DNS servers and search domains, whoever told them. */
  get names(): NameServers {
    return this.#parts.names;
  }

  /** IPv6 default routers, best first. */
  get routers(): readonly DefaultRouter[] {
    return this.#routers?.routers ?? [];
  }

  /** IPv6 addresses that were made of routers' prefixes and may be used. */
  get autoconfigured(): readonly IPv6Address[] {
    return (this.#routers?.addresses ?? []).filter((address) => this.interface.isLocal(address));
  }

  /** Whether the interface has found an address that can be used beyond its link. */
  get isReady(): boolean {
    return this.lease !== undefined || this.autoconfigured.length > 0;
  }

  /** For the host's configuration. */
  start(): void {
    this.#dhcp?.start();
    this.#routers?.start();
  }

  /** For the host's configuration. */
  stop(): void {
    this.#stopped = true;
    this.#dhcp?.stop();
    this.#routers?.stop();
  }

  get nextDeadline(): Instant {
    return earlier(this.#dhcp?.nextDeadline ?? NEVER, this.#routers?.nextDeadline ?? NEVER);
  }

  advance(): void {
    this.#dhcp?.advance();
    this.#routers?.advance();
  }

  /** A router advertisement that came in by this interface. */
  advertisementArrived(arrived: Icmp6Informational): DropReason | undefined {
    return this.#routers === undefined ? 'UNHANDLED_PROTO' : this.#routers.advertisementArrived(arrived);
  }

  /** A datagram to the DHCP client port; false if it is not for this interface. */
  dhcpArrived(bytes: Uint8Array): boolean {
    return this.#dhcp?.messageArrived(bytes) ?? false;
  }

  #changed(): void {
    this.#parts.wake();
    if (this.#stopped) return;
    this.#parts.options.onChange?.(this);
  }
}
