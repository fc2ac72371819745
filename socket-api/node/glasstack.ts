import type { Device } from '../../stack/link/device.ts';
import { Host } from '../../stack/host.ts';
import type { Random } from '../../stack/random.ts';
import { PROFILES, type Settings } from '../../stack/settings.ts';
import type { Scheduler } from '../../stack/time.ts';
import type { Tracer } from '../../stack/trace.ts';
import {
  type IpAddress,
  IPV4_ANY,
  IPV6_ANY,
  isIPv4,
  parseAddress,
  parseCidr,
} from '../../stack/wire/address.ts';
import type { InterfaceAddress } from '../../stack/link/interface.ts';
import { createSocketApi } from '../socket-api.ts';
import type { SocketApi } from '../types.ts';
import { SystemScheduler } from './clock.ts';
import { systemRandom } from './random.ts';
import { nodeRuntime } from './runtime.ts';

/** What a stack is made with: a device and an address; the rest has defaults. */
export interface GlasstackOptions {
  /** From `openTun`, `openTap`, `wire` …; closed with the stack. */
  readonly device: Device;
  /** The stack's own address with prefix length, `10.77.0.2/24` or `fd00::2/64`, or several. */
  readonly address: string | readonly string[];
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
  /** Aborts all connections, closes all listeners and the device. */
  close(): void;
}

/**
 * A host on `device`, with Bun's socket API over it.
 * @throws TypeError if an address makes no sense
 */
export function glasstack(options: GlasstackOptions): Glasstack {
  const { device, address, gateway, profile = 'standard', name = 'glasstack', tracer } = options;
  const given = typeof address === 'string' ? [address] : address;
  const addresses = given.map(interfaceAddress);
  const gateways = gateway === undefined ? [] : typeof gateway === 'string' ? [gateway] : gateway;
  const routers = gateways.map(gatewayAddress);
  const host = new Host({
    name,
    scheduler: options.scheduler ?? new SystemScheduler(),
    random: options.random ?? systemRandom(),
    settings: typeof profile === 'string' ? PROFILES[profile] : profile,
    ...(tracer !== undefined && { tracer }),
  });
  const added = host.addInterface(device, addresses);
  for (const router of routers) {
    const destination = isIPv4(router) ? IPV4_ANY : IPV6_ANY;
    host.ip.routes.add({ destination, prefixLength: 0, interface: added, gateway: router });
  }
  const { listen, connect } = createSocketApi(host, nodeRuntime);
  return { listen, connect, host, close: () => host.close() };
}

function interfaceAddress(text: string): InterfaceAddress {
  const parsed = parseCidr(text);
  if (parsed !== undefined) return parsed;
  throw new TypeError(`'${text}' is no address with a prefix length, such as 10.77.0.2/24`);
}

function gatewayAddress(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  throw new TypeError(`'${text}' is no IP address for a gateway`);
}
