import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';

const PEER = join(import.meta.dirname, 'peer.py');

/** How a program ended, and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  readonly milliseconds: number;
}

/** A program on the kernel's side, inside a network namespace. */
export class Program {
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcessWithoutNullStreams;
  #output: string = '';
  #errors: string = '';
  #over: boolean = false;
  #heard: () => void = () => {};

  constructor(namespace: string, command: readonly string[]) {
    const began = performance.now();
    this.#child = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...command]);
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString('latin1');
      this.#heard();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
      this.#heard();
    });
    this.#child.stdin.on('error', () => {}); // it ended before it read everything
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.#over = true;
        this.#heard();
        const milliseconds = performance.now() - began;
        resolve({ code, output: this.#output, errors: this.#errors, milliseconds });
      });
    });
  }

  /** Waits until the program has said `text`. */
  async says(text: string): Promise<void> {
    while (!this.#output.includes(text) && !this.#errors.includes(text)) {
      if (this.#over) throw new Error(`ended without "${text}": ${this.#output}${this.#errors}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  /** Writes to its standard input. */
  tell(text: string | Uint8Array): void {
    this.#child.stdin.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Ends it, and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    if (!this.#over) this.#child.kill(signal);
    return this.ended;
  }
}

/** What `peer.py` tells in the end. */
export interface PeerResult {
  readonly sent: number;
  readonly received: number;
  readonly sentHash: string;
  readonly receivedHash: string;
  /** All actions were taken. */
  readonly done?: boolean;
  /** An errno name, and the action that gave it. */
  readonly error?: string;
  readonly at?: string;
  /** Milliseconds until the error. */
  readonly took?: number;
}

/** The command that has the kernel's end of `count` connections take `actions`: see `peer.py`. */
export function peerCommand(
  role: 'connect' | 'listen',
  address: string,
  port: number,
  actions: readonly string[],
  count: number = 1,
): string[] {
  return ['python3', PEER, role, address, String(port), String(count), ...actions];
}

/** What a peer told in the end. */
export async function resultOf(peer: Program): Promise<PeerResult> {
  const { output, errors } = await peer.ended;
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{') || errors !== '') throw new Error(`the peer failed: ${output}${errors}`);
  return JSON.parse(last) as PeerResult;
}
