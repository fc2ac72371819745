import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Gap, RtoHistory } from './gaps.ts';
import type { Agreement, Case, Congestion, Place } from './matrix.ts';
import { makeNamespace, removeNamespace } from './namespaces.ts';

const PEER = join(import.meta.dirname, 'peer.py');
const run = promisify(execFile);

/** What `peer.py` tells in the end: see there. Times in milliseconds, those with a name of a place on the monotonic clock. */
export interface PeerResult {
  readonly sent: number;
  readonly received: number;
  readonly sentHash?: string;
  readonly receivedHash?: string;
  readonly congestion?: string;
  readonly sendFrom?: number;
  readonly receivedFrom?: number;
  readonly receivedTo?: number;
  readonly gaps?: readonly Gap[];
  readonly rto?: RtoHistory;
  /** Our FIN came. */
  readonly atEnd?: boolean;
  /** Of `tcp_info` at the end. */
  readonly info?: {
    readonly options: readonly (Agreement | 'ecnSeen')[];
    readonly retransmissions: number;
    readonly delivered: number;
    readonly deliveredCe: number;
    readonly mss: number;
    readonly rtt: number;
  };
  /** An errno name, or what was missing. */
  readonly error?: string;
}

const peers: Set<ChildProcess> = new Set();

/** Ends all kernel's ends that still run; does not wait. */
export function endPeers(): void {
  for (const each of peers) each.kill('SIGKILL');
}

/** A network namespace with the kernel's end of a case in it; all of it goes with `close`. */
export class KernelEnd {
  readonly namespace: string = makeNamespace();
  #peer: ChildProcess | undefined;
  #printed: string = '';
  #complaints: string = '';
  #over: boolean = false;
  #heard: () => void = () => undefined;

  /** Sets the namespace up, before there is a device in it. @throws Error if the kernel does not know a setting */
  async set({ sysctls = {} }: Case, family: Place['family']): Promise<void> {
    const all = {
      // Nobody else has our addresses, and what the kernel says of IPv6 by itself is not part of the case.
      ...(family === 6
        ? { 'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.default.router_solicitations': 0 }
        : { 'net.ipv6.conf.default.disable_ipv6': 1 }),
      ...Object.fromEntries(Object.entries(sysctls).map(([name, value]) => [`net.ipv4.${name}`, value])),
    };
    await this.#run('sysctl', '-qw', ...Object.entries(all).map(([name, value]) => `${name}=${value}`));
  }

  /** Starts the program; a server listens when this returns. */
  async start(
    role: Place['role'],
    address: string,
    port: number,
    size: number,
    congestion: Congestion,
  ): Promise<void> {
    const mode = role === 'client' ? 'connect' : 'listen';
    const words = [PEER, mode, address, String(port), String(size), congestion];
    const peer = spawn('nsenter', [`--net=/run/netns/${this.namespace}`, 'python3', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#peer = peer;
    peers.add(peer);
    peer.stdout.on('data', (chunk: Buffer) => {
      this.#printed += chunk.toString();
      this.#heard();
    });
    peer.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()));
    peer.once('error', (error) => (this.#complaints += error.message));
    peer.once('close', () => {
      this.#over = true;
      peers.delete(peer);
      this.#heard();
    });
    if (role === 'server') await this.#until(() => this.#printed.includes('"listening"') || this.#over);
  }

  /** Waits for the end of the program, and returns what it told. */
  async result(): Promise<PeerResult> {
    await this.#until(() => this.#over);
    const line = this.#printed.trimEnd().split('\n').at(-1) ?? '';
    if (!line.startsWith('{"result"'))
      throw new Error(`the kernel's end failed: ${lastLines(this.#complaints)}`);
    return (JSON.parse(line) as { result: PeerResult }).result;
  }

  /** What `ss` tells of TCP in the namespace now. */
  async sockets(): Promise<string> {
    return this.#run('ss', '-Htnoi').catch(String);
  }

  async close(): Promise<void> {
    if (this.#peer !== undefined && !this.#over) {
      this.#peer.kill('SIGKILL');
      await this.#until(() => this.#over);
    }
    removeNamespace(this.namespace);
  }

  async #run(...command: string[]): Promise<string> {
    const { stdout } = await run('nsenter', [`--net=/run/netns/${this.namespace}`, ...command]);
    return stdout;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#heard = resolve));
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}
