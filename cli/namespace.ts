import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createNamespace, deleteNamespace } from '../device/device.ts';
import { atEnd } from './teardown.ts';

const OWN = /^glasstack-(\d+)$/;

/** Makes a network namespace that goes away with this process, and removes those whose process was killed. */
export function ownNamespace(): string {
  const name = `glasstack-${process.pid}`;
  for (const left of leftBehind()) deleteNamespace(left);
  createNamespace(name);
  atEnd(() => deleteNamespace(name));
  return name;
}

/** Namespaces of ours whose process is no more. */
function leftBehind(): readonly string[] {
  if (!existsSync('/run/netns') || process.getuid?.() !== 0) return [];
  return readdirSync('/run/netns').filter((name) => {
    const pid = OWN.exec(name)?.[1];
    return pid !== undefined && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`));
  });
}

/** The words that run a command inside a namespace; undefined if this system has no tool for it. */
export function insideNamespace(name: string): readonly string[] | undefined {
  if (isInstalled('nsenter')) return ['nsenter', `--net=/run/netns/${name}`];
  if (isInstalled('ip')) return ['ip', 'netns', 'exec', name];
  return undefined;
}

/** Whether `program` is on the PATH. */
export function isInstalled(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}
