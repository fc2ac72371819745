import { KernelDevice, type KernelDeviceOptions } from './kernel-device.ts';

/**
 * Opens a TUN device: IP packets to and from this machine's kernel. `address` is the kernel's side of the link; the stack's
 * own addresses are the stack's affair. Linux; needs root or CAP_NET_ADMIN.
 * @throws DeviceError with a `code` such as `ERR_TUN_PERMISSION` and a message that says what to do
 */
export function openTun(options: KernelDeviceOptions): KernelDevice {
  return new KernelDevice('ip', options);
}
