/** The door of `glasstack/device`: where packets come from and go to. */
export { DeviceError, type DeviceErrorCode } from './device-error.ts';
export { deviceFromDuplex, type DuplexDeviceOptions } from './duplex.ts';
export type { KernelDevice, KernelDeviceOptions } from './kernel-device.ts';
export type { KernelInterface } from './kernel-interface.ts';
export type { ChannelCounters } from './native-addon.ts';
export { createNamespace, deleteNamespace } from './namespace.ts';
export { openTap } from './tap.ts';
export { openTun } from './tun.ts';
export { Tap, Tun, type TunTapOptions } from './tuntap2.ts';
export { type WireOptions, wire } from './wire.ts';
