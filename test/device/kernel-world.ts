import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { nativeAddon } from '../../device/native-addon.ts';

/** Why tests with the kernel cannot run here, or undefined. */
export function whyNoKernel(): string | undefined {
  if (process.platform !== 'linux') return 'they need Linux';
  if (process.getuid?.() !== 0) return 'they need root';
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    nativeAddon();
  } catch (error) {
    return String(error);
  }
  return undefined;
}

/** True, with the reason said once, where tests with the kernel have to be skipped. */
export function kernelMissing(): boolean {
  const reason = whyNoKernel();
  if (reason !== undefined) console.warn(`tests with the kernel's TUN and TAP are skipped: ${reason}`);
  return reason !== undefined;
}

let made = 0;

/** Runs `work` with a network namespace of its own, which is gone afterwards. */
export async function withNamespace(work: (name: string) => Promise<void> | void): Promise<void> {
  made += 1;
  const name = `gs-test-${process.pid}-${made}`;
  createNamespace(name);
  try {
    await work(name);
  } finally {
    deleteNamespace(name);
  }
}

/** What a program said, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program inside a namespace to its end (10 s at most) while this process goes on. */
export function runInside(name: string, ...command: string[]): Promise<Outcome> {
  return runProgram('nsenter', `--net=/run/netns/${name}`, ...command);
}

/** Runs a program to its end (10 s at most) while this process goes on. */
export function runProgram(program: string, ...options: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, options, { timeout: 10_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** Starts a Node script inside a namespace, and waits until it has printed something. */
export function startInside(name: string, script: string): Promise<ChildProcess> {
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', script]);
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve(child));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the script ended with ${code} before it printed`)));
  });
}

/** Waits until `condition` holds; fails after 5 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 5 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
