import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** How a run of glasstack ended. */
export interface Outcome {
  readonly code: number | null;
  /** Stdout as it was written. */
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

/** Characters that `printed` is shown at most. */
const ENOUGH = 65_536;

/** What may be said about a run. */
export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: number;
  readonly input?: Uint8Array | string;
  /** Called with what was printed so far on both, each time something was. */
  readonly printed?: (output: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `glasstack` from its sources to its end. */
export function glasstack(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { environment = {}, user, input = '', printed } = options;
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'cli/main.ts'), ...words], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: tmpdir(), ...environment },
    ...(user !== undefined && { uid: user, gid: user }),
  });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let seen = '';
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      chunks[name].push(chunk);
      if (printed === undefined || seen.length > ENOUGH) return;
      seen += chunk.toString();
      printed(seen, (signal) => child.kill(signal));
    });
  }
  child.stdin.on('error', () => undefined); // it may end before it has read all
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const bytes = Buffer.concat(chunks.stdout);
      resolve({ code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(chunks.stderr).toString() });
    });
  });
}

/** Runs a program; what it printed, whatever its exit code. */
export function program(name: string, ...words: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(name, words, { timeout: 20_000, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that every user may write into; gone after the tests of this file. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'glasstack-test-'));
  chmodSync(folder, 0o777);
  folders.push(folder);
  return folder;
}

/** An ordinary user's id where root may run things as one: if that user can get at Node and at this project. */
export function ordinaryUser(): number | undefined {
  const nobody = 65_534;
  if (process.getuid?.() !== 0) return undefined;
  return isOpen(ROOT) && isOpen(process.execPath) ? nobody : undefined;
}

/** Whether everybody may go there. */
function isOpen(path: string): boolean {
  const above = dirname(path);
  return (statSync(path).mode & 0o005) === 0o005 && (above === path || isOpen(above));
}

/** The one pcapng in `folder`. */
export function captureIn(folder: string): string {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.pcapng'));
  if (file === undefined) throw new Error(`there is no capture in ${folder}`);
  return join(folder, file);
}

/** All comments in a pcapng, as one text. */
export function textOf(file: string): string {
  return readFileSync(file, 'utf8');
}

/** Names of the network namespaces there are. */
export function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}
