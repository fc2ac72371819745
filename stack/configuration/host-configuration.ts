import type { HostContext } from '../context.ts';
import type { Ip } from '../ip/ip.ts';
import type { Interface } from '../link/interface.ts';
import { earlier, type Instant, NEVER } from '../time.ts';
import type { Udp, UdpSocket } from '../udp/udp.ts';
import { DHCP_CLIENT_PORT } from '../wire/dhcp.ts';
import { ROUTER_ADVERTISEMENT } from '../wire/router-discovery.ts';
import { InterfaceConfiguration, type ConfigureOptions } from './interface-configuration.ts';
import { NameServers } from './name-servers.ts';

/** How a host's interfaces configure themselves. */
export class HostConfiguration {
  /** DNS servers and search domains: set by hand, or learnt. */
  readonly names: NameServers = new NameServers();
  readonly #context: HostContext;
  readonly #ip: Ip;
  readonly #udp: Udp;
  readonly #wake: () => void;
  #interfaces: readonly InterfaceConfiguration[] = [];
  #socket: UdpSocket | undefined;

  /** `wake` is called when a deadline may be earlier than it was. */
  constructor(context: HostContext, ip: Ip, udp: Udp, wake: () => void) {
    this.#context = context;
    this.#ip = ip;
    this.#udp = udp;
    this.#wake = wake;
    ip.icmp6.register(ROUTER_ADVERTISEMENT, (arrived) => {
      const configuration = this.of(arrived.meta.from);
      const reason =
        configuration === undefined ? 'UNHANDLED_PROTO' : configuration.advertisementArrived(arrived);
      if (reason !== undefined) ip.drop('ndp', reason);
    });
  }

  /**
   * Lets `on`, an Ethernet interface, find its addresses, routes and DNS servers: DHCP for IPv4, router advertisements for IPv6. What
   * went on there before is stopped.
   * @throws Error if the medium is not Ethernet, or UDP port 68 is taken
   */
  start(on: Interface, options: ConfigureOptions = {}): InterfaceConfiguration {
    const { mac } = on;
    if (mac === undefined) {
      throw new Error(`${on.device.name} is not Ethernet: open a TAP, or give it an address by hand`);
    }
    this.stop(on);
    const started = new InterfaceConfiguration(on, mac, {
      context: this.#context,
      ip: this.#ip,
      names: this.names,
      socket: () => this.#dhcpSocket(),
      wake: this.#wake,
      options,
    });
    this.#interfaces = [...this.#interfaces, started];
    started.start();
    this.#wake();
    return started;
  }

  /** Ends the configuration of `on`: gives its lease back, forgets what routers said. */
  stop(on: Interface): void {
    for (const each of this.#interfaces) if (each.interface === on) each.stop();
    this.#interfaces = this.#interfaces.filter((each) => each.interface !== on);
    this.#wake();
  }

  /** What is known of `on`; undefined if it was not started there. */
  of(on: Interface): InterfaceConfiguration | undefined {
    return this.#interfaces.find((each) => each.interface === on);
  }

  /** For the host: stops all. */
  close(): void {
    for (const each of this.#interfaces) each.stop();
    this.#interfaces = [];
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** For the host. */
  get nextDeadline(): Instant {
    let next = NEVER;
    for (const each of this.#interfaces) next = earlier(next, each.nextDeadline);
    return next;
  }

  /** For the host: does what is due. */
  advance(): void {
    for (const each of this.#interfaces) each.advance();
  }

  /** The client port, shared by all interfaces: an answer belongs to who knows its transaction. */
  #dhcpSocket(): UdpSocket {
    this.#socket ??= this.#udp.bind(undefined, DHCP_CLIENT_PORT, {
      datagramArrived: (data) => {
        if (!this.#interfaces.some((each) => each.dhcpArrived(data))) this.#ip.drop('udp', 'INVALID_PROTO');
      },
    });
    if (this.#socket === undefined)
      throw new Error(`UDP port ${DHCP_CLIENT_PORT} is taken: close its socket first`);
    return this.#socket;
  }
}
