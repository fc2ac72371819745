import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createNamespace, deleteNamespace } from '../device/namespace.ts';
import { nativeAddon } from '../device/native-addon.ts';
import { CLIENTS, TUN_STACK, VETH_CLIENT, VETH_SERVER } from './clients.ts';
import { CLIENT_CORE, SERVER_CORE, end, nodeCommand, output, says, start, works } from './processes.ts';

/** Who serves: our stack behind a TUN, or Node `net` behind a veth; each with offloads and without. */
export type Served = 'glasstack' | 'node';

/** Why there is no world of namespaces and TUN devices here; undefined if there can be one. */
export function whyNoKernelWorld(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) return 'needs root and /dev/net/tun';
  for (const [program, option] of Object.entries({ ip: '-V', nsenter: '-V', python3: '-V' })) {
    if (!works(program, [option])) return `needs ${program}`;
  }
  try {
    nativeAddon();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

/** iperf3 and ethtool are asked for separately: without them the rows have no column `kernel`, or no row. */
export const hasIperf: boolean = works('iperf3', ['-v']);
export const hasEthtool: boolean = works('ethtool', ['--version']);

/** Namespaces of our own, so that nothing of the machine's is touched, and the servers in them. */
export class KernelWorld {
  readonly #namespaces: string[] = [];
  readonly #servers: ChildProcess[] = [];

  /** Makes everything; what was made before something failed goes when `close` is called. */
  async open(): Promise<void> {
    for (const offload of [true, false]) {
      const ours = this.#namespace('tun', offload);
      await this.#serve(nodeCommand('server', ['glasstack', ours, String(offload)]));
      const [client, server] = [this.#namespace('c', offload), this.#namespace('s', offload)];
      connectByVeth(client, server, offload);
      await this.#serve(nodeCommand('server', ['node']), server);
    }
  }

  /** Runs one of the clients against a server; returns the number it prints. */
  async client(
    what: keyof typeof CLIENTS,
    served: Served,
    offload: boolean,
    warmUp: number,
    seconds: number,
  ): Promise<number> {
    const { script, port } = CLIENTS[what];
    const address = served === 'glasstack' ? TUN_STACK : VETH_SERVER;
    const networkNamespace = name(served === 'glasstack' ? 'tun' : 'c', offload);
    const args = [address, port, warmUp, seconds].map(String);
    const printed = await output(['python3', '-c', script, ...args], { core: CLIENT_CORE, networkNamespace });
    return Number(printed);
  }

  /** The kernel's TCP over veth, in Gbit/s. */
  async iperf(offload: boolean, warmUp: number, seconds: number): Promise<number> {
    const server = start(['iperf3', '-s', '-1', '--forceflush'], {
      core: SERVER_CORE,
      networkNamespace: name('s', offload),
    });
    try {
      await says(server, 'Server listening');
      const times = ['-O', String(warmUp), '-t', String(seconds)];
      const command = ['iperf3', '-c', VETH_SERVER, '-C', 'cubic', '-J', ...times];
      const printed = await output(command, { core: CLIENT_CORE, networkNamespace: name('c', offload) });
      const report = JSON.parse(printed) as { end: { sum_received: { bits_per_second: number } } };
      return report.end.sum_received.bits_per_second / 1e9;
    } finally {
      await end(server);
    }
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await end(server);
    this.removeNamespaces();
  }

  /** At once, for a process that is about to end. */
  removeNamespaces(): void {
    for (const each of this.#namespaces.splice(0)) {
      try {
        deleteNamespace(each);
      } catch {
        // There is nobody left to tell, and the others are to go as well.
      }
    }
  }

  #namespace(role: string, offload: boolean): string {
    const wanted = name(role, offload);
    createNamespace(wanted);
    this.#namespaces.push(wanted);
    return wanted;
  }

  async #serve(command: readonly string[], networkNamespace?: string): Promise<void> {
    const how = networkNamespace === undefined ? {} : { networkNamespace };
    const server = start(command, { core: SERVER_CORE, ...how });
    this.#servers.push(server);
    await says(server, 'ready');
  }
}

function name(role: string, offload: boolean): string {
  return `gsbench-${process.pid}-${role}-${offload ? 'on' : 'off'}`;
}

function connectByVeth(client: string, server: string, offload: boolean): void {
  const ip = (...args: string[]): unknown =>
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  ip('-n', client, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', server);
  ip('-n', client, 'address', 'add', `${VETH_CLIENT}/24`, 'dev', 'v0');
  ip('-n', server, 'address', 'add', `${VETH_SERVER}/24`, 'dev', 'v1');
  ip('-n', client, 'link', 'set', 'v0', 'up');
  ip('-n', server, 'link', 'set', 'v1', 'up');
  if (offload || !hasEthtool) return;
  const off = ['tso', 'gso', 'gro', 'tx', 'rx'].flatMap((feature) => [feature, 'off']);
  for (const [namespace, device] of [
    [client, 'v0'],
    [server, 'v1'],
  ] as const) {
    const args = [`--net=/run/netns/${namespace}`, '--', 'ethtool', '-K', device, ...off];
    execFileSync('nsenter', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
