import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import type { KernelDevice } from '../../device/kernel-device.ts';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { nativeAddon } from '../../device/native-addon.ts';
import { openTun } from '../../device/tun.ts';

/** Why there is no kernel to compare with; undefined if there is one. */
export function whyNoKernel(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) return 'needs root and /dev/net/tun';
  try {
    nativeAddon();
    execFileSync('nsenter', ['-V'], { stdio: 'ignore' });
    execFileSync('python3', ['-V'], { stdio: 'ignore' });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

/** What a stock Linux has, so that the machine's own settings do not matter. */
const SYSCTLS: readonly string[] = [
  'net.ipv6.conf.default.disable_ipv6=1',
  'net.ipv4.tcp_rmem=4096 131072 6291456',
  'net.ipv4.tcp_wmem=4096 262144 4194304',
  'net.ipv4.tcp_no_metrics_save=1',
];

let made = 0;

/** A network namespace of our own with one TUN in it, and the kernel's TCP behind that. */
export class KernelNamespace {
  readonly name: string;
  readonly device: KernelDevice;
  readonly #programs: ChildProcess[] = [];
  readonly #cleanUp: () => void;

  /** `address`: the kernel's side, with prefix length; `route`: what else is reached through the TUN. */
  constructor(address: string, route?: string) {
    made += 1;
    this.name = `exp-${process.pid}-${made}`;
    createNamespace(this.name);
    this.#cleanUp = () => deleteNamespace(this.name);
    process.once('exit', this.#cleanUp); // should the process end in mid-run
    this.run('sysctl', '-eqw', ...SYSCTLS);
    this.device = openTun({ name: 'gs0', address, networkNamespace: this.name, offload: false });
    if (route !== undefined) this.run('ip', 'route', 'add', route, 'dev', this.device.name);
  }

  /** Runs a program inside, to its end. */
  run(...command: readonly string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.name}`, ...command], { encoding: 'utf8' });
  }

  /** Starts a Python program inside; `said` hears each line that it prints. It is ended with the namespace. */
  python(
    script: string,
    args: readonly string[],
    said: (line: string) => void = () => undefined,
  ): ChildProcess {
    const command = [`--net=/run/netns/${this.name}`, 'python3', '-c', script, ...args];
    const child = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', said);
    this.#programs.push(child);
    return child;
  }

  close(): void {
    for (const program of this.#programs) program.kill('SIGKILL');
    this.device.close();
    process.removeListener('exit', this.#cleanUp);
    this.#cleanUp();
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
