/** The public door of glasstack: a userspace TCP/IP stack with Bun's TCP socket API. */

/** The 30-second way: a host on a device with `listen` and `connect`. */
export {
  type DnsOptions,
  type Glasstack,
  glasstack,
  type GlasstackOptions,
} from './socket-api/node/glasstack.ts';

/** How an interface configures itself, and what it learns; names looked up over the stack. */
export type {
  ConfigureOptions,
  InterfaceConfiguration,
} from './stack/configuration/interface-configuration.ts';
export type { DhcpState } from './stack/dhcp/client.ts';
export type { DhcpLease } from './stack/dhcp/lease.ts';
export { LookupError, Resolver, type ResolverOptions } from './socket-api/node/dns/resolver.ts';

/** Bun's `listen` and `connect` over a host, and their types. */
export { createSocketApi, type SocketApiOptions } from './socket-api/socket-api.ts';
export type {
  BinaryType,
  ByteSource,
  Socket,
  SocketApi,
  SocketHandler,
  SocketListener,
  SocketOptions,
  TcpInfo,
  TCPSocketConnectOptions,
  TCPSocketListener,
  TCPSocketListenOptions,
} from './socket-api/types.ts';
/** What the socket API needs from its platform: a browser's, and Node's. */
export { bareRuntime, type Runtime } from './socket-api/runtime.ts';
export { nodeRuntime } from './socket-api/node/runtime.ts';

/** The host: interfaces, IP, ICMP, UDP, TCP; and what it is set by. */
export { Host, type HostOptions } from './stack/host.ts';
export type { ConfigurationSettings } from './stack/configuration-settings.ts';
export {
  type EcnSetting,
  type IpSettings,
  PROFILES,
  type Settings,
  settings,
  type SettingsChanges,
  type TcpSettings,
} from './stack/settings.ts';
export { StackError, type StackErrorCode } from './stack/errors.ts';

/** Addresses and their texts. */
export {
  formatAddress,
  type IpAddress,
  type IPv4Address,
  IPv6Address,
  parseAddress,
  parseCidr,
} from './stack/wire/address.ts';

/** Time and chance: the system's. Virtual ones are in `glasstack/sim`. */
export { SystemScheduler } from './socket-api/node/clock.ts';
export { systemRandom } from './socket-api/node/random.ts';
export { type Duration, type Instant, ms, type Scheduler, seconds, us } from './stack/time.ts';
export type { Random } from './stack/random.ts';

/** Where packets come from and go to; more of it in `glasstack/device`. */
export { createNamespace, deleteNamespace, DeviceError, openTap, openTun, wire } from './device/device.ts';
export type { KernelDevice, KernelDeviceOptions, WireOptions } from './device/device.ts';
export type { Device, DeviceLayer } from './stack/link/device.ts';

/** Everything that happens to a host, as events; readers of them are in `glasstack/trace`. */
export type { TraceEvent, Tracer } from './stack/trace.ts';
export type { TcpState } from './stack/tcp/states.ts';
