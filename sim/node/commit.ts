import { execFileSync } from 'node:child_process';

/** The commit of the working tree in `folder`, short, with `+` if something is changed; `unknown` without git. */
export function commitOf(folder: string = process.cwd()): string {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = git('rev-parse', '--short=7', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`;
  } catch {
    return 'unknown';
  }
}
