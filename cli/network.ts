import { openTun, wire } from '../device/device.ts';
import type { Device } from '../stack/link/device.ts';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { type Glasstack, glasstack } from '../socket-api/node/glasstack.ts';
import { type Duration, ms, type Scheduler } from '../stack/time.ts';
import type { Tracer } from '../stack/trace.ts';
import { insideNamespace, ownNamespace } from './namespace.ts';
import { type NetworkOptions, withoutPrefix } from './network-options.ts';
import { atEnd } from './teardown.ts';

/** A host of ours and its way to another one. It ends with the process. */
export interface Network {
  readonly stack: Glasstack;
  /** The second host, on a wire. */
  readonly peer: Glasstack | undefined;
  /** The TUN's name and the namespace it lives in; on a wire undefined. */
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

/** Sets up what the options say: a TUN in a namespace, or a wire. @throws DeviceError */
export function openNetwork(options: NetworkOptions, tracer?: Tracer): Network {
  if (options.wire === true) return openWireNetwork(options, { tracer });
  const { address, peerAddress, mtu, offload, profile = 'linux' } = options;
  const namespace = options.rootNamespace === true ? undefined : (options.namespace ?? ownNamespace());
  const name = typeof options.tun === 'string' ? options.tun : 'glasstack%d';
  const device = openTun({ name, address: peerAddress, mtu, offload, networkNamespace: namespace });
  atEnd(() => device.close());
  const gateway = withoutPrefix(peerAddress);
  const stack = glasstack({ device, address, gateway, profile, tracer });
  atEnd(() => stack.close());
  const ends = { address: withoutPrefix(address), peerAddress: gateway };
  return { stack, peer: undefined, tun: device.name, namespace, ...ends };
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
  const place =
    namespace === undefined ? "in the machine's own network" : `in network namespace ${namespace}`;
  const inside = namespace === undefined ? undefined : insideNamespace(namespace);
  const hint = inside === undefined ? '' : `; reach it with: sudo ${inside.join(' ')} …`;
  return `${address}, on TUN ${tun} to the kernel's ${peerAddress} ${place}${hint}`;
}
