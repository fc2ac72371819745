import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { KernelDevice } from '../../device/kernel-device.ts';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { openTap } from '../../device/tap.ts';
import { openTun } from '../../device/tun.ts';
import { SystemScheduler } from '../../socket-api/node/clock.ts';
import { systemRandom } from '../../socket-api/node/random.ts';
import { Host } from '../../stack/host.ts';
import type { DeviceLayer } from '../../stack/link/device.ts';
import { type SettingsChanges, settings } from '../../stack/settings.ts';
import { seconds } from '../../stack/time.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import { type IpAddress, parseAddress } from '../../stack/wire/address.ts';
import { captureTrace } from '../../trace/capture.ts';
import { openPcapngFile } from '../../trace/node/pcapng-file.ts';
import { whyNoKernel } from '../device/kernel-world.ts';
import { type Outcome, type PeerResult, Program, peerCommand, resultOf } from './program.ts';
import { type AnalysisFlag, objections, tsharkMissing } from './tshark.ts';

export const KERNEL = '10.9.0.1';
export const STACK = '10.9.0.2';
export const KERNEL6 = 'fd09::1';
export const STACK6 = 'fd09::2';
const CAPTURES = join(import.meta.dirname, '../../captures/out/interop');

/**
 * A busy machine stops either side, or a program that holds the kernel's socket, for more than the 200 ms after which Linux sends
 * again what was never lost. Here both wait so long that a retransmission means a loss.
 */
const PATIENCE = seconds(3);

/** What is different in the kernel's namespace. Of IPv6 it would send router solicitations only, which our host drops. */
const SYSCTLS: readonly string[] = [
  'net.ipv6.conf.default.disable_ipv6=1',
  'net.ipv4.tcp_congestion_control=cubic',
  `net.ipv4.tcp_rto_min_us=${PATIENCE}`,
  'net.ipv4.tcp_early_retrans=0',
];

/** With IPv6: its addresses can be used at once, and nobody asks for routers. */
const IPV6_SYSCTLS: readonly string[] = [
  'net.ipv6.conf.default.disable_ipv6=0',
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv6.conf.default.router_solicitations=0',
];

/** `GLASSTACK_INTEROP=quick`: small amounts and short waits, for the time between two edits. */
export const full: boolean = process.env['GLASSTACK_INTEROP'] !== 'quick';
export const MIB: number = 1024 * 1024;

/** True, with the reason said once, where there is no kernel to talk to. */
export const interopMissing: boolean = missing();

function missing(): boolean {
  const reason = whyNoKernel();
  if (reason !== undefined) console.warn(`tests with the kernel over TUN are skipped: ${reason}`);
  else if (tsharkMissing) console.warn('captures are not looked through: there is no tshark');
  return reason !== undefined;
}

/** What a world is made with. */
export interface WorldOptions {
  /** Names the capture: `captures/out/interop/NAME.pcapng`. */
  readonly name: string;
  /** Offloads of the TUN (`true`). */
  readonly offload?: boolean;
  /** Packets that the kernel keeps for us before it drops. */
  readonly queueLength?: number;
  /** The profile `linux` if it says nothing. */
  readonly settings?: SettingsChanges;
  /** Bytes captured of a packet: without all of them, no checksum of TCP can be verified. */
  readonly snapLength?: number;
  /** Frames (or super-segments) captured at most, for tests that make millions. */
  readonly frames?: number;
  /** No comments in the capture: they cost copies. */
  readonly bulk?: boolean;
  /** What tshark may find besides: the path is not clean, or the window closes. */
  readonly allowed?: readonly AnalysisFlag[];
  /** IPv6 beside IPv4, on both sides. */
  readonly ipv6?: boolean;
  /** A TAP, so Ethernet, instead of the TUN. */
  readonly tap?: boolean;
  readonly layer?: (scheduler: SystemScheduler) => DeviceLayer;
}

/** A host of ours and the kernel in a network namespace, a TUN between them, and a capture of our side. */
export class World {
  readonly namespace: string;
  readonly device: KernelDevice;
  readonly host: Host;
  readonly capture: string;
  readonly #close: () => void;
  readonly #programs: Program[] = [];

  constructor(namespace: string, options: WorldOptions) {
    mkdirSync(CAPTURES, { recursive: true });
    this.namespace = namespace;
    this.capture = join(CAPTURES, `${options.name}.pcapng`);
    const scheduler = new SystemScheduler();
    const offload = options.offload ?? true;
    const open = options.tap === true ? openTap : openTun;
    const ipv6 = options.ipv6 ?? false;
    this.device = open({
      name: 'gs0',
      address: ipv6 ? [`${KERNEL}/24`, `${KERNEL6}/64`] : `${KERNEL}/24`,
      networkNamespace: namespace,
      offload,
      transmitQueueLength: options.queueLength,
    });
    const { snapLength = 0, frames = Infinity } = options;
    const file = openPcapngFile(this.capture, { snapLength });
    const tracer = captureTrace(file.sink, { comments: options.bulk !== true });
    let left = frames;
    this.host = new Host({
      name: 'glass',
      scheduler,
      random: systemRandom(),
      settings: settings({
        profile: options.settings?.profile ?? 'linux',
        tcp: { minRto: PATIENCE, tailLossProbe: false, ...options.settings?.tcp },
      }),
      tracer: (event: TraceEvent) => {
        if (event.type === 'frame') left -= 1;
        if (left >= 0) tracer(event);
        else this.host.tracer = undefined;
      },
    });
    const device = options.layer?.(scheduler)(this.device) ?? this.device;
    const own = [{ address: address(STACK), prefixLength: 24 }];
    if (ipv6) own.push({ address: address(STACK6), prefixLength: 64 });
    this.host.addInterface(device, own);
    this.host.holds.retain();
    this.#close = () => {
      this.host.close();
      tracer.flush();
      file.close();
    };
  }

  /** Starts a program on the kernel's side; it is ended with the world. */
  start(...command: string[]): Program {
    const program = new Program(this.namespace, command);
    this.#programs.push(program);
    return program;
  }

  /** Runs a program on the kernel's side to its end. */
  run(...command: string[]): Promise<Outcome> {
    return this.start(...command).ended;
  }

  /** The kernel connects to `port` of ours and takes `actions`. */
  kernelConnects(port: number, actions: readonly string[], count: number = 1, to: string = STACK): Program {
    return this.start(...peerCommand('connect', to, port, actions, count));
  }

  /** The kernel listens at `port` and takes `actions` with who connects. */
  async kernelListens(
    port: number,
    actions: readonly string[],
    count: number = 1,
    on: string = KERNEL,
  ): Promise<Program> {
    const peer = this.start(...peerCommand('listen', on, port, actions, count));
    await peer.says('"listening"');
    return peer;
  }

  /** What the kernel's end did. */
  async result(peer: Program): Promise<PeerResult> {
    return resultOf(peer);
  }

  /** What `ss` shows of TCP in the namespace, a line a socket. */
  async kernelSockets(...filter: string[]): Promise<string[]> {
    const { output } = await this.run('ss', '-Htan', ...filter);
    return output.split('\n').filter((line) => line !== '');
  }

  async close(): Promise<void> {
    for (const program of this.#programs) await program.stop('SIGKILL');
    this.#close();
  }
}

let made = 0;

/** Runs `work` in a world of its own, removes all of it, and has tshark look through what it left. */
export async function withWorld(options: WorldOptions, work: (world: World) => Promise<void>): Promise<void> {
  made += 1;
  const namespace = `gs-interop-${process.pid}-${made}`;
  createNamespace(namespace);
  let capture = '';
  try {
    const family = options.ipv6 === true ? IPV6_SYSCTLS : [];
    await new Program(namespace, ['sysctl', '-eqw', ...SYSCTLS, ...family]).ended;
    const world = new World(namespace, options);
    capture = world.capture;
    try {
      await work(world);
    } finally {
      await world.close();
    }
  } finally {
    deleteNamespace(namespace);
  }
  if (!tsharkMissing) expect(await objections(capture, options.allowed), capture).toEqual({});
}

export function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** Waits so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `condition` holds; fails after `limit` milliseconds. */
export async function until(condition: () => boolean, what: string, limit: number = 5_000): Promise<void> {
  const deadline = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await sleep(5);
  }
}
