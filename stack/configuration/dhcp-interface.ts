import type { HostContext } from '../context.ts';
import { DhcpClient, type DhcpClientOptions, type DhcpLink, type DhcpState } from '../dhcp/client.ts';
import type { DhcpLease } from '../dhcp/lease.ts';
import { AddressProbe } from '../link/address-probe.ts';
import type { Interface } from '../link/interface.ts';
import { earlier, type Instant } from '../time.ts';
import type { UdpSocket } from '../udp/udp.ts';
import { type IPv4Address, IPV4_ANY, IPV4_BROADCAST, type MacAddress } from '../wire/address.ts';
import { DHCP_SERVER_PORT } from '../wire/dhcp.ts';
import type { RouteEntry, RouteTable } from '../ip/routes.ts';
import type { NameServers } from './name-servers.ts';

/** What DHCP on an interface uses of its host. */
export interface DhcpSurroundings {
  readonly context: HostContext;
  readonly routes: RouteTable;
  readonly names: NameServers;
  /** Bound to the client port. */
  readonly socket: UdpSocket;
  note(text: string): void;
  /** Something is known now that was not, or the other way round. */
  changed(): void;
}

/** DHCP for one Ethernet interface: puts leases into effect (address, routes, DNS servers, MTU) and takes them back. */
export class DhcpInterface implements DhcpLink {
  readonly mac: MacAddress;
  readonly #interface: Interface;
  readonly #around: DhcpSurroundings;
  readonly #client: DhcpClient;
  readonly #probe: AddressProbe;
  #applied: DhcpLease | undefined;
  #routes: readonly RouteEntry[] = [];

  constructor(on: Interface, mac: MacAddress, around: DhcpSurroundings, options: DhcpClientOptions) {
    this.mac = mac;
    this.#interface = on;
    this.#around = around;
    this.#client = new DhcpClient(around.context, this, options);
    this.#probe = new AddressProbe(around.context, {
      mac,
      sendArp: (message, destination) => on.neighbours?.send(message, destination),
      free: () => this.#client.probed(),
      conflict: () => this.#client.conflict(),
    });
    if (on.neighbours !== undefined) on.neighbours.onArp = (message) => this.#probe.arpArrived(message);
  }

  get state(): DhcpState {
    return this.#client.state;
  }

  get lease(): DhcpLease | undefined {
    return this.#client.lease;
  }

  get nextDeadline(): Instant {
    return earlier(this.#client.nextDeadline, this.#probe.nextDeadline);
  }

  advance(): void {
    this.#client.advance();
    this.#probe.advance();
  }

  start(): void {
    this.#client.start();
  }

  /** Gives the address back. */
  stop(): void {
    this.#client.stop();
    this.#probe.stop();
  }

  /** See `DhcpClient.messageArrived`. */
  messageArrived(bytes: Uint8Array): boolean {
    return this.#client.messageArrived(bytes);
  }

  // -- what the client asks for ----------------------------------------------------------------------------------------------

  send(message: Uint8Array, from: IPv4Address | undefined, to: IPv4Address | 'everyone'): void {
    const { socket, routes } = this.#around;
    const destination = to === 'everyone' ? IPV4_BROADCAST : to;
    const onLink = { interface: this.#interface, nextHop: destination, source: from ?? IPV4_ANY };
    const route = to === 'everyone' ? onLink : (routes.find(destination, from, this.#interface) ?? onLink);
    socket.send(message, destination, DHCP_SERVER_PORT, { via: route });
  }

  probe(address: IPv4Address): void {
    this.#probe.start(address);
  }

  bound(lease: DhcpLease): void {
    const { context, names } = this.#around;
    const before = this.#applied;
    this.#applied = lease;
    if (before !== undefined && before.address !== lease.address)
      this.#interface.removeAddress(before.address);
    if (before?.address !== lease.address || before.prefixLength !== lease.prefixLength) {
      this.#interface.addAddress({ address: lease.address, prefixLength: lease.prefixLength });
    }
    this.#interface.parameters.limitMtu('dhcp', lease.mtu);
    this.#setRoutes(this.#routesOf(lease));
    const search = lease.search.length > 0 || lease.domain === undefined ? lease.search : [lease.domain];
    names.learn(this, { servers: lease.nameServers, search });
    if (context.tracer !== undefined && before === undefined) this.note('DHCP: the lease is in effect');
    this.#around.changed();
  }

  lost(lease: DhcpLease): void {
    this.#probe.stop();
    this.#applied = undefined;
    this.#setRoutes([]);
    this.#interface.parameters.limitMtu('dhcp', undefined);
    this.#interface.removeAddress(lease.address);
    this.#around.names.learn(this, undefined);
    this.#around.changed();
  }

  note(text: string): void {
    this.#around.note(`${this.#interface.device.name}: ${text}`);
  }

  #routesOf(lease: DhcpLease): readonly RouteEntry[] {
    const on = this.#interface;
    const defaults = lease.routers.map(
      (gateway, metric): RouteEntry => ({
        destination: IPV4_ANY,
        prefixLength: 0,
        interface: on,
        gateway,
        ...(metric > 0 && { metric }),
      }),
    );
    const others = lease.routes.map(
      ({ destination, prefixLength, router }): RouteEntry => ({
        destination,
        prefixLength,
        interface: on,
        ...(router !== IPV4_ANY && { gateway: router }),
      }),
    );
    return [...defaults, ...others];
  }

  /** Routes that stay are not touched: a renewal changes nothing as a rule. */
  #setRoutes(wanted: readonly RouteEntry[]): void {
    const { routes } = this.#around;
    const before = this.#routes;
    this.#routes = wanted;
    for (const old of before) {
      if (wanted.some((route) => sameRoute(route, old))) continue;
      const { destination, prefixLength, gateway } = old;
      routes.remove(destination, prefixLength, { gateway, interface: this.#interface });
    }
    for (const route of wanted) if (!before.some((old) => sameRoute(old, route))) routes.add(route);
  }
}

function sameRoute(a: RouteEntry, b: RouteEntry): boolean {
  return (
    a.destination === b.destination &&
    a.prefixLength === b.prefixLength &&
    a.gateway === b.gateway &&
    (a.metric ?? 0) === (b.metric ?? 0)
  );
}
