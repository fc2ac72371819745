import type {
  ConfigureOptions,
  InterfaceConfiguration,
} from '../../stack/configuration/interface-configuration.ts';
import type { Device } from '../../stack/link/device.ts';
import { Host } from '../../stack/host.ts';
import type { Random } from '../../stack/random.ts';
import { PROFILES, type Settings } from '../../stack/settings.ts';
import type { Scheduler } from '../../stack/time.ts';
import type { Tracer } from '../../stack/trace.ts';
import {
  IPV4_ANY,
  type IpAddress,
  IPV6_ANY,
  isIPv4,
  type MacAddress,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../stack/wire/address.ts';
import type { Interface, InterfaceAddress } from '../../stack/link/interface.ts';
import { createSocketApi } from '../socket-api.ts';
import type { SocketApi } from '../types.ts';
import { SystemScheduler } from './clock.ts';
import { ConfiguredWait } from './configured-wait.ts';
import { nodeRuntimeOn, resolverOf } from './dns/host-resolver.ts';
import type { Resolver, ResolverOptions } from './dns/resolver.ts';
import { systemRandom } from './random.ts';

/** The DNS as a stack is to use it. */
export interface DnsOptions extends ResolverOptions {
  /** Addresses of servers, best first; in place of what DHCP and routers say. */
  readonly servers?: readonly string[] | undefined;
  /** Domains that names without a dot are looked up in; in place of what DHCP and routers say. */
  readonly search?: readonly string[] | undefined;
}

/** What a stack is made with: a device, and an address or `configure`; the rest has defaults. */
export interface GlasstackOptions {
  /** From `openTun`, `openTap`, `wire` …; closed with the stack. */
  readonly device: Device;
  /** The stack's own address with prefix length, `10.77.0.2/24` or `fd00::2/64`, or several. Left out: none but what `configure` finds. */
  readonly address?: string | readonly string[] | undefined;
  /** Address, routes and DNS servers from the network (Ethernet): DHCP and router advertisements; see `configured`. */
  readonly configure?: boolean | ConfigureOptions | undefined;
  /** DNS servers, search domains, names set by hand. */
  readonly dns?: DnsOptions | undefined;
  /** On Ethernet; a random one by default. */
  readonly mac?: string | undefined;
  /** Whom packets to other networks are given to: an IPv4 or IPv6 address, or one of each. */
  readonly gateway?: string | readonly string[] | undefined;
  /** A profile's name, or settings of one's own. */
  readonly profile?: keyof typeof PROFILES | Settings | undefined;
  /** How the trace calls the host. */
  readonly name?: string | undefined;
  /** Reads the trace from the first event on. */
  readonly tracer?: Tracer | undefined;
  /** Node's time and turns by default; a virtual clock for tests. */
  readonly scheduler?: Scheduler | undefined;
  /** The system's by default; a seeded one for tests. */
  readonly random?: Random | undefined;
}

/** A running stack: Bun's `listen` and `connect`, and what is under them. */
export interface Glasstack extends SocketApi {
  readonly host: Host;
  readonly interface: Interface;
  /** Looks names up over this stack. */
  readonly resolver: Resolver;
  /**
   * What `configure` found, as soon as the interface has a usable address: from DHCP, or from a router's prefix. Rejects when `timeout`
   * milliseconds (30,000) are over, or if `configure` was not asked for.
   */
  configured(timeout?: number): Promise<InterfaceConfiguration>;
  /** Aborts all connections, closes all listeners and the device. */
  close(): void;
}

/**
 * A host on `device`, with Bun's socket API over it.
 * @throws TypeError if an address makes no sense
 */
export function glasstack(options: GlasstackOptions): Glasstack {
  const { device, address = [], gateway, profile = 'standard', name = 'glasstack', tracer } = options;
  const given = typeof address === 'string' ? [address] : address;
  const addresses = given.map(interfaceAddress);
  const gateways = gateway === undefined ? [] : typeof gateway === 'string' ? [gateway] : gateway;
  const routers = gateways.map(gatewayAddress);
  if (addresses.length === 0 && (options.configure ?? false) === false) {
    throw new TypeError("the stack needs an address ('10.77.0.2/24'), or configure: true on Ethernet");
  }
  const host = new Host({
    name,
    scheduler: options.scheduler ?? new SystemScheduler(),
    random: options.random ?? systemRandom(),
    settings: typeof profile === 'string' ? PROFILES[profile] : profile,
    ...(tracer !== undefined && { tracer }),
  });
  const mac = macOf(options.mac);
  const added = host.addInterface(device, addresses, mac === undefined ? {} : { mac });
  for (const router of routers) {
    const destination = isIPv4(router) ? IPV4_ANY : IPV6_ANY;
    host.ip.routes.add({ destination, prefixLength: 0, interface: added, gateway: router });
  }
  const resolver = resolverOf(host, options.dns ?? {});
  host.configuration.names.set(namesOf(options.dns));
  const waiting = new ConfiguredWait(host, added);
  if (options.configure !== undefined && options.configure !== false) waiting.start(options.configure);
  const { listen, connect } = createSocketApi(host, nodeRuntimeOn(host));
  const configured = (timeout?: number): Promise<InterfaceConfiguration> => waiting.wait(timeout);
  return { listen, connect, host, interface: added, resolver, configured, close: () => host.close() };
}

function interfaceAddress(text: string): InterfaceAddress {
  const parsed = parseCidr(text);
  if (parsed !== undefined) return parsed;
  throw new TypeError(`'${text}' is no address with a prefix length, such as 10.77.0.2/24`);
}

function macOf(text: string | undefined): MacAddress | undefined {
  const parsed = text === undefined ? undefined : parseMac(text);
  if (text === undefined || parsed !== undefined) return parsed;
  throw new TypeError(`'${text}' is no Ethernet address, such as 02:00:00:00:00:01`);
}

function namesOf({ servers = [], search = [] }: DnsOptions = {}): {
  readonly servers: readonly IpAddress[];
  readonly search: readonly string[];
} {
  const parsed = servers.map((text) => {
    const address = parseAddress(text);
    if (address === undefined) throw new TypeError(`'${text}' is no address of a DNS server`);
    return address;
  });
  return { servers: parsed, search };
}

function gatewayAddress(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  throw new TypeError(`'${text}' is no IP address for a gateway`);
}
