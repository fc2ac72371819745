import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** How a program ended, and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly output: Buffer;
  readonly errors: string;
  readonly ms: number;
}

const running: Set<ChildProcessWithoutNullStreams> = new Set();

/** Ends all programs that were started here and still run; does not wait. */
export function endChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A program that runs beside this one. */
export class Child {
  readonly ended: Promise<Outcome>;
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #chunks: Buffer[] = [];
  #errors: string = '';
  #over: boolean = false;
  #heard: () => void = () => undefined;

  /** Starts it; after `limit` milliseconds it is killed. */
  constructor(
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    limit: number = 60_000,
  ) {
    const [program = '', ...words] = command;
    this.#name = command.join(' ');
    const began = performance.now();
    const child = spawn(program, words, { env: { ...process.env, ...environment } });
    this.#child = child;
    running.add(child);
    const deadline = setTimeout(() => child.kill('SIGKILL'), limit);
    child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#heard();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
      this.#heard();
    });
    child.stdin.on('error', () => undefined); // it ended before it read everything
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(deadline);
        running.delete(child);
        this.#over = true;
        this.#heard();
        const ms = performance.now() - began;
        resolve({ code, output: this.output, errors: this.#errors, ms });
      });
    });
  }

  /** Bytes on its standard output so far. */
  get printed(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** What it wrote to its standard output so far, in a copy. */
  get output(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Waits until it has said `text` on its standard error or output. @throws Error if it ends before */
  async says(text: string): Promise<void> {
    await this.until(() => this.#errors.includes(text) || this.output.includes(text), text);
  }

  /** Waits until `condition` holds, which is looked at whenever it said something. @throws Error if it ends before */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.#over) throw new Error(`${this.#name} ended before '${what}': ${lastLines(this.#errors)}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  /** Writes to its standard input. */
  tell(bytes: Uint8Array | string): void {
    this.#child.stdin.write(bytes);
  }

  /** Writes to its standard input, and ends that. */
  endInput(bytes: Uint8Array | string = ''): void {
    this.#child.stdin.end(bytes);
  }

  /** Waits for its end. @throws Error if it was no good one */
  async good(): Promise<Outcome> {
    const outcome = await this.ended;
    if (outcome.code === 0) return outcome;
    throw new Error(`${this.#name} ended with ${outcome.code}: ${lastLines(outcome.errors)}`);
  }

  /** Ends it, and waits until it is gone. */
  async stop(): Promise<void> {
    if (!this.#over) this.#child.kill('SIGTERM');
    await this.ended;
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}
