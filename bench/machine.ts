import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { root } from './processes.ts';

/** Where and of what the figures are. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly kernel: string;
  readonly processor: string;
  readonly cores: number;
  readonly gibibytes: number;
  /** Of the last minute, before the run. */
  readonly load: number;
}

export function machine(): Machine {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    kernel: `${process.platform} ${release()}`,
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    gibibytes: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
  };
}

/** In one line. */
export function described(facts: Machine): string {
  const { date, commit, node, kernel, processor, cores, gibibytes, load } = facts;
  const where = `${cores} cores of ${processor}, ${gibibytes} GiB, ${kernel}, Node ${node}`;
  return `${date.slice(0, 16).replace('T', ' ')} UTC, commit ${commit}, ${where}, load ${load.toFixed(2)} before the run`;
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
