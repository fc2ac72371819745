import { openTap, openTun, wire } from '../device/device.ts';
import type { InterfaceConfiguration } from '../stack/configuration/interface-configuration.ts';
import type { Device } from '../stack/link/device.ts';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { type Glasstack, glasstack } from '../socket-api/node/glasstack.ts';
import { type Duration, ms, type Scheduler } from '../stack/time.ts';
import type { Tracer } from '../stack/trace.ts';
import { formatAddress } from '../stack/wire/address.ts';
import { describeConfiguration } from './configuration-text.ts';
import { CliError } from './failure.ts';
import { insideNamespace, ownNamespace } from './namespace.ts';
import { type NetworkOptions, withoutPrefix } from './network-options.ts';
import { atEnd } from './teardown.ts';

/** A host of ours and its way to another one. It ends with the process. */
export interface Network {
  readonly stack: Glasstack;
  /** The second host, on a wire. */
  readonly peer: Glasstack | undefined;
  /** The name of the TUN or TAP and the namespace it lives in; on a wire undefined. */
  readonly tun: string | undefined;
  readonly namespace: string | undefined;
  /** Addresses without prefix length. */
  readonly address: string;
  readonly peerAddress: string;
}

/** What a host may be made of beyond the options: see `programs.ts`. */
export interface HostParts {
  readonly scheduler: Scheduler;
  readonly layer: (inner: Device) => Device;
}

/** Sets up what the options say: a TUN or TAP in a namespace, or a wire. @throws DeviceError, CliError */
export function openNetwork(options: NetworkOptions, tracer?: Tracer): Network {
  if (options.wire === true) return openWireNetwork(options, { tracer });
  const { address, peerAddress, mtu, offload, profile = 'linux', tap, configure } = options;
  if (configure === true) checkConfigure(options);
  const namespace = options.rootNamespace === true ? undefined : (options.namespace ?? ownNamespace());
  const name = [tap, options.tun].find((given) => typeof given === 'string') ?? 'glasstack%d';
  const kernel = configure === true ? {} : { address: peerAddress };
  const open = tap === undefined ? openTun : openTap;
  const device = open({ ...kernel, name, mtu, offload, networkNamespace: namespace });
  atEnd(() => device.close());
  const gateway = withoutPrefix(peerAddress);
  const stack =
    configure === true
      ? glasstack({ device, configure: { hostName: 'glasstack', onChange: printer() }, profile, tracer })
      : glasstack({ device, address, gateway, profile, tracer });
  atEnd(() => stack.close());
  const ends = { address: withoutPrefix(address), peerAddress: gateway };
  return { stack, peer: undefined, tun: device.name, namespace, ...ends };
}

/** The same, and with `--configure` what the link had to say. @throws DeviceError, CliError, Error if it says nothing */
export async function openReadyNetwork(options: NetworkOptions, tracer?: Tracer): Promise<Network> {
  const network = openNetwork(options, tracer);
  if (options.configure !== true) return network;
  const { lease, autoconfigured } = await network.stack.configured();
  const address = lease?.address ?? autoconfigured[0];
  return { ...network, address: address === undefined ? network.address : formatAddress(address) };
}

function checkConfigure({ tap, namespace, rootNamespace }: NetworkOptions): void {
  if (tap === undefined) throw new CliError('--configure needs Ethernet: give --tap too.', 2);
  if (namespace === undefined && rootNamespace !== true) {
    throw new CliError(
      '--configure needs a link that somebody is on: give --namespace or --root-namespace too.',
      2,
    );
  }
}

/** Prints to stderr what the link says, each thing once. */
function printer(): (configuration: InterfaceConfiguration) => void {
  const printed = new Set<string>();
  return (configuration) => {
    for (const line of describeConfiguration(configuration)) {
      if (printed.has(line)) continue;
      printed.add(line);
      process.stderr.write(`glasstack: ${line}\n`);
    }
  };
}

/** What may be said about a wire. */
export interface WireNetworkParts {
  /** Reads the first host's trace. */
  readonly tracer?: Tracer | undefined;
  readonly delay?: Duration;
  /** For the first host and for the second one. */
  readonly hosts?: readonly [HostParts, HostParts];
}

/** Two hosts on a wire in memory. */
export function openWireNetwork(
  options: Pick<NetworkOptions, 'address' | 'peerAddress' | 'mtu' | 'profile'>,
  parts: WireNetworkParts = {},
): Network {
  const { address, peerAddress, mtu = 1500, profile = 'standard' } = options;
  const scheduler = new SystemScheduler();
  const [here, there] = wire(scheduler, { mtu, delay: parts.delay ?? ms(0), names: ['wire-a', 'wire-b'] });
  const plain: HostParts = { scheduler, layer: (inner) => inner };
  const [first, second] = parts.hosts ?? [plain, plain];
  const ends = { address: withoutPrefix(address), peerAddress: withoutPrefix(peerAddress) };
  const stack = glasstack({
    device: first.layer(here),
    scheduler: first.scheduler,
    address,
    profile,
    tracer: parts.tracer,
  });
  const peer = glasstack({
    device: second.layer(there),
    scheduler: second.scheduler,
    address: peerAddress,
    profile,
    name: 'peer',
  });
  atEnd(() => {
    stack.close();
    peer.close();
  });
  return { stack, peer, tun: undefined, namespace: undefined, ...ends };
}

/** Where the network is and how to get at it, in one line. */
export function describeNetwork(network: Network): string {
  const { address, peerAddress, tun, namespace } = network;
  if (tun === undefined) return `${address}, on a wire in memory to ${peerAddress}`;
  const kind = network.stack.interface.device.medium === 'ip' ? 'TUN' : 'TAP';
  const place =
    namespace === undefined ? "in the machine's own network" : `in network namespace ${namespace}`;
  const inside = namespace === undefined ? undefined : insideNamespace(namespace);
  const hint = inside === undefined ? '' : `; reach it with: sudo ${inside.join(' ')} …`;
  if (network.stack.host.configuration.of(network.stack.interface) !== undefined) {
    return `${address}, on TAP ${tun} ${place}`;
  }
  return `${address}, on ${kind} ${tun} to the kernel's ${peerAddress} ${place}${hint}`;
}
