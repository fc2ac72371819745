import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeviceError } from './device-error.ts';

/** What `new Channel` takes. */
export interface OpenOptions {
  /** TAP rather than TUN. */
  readonly ethernet: boolean;
  /** Empty: the kernel chooses. */
  readonly name: string;
  /** The namespace's file; empty: the process's own. */
  readonly namespacePath: string;
  readonly offload: boolean;
  /** Ask for UDP super-packets too; nothing above takes them yet. */
  readonly udpSegmentation: boolean;
  /** Bytes of `virtio_net_hdr`: 10 or 12. */
  readonly headerSize: number;
}

/** The interface as the kernel sees it. */
export interface LinkState {
  readonly mtu: number;
  /** In packets. */
  readonly queueLength: number;
  readonly up: boolean;
  /** Six numbers, or none (TUN). */
  readonly hardwareAddress: readonly number[];
}

/** An address of the kernel's side. */
export interface LinkAddress {
  readonly address: string;
  readonly prefixLength: number;
}

/** What could not be read or written since the device was opened, in packets. */
export interface ChannelCounters {
  readonly readFailures: number;
  readonly writeFailures: number;
  /** The errno name of the last failed write: `EIO` when the interface is down, `EINVAL` for a packet that makes no sense. */
  readonly lastWriteError: string | undefined;
}

/** An open interface, in C++ (`device/native/channel.h`). Its methods throw `NativeFailure`s but on the data path. */
export interface Channel {
  readonly name: string;
  /** Bytes of `virtio_net_hdr` in front of each packet both ways; 0: none. */
  readonly headerSize: number;
  readonly checksumOffload: boolean;
  readonly tso4: boolean;
  readonly tso6: boolean;
  /**
   * Starts reading. Before each `onBatch(count)`, `places` holds `count` pairs of offset and length (header included) of
   * packets in `ring`, each at most `longest` bytes. `onWritable()` follows a `write` that stopped short. `onGone(errno)`
   * comes once, when the system took the interface away.
   */
  start(
    ring: Uint8Array,
    places: Int32Array,
    longest: number,
    onBatch: (count: number) => void,
    onWritable: () => void,
    onGone: (errno: number) => void,
  ): void;
  /** Writes packets from `arena` by `count` pairs of offset and length; returns how many it is done with. */
  write(arena: Uint8Array, places: Int32Array, count: number): number;
  pause(paused: boolean): void;
  hold(keepAlive: boolean): void;
  close(): void;
  counters(): ChannelCounters;
  link(): LinkState;
  setLink(change: Partial<LinkState>): void;
  addresses(): LinkAddress[];
  addAddress(address: string, prefixLength: number): void;
  removeAddress(address: string, prefixLength: number): void;
}

/** `build/Release/glasstack_tun.node`. */
export interface NativeAddon {
  readonly Channel: new (options: OpenOptions) => Channel;
  createNamespace(name: string): void;
  deleteNamespace(name: string): void;
}

const ADDON: string = join('build', 'Release', 'glasstack_tun.node');
const REMEDY = 'install python3 make g++, then run `npm rebuild glasstack` or `node device/native/build.mjs`';

/** The nearest folder above this file with a package.json: the same from `device/` and from `dist/device/`. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/**
 * Loads the addon; it stays loaded. Nothing else loads it, so that everything but TUN and TAP works where it could not be
 * built.
 * @throws DeviceError `ERR_NOT_LINUX` or `ERR_ADDON_NOT_BUILT`
 */
export function nativeAddon(): NativeAddon {
  if (process.platform !== 'linux') {
    const message = `TUN and TAP devices need Linux and this is ${process.platform}: use the in-memory wire here.`;
    throw new DeviceError('ERR_NOT_LINUX', message);
  }
  return loadAddon(join(packageFolder(), ADDON));
}

/**
 * Loads the addon from `file`.
 * @throws DeviceError `ERR_ADDON_NOT_BUILT`
 */
export function loadAddon(file: string): NativeAddon {
  if (!existsSync(file)) {
    throw new DeviceError(
      'ERR_ADDON_NOT_BUILT',
      `The addon for TUN and TAP devices is not built: ${REMEDY}.`,
    );
  }
  try {
    return createRequire(import.meta.url)(file) as NativeAddon;
  } catch (error) {
    const message = `The addon for TUN and TAP devices does not load in this Node (${process.version}, ${process.arch}): ${REMEDY}.`;
    throw new DeviceError('ERR_ADDON_NOT_BUILT', message, error);
  }
}
