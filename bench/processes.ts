import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figures, MeasureOptions, Subject } from './bench.ts';

/** The core of Node and of the servers, and the one of the programs that load them. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

const here = dirname(fileURLToPath(import.meta.url));
/** The repository, from `bench/` and from `dist/bench/`. */
export const root: string = packageFolder(here);
/** Where `--peers` puts what it fetches. */
export const peersFolder: string = join(root, 'bench', 'peers');
const bun = join(peersFolder, 'node_modules', '.bin', 'bun');

const running: Set<ChildProcess> = new Set();
const pinning: boolean = cpus().length > 1 && works('taskset', ['-V']);

function packageFolder(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Whether a program is there and ends well. */
export function works(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** How a program is started. */
export interface Start {
  readonly core: number;
  readonly networkNamespace?: string;
}

/** Starts a program on a core of its own; it is ended at the latest when this process ends. */
export function start(command: readonly string[], { core, networkNamespace }: Start): ChildProcess {
  const words = [...command];
  if (networkNamespace !== undefined) words.unshift('nsenter', `--net=/run/netns/${networkNamespace}`, '--');
  if (pinning) words.unshift('taskset', '-c', String(core));
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** Runs a program to its end; returns what it printed. */
export function output(command: readonly string[], how: Start, timeout: number = 60): Promise<string> {
  const child = start(command, how);
  let printed = '';
  let complaints = '';
  child.stdout?.on('data', (text: Buffer) => (printed += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (complaints += text.toString()));
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeout * 1000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      if (code === 0) resolve(printed);
      else
        reject(new Error(`${command.slice(0, 3).join(' ')} … failed: ${lastLines(complaints || printed)}`));
    });
  });
}

/** Resolves when the program's output contains `text`; fails if it does not within ten seconds. */
export function says(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (): void => reject(new Error(`no '${text}' from a program: ${lastLines(printed)}`));
    const deadline = setTimeout(fail, 10_000);
    const hear = (more: Buffer): void => {
      printed += more.toString();
      if (!printed.includes(text)) return;
      clearTimeout(deadline);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('close', fail);
  });
}

/** Ends one program, by its id, and waits for that. */
export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
  });
}

/** Ends all programs that were started here and still run; does not wait. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** The command for our `program` (`child`, `server`) with Node. */
export function nodeCommand(program: string, args: readonly string[]): string[] {
  return [process.execPath, ...profiling(), join(here, `${program}.js`), ...args];
}

/** `GLASSTACK_BENCH_PROFILE=folder`: a CPU profile of each process that measures. */
function profiling(): string[] {
  const folder = process.env['GLASSTACK_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** Runs a measurement in a process of its own. */
export async function inChild(name: string, options: MeasureOptions): Promise<Figures> {
  const args = [name, JSON.stringify(options)];
  const command = name.endsWith('/bun') ? [bun, join(here, 'bun.js'), ...args] : nodeCommand('child', args);
  const printed = await output(command, { core: SERVER_CORE });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Figures;
}

/** A measurement of ours, of Node `net`, and of Bun if it was fetched, each in processes of its own. */
export function beside(
  name: string,
  time: { readonly warmUp: number; readonly seconds: number },
  more: Omit<MeasureOptions, 'warmUp' | 'seconds'> = {},
): Partial<Record<Subject, () => Promise<Figures>>> {
  const subjects: Subject[] = existsSync(bun) ? ['glasstack', 'node', 'bun'] : ['glasstack', 'node'];
  return Object.fromEntries(
    subjects.map((subject) => [subject, () => inChild(`${name}/${subject}`, { ...more, ...time })]),
  );
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' | ');
}
