import type { Position } from './language/syntax.ts';

/** A mistake in a script: the message says what was expected, and where. */
export class ScriptError extends Error {
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.name = 'ScriptError';
    this.position = position;
  }
}

/** A script says something that is right, but that cannot be run here (yet). */
export class UnsupportedError extends Error {
  /** What it is, in a few words: `socket option TCP_FASTOPEN`. */
  readonly construct: string;
  readonly position: Position;

  constructor(construct: string, position: Position) {
    super(`not supported: ${construct}`);
    this.name = 'UnsupportedError';
    this.construct = construct;
    this.position = position;
  }
}

/** `12:7`: line and column, as editors take them. */
export function at(position: Position): string {
  return `${position.line}:${position.column}`;
}
