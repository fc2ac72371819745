import { DeviceError, explainDeviceFailure, type Subject } from './device-error.ts';
import type { Channel, LinkAddress, LinkState } from './native-addon.ts';

/** Link-local addresses of IPv6 come and go by the kernel's own doing. */
const LINK_LOCAL = 'fe80:';

/**
 * The kernel's side of a TUN or TAP device: what `ip link` and `ip address` would show and set, in whichever namespace the
 * interface was opened. Each access asks or tells the kernel; all of them throw a `DeviceError` when it refuses, or when the
 * device is closed.
 */
export class KernelInterface {
  readonly #channel: Channel;
  readonly #subject: Subject;

  constructor(channel: Channel, subject: Subject) {
    this.#channel = channel;
    this.#subject = { ...subject, name: channel.name };
  }

  /** The largest IP packet, in bytes. */
  get mtu(): number {
    return this.#link().mtu;
  }
  set mtu(bytes: number) {
    this.#change({ mtu: wholeNumber(bytes, 'mtu') });
  }

  /** How many packets wait for us in the kernel before it drops. */
  get queueLength(): number {
    return this.#link().queueLength;
  }
  set queueLength(packets: number) {
    this.#change({ queueLength: wholeNumber(packets, 'transmitQueueLength') });
  }

  get isUp(): boolean {
    return this.#link().up;
  }
  set isUp(up: boolean) {
    this.#change({ up });
  }

  /** The kernel's own Ethernet address, `02:00:00:00:00:01`; empty for a TUN. */
  get mac(): string {
    return this.#link()
      .hardwareAddress.map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':');
  }
  set mac(text: string) {
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
      const message = `'${text}' is not an Ethernet address: write it as 02:00:00:00:00:01.`;
      throw new DeviceError('ERR_TUN_ADDRESS', message);
    }
    this.#change({ hardwareAddress: text.split(':').map((byte) => Number.parseInt(byte, 16)) });
  }

  /** All addresses, as `10.0.0.1/24` and `fd00::1/64`. */
  get addresses(): string[] {
    return this.#listAddresses().map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  }

  /** Adds an address of either version, `10.0.0.1/24`; the same again is fine. */
  addAddress(text: string): void {
    const { address, prefixLength } = splitAddress(text);
    this.#ask(() => this.#channel.addAddress(address, prefixLength));
  }

  /** Takes the address away. */
  removeAddress(text: string): void {
    const { address, prefixLength } = splitAddress(text);
    this.#ask(() => this.#channel.removeAddress(address, prefixLength));
  }

  /** The first address of this IP version, those that the kernel gave itself (link-local) aside. */
  firstAddress(version: 4 | 6): string | undefined {
    return this.addresses.find((text) => versionOf(text) === version && !text.startsWith(LINK_LOCAL));
  }

  /** Makes `text` the only address of its IP version, link-local ones aside. */
  replaceAddress(text: string): void {
    for (const old of this.addresses) {
      if (versionOf(old) === versionOf(text) && old !== text && !old.startsWith(LINK_LOCAL)) {
        this.removeAddress(old);
      }
    }
    this.addAddress(text);
  }

  #link(): LinkState {
    return this.#ask(() => this.#channel.link());
  }

  #listAddresses(): LinkAddress[] {
    return this.#ask(() => this.#channel.addresses());
  }

  #change(change: Partial<LinkState>): void {
    this.#ask(() => this.#channel.setLink(change));
  }

  #ask<Result>(question: () => Result): Result {
    try {
      return question();
    } catch (error) {
      throw explainDeviceFailure(error, this.#subject);
    }
  }
}

function versionOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function wholeNumber(value: number, name: string): number {
  if (Number.isInteger(value) && value > 0 && value <= 0x7fff_ffff) return value;
  throw new DeviceError('ERR_TUN_SETTING', `${name} is ${value}: give a whole number above 0.`);
}

/** Splits `10.0.0.1/24`; whether the address itself makes sense is the kernel's to say. */
function splitAddress(text: string): LinkAddress {
  const match = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    const message = `'${text}' is not an address with its prefix length: write it as 10.0.0.1/24 or fd00::1/64.`;
    throw new DeviceError('ERR_TUN_ADDRESS', message);
  }
  return { address: match[1], prefixLength: Number(match[2]) };
}
