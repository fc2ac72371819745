import { KernelDevice, type KernelDeviceOptions } from './kernel-device.ts';

/**
 * Opens a TAP device: Ethernet frames to and from this machine's kernel. `address` is the kernel's side of the link. Linux;
 * needs root or CAP_NET_ADMIN.
 * @throws DeviceError with a `code` such as `ERR_TUN_PERMISSION` and a message that says what to do
 */
export function openTap(options: KernelDeviceOptions): KernelDevice {
  return new KernelDevice('ethernet', options);
}
