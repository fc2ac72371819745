import { CommanderError } from 'commander';

/** Something the user can do something about: printed as one line. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints what went wrong as one line, with the stack only if DEBUG is set, and returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode; // commander has printed it, or the help
  const debug = process.env['DEBUG'];
  const detailed = debug !== undefined && debug !== '' && error instanceof Error;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`glasstack: ${detailed ? (error.stack ?? message) : oneLine(message)}\n`);
  return error instanceof CliError ? error.exitCode : 1;
}

/** For commands whose code is all ours: an error that nobody caught is reported like any other, and ends the process. */
export function reportUncaught(): void {
  process.on('uncaughtException', (error) => process.exit(report(error)));
}

/** The text on one line. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
