import { ScriptError } from '../script-error.ts';
import type { Position } from './syntax.ts';

const INTEGER = /[+-]?(?:0[xX][0-9a-fA-F]+|\d+)/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;

/** Walks through a script's text: blanks and comments are skipped in front of whatever is asked for. */
export class Scanner {
  readonly text: string;
  /** Where the scanner stands. */
  at: number = 0;
  readonly #lineStarts: number[] = [0];

  constructor(text: string) {
    this.text = text;
    for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) {
      this.#lineStarts.push(index + 1);
    }
  }

  /** Line and column of `offset`. */
  position(offset: number = this.at): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  /** Skips blanks and comments. */
  skip(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) {
        this.at += 1;
      } else if (this.text.startsWith('//', this.at)) {
        const end = this.text.indexOf('\n', this.at);
        this.at = end < 0 ? this.text.length : end;
      } else if (this.text.startsWith('/*', this.at)) {
        const end = this.text.indexOf('*/', this.at + 2);
        if (end < 0) this.fail('this comment has no end: write */ behind it');
        this.at = end + 2;
      } else {
        return;
      }
    }
  }

  /** Nothing is left. */
  get done(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** Whether `literal` comes next. */
  sees(literal: string): boolean {
    this.skip();
    return this.text.startsWith(literal, this.at);
  }

  /** Whether `pattern` (sticky) fits next. */
  seesPattern(pattern: RegExp): boolean {
    this.skip();
    pattern.lastIndex = this.at;
    return pattern.test(this.text);
  }

  /** Takes `literal` if it comes next. */
  accept(literal: string): boolean {
    if (!this.sees(literal)) return false;
    this.at += literal.length;
    return true;
  }

  /** Takes the word `word` if it comes next, and not a longer one. */
  acceptWord(word: string): boolean {
    this.skip();
    WORD.lastIndex = this.at;
    if (WORD.exec(this.text)?.[0] !== word) return false;
    this.at += word.length;
    return true;
  }

  /** Takes `literal`, which has to come next. */
  expect(literal: string, where: string): void {
    if (!this.accept(literal)) this.fail(`expected '${literal}' ${where}, found ${this.found()}`);
  }

  /** Takes what `pattern` (sticky) fits; undefined if it does not. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    this.skip();
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match;
  }

  /** Takes what has to come next. */
  take(pattern: RegExp, what: string): RegExpExecArray {
    return this.match(pattern) ?? this.fail(`expected ${what}, found ${this.found()}`);
  }

  /** A decimal or hexadecimal number. */
  integer(what: string): number {
    return Number(this.take(INTEGER, what)[0].replace(/^\+/, ''));
  }

  /** A number from 0 to `largest`. */
  number(what: string, largest: number = 0xffff_ffff): number {
    this.skip();
    const start = this.at;
    const value = this.integer(what);
    if (value >= 0 && value <= largest) return value;
    return this.fail(`${what} is ${value}: give a number from 0 to ${largest}`, start);
  }

  /** A name. */
  word(what: string): string {
    return this.take(WORD, what)[0];
  }

  /** The rest up to `end`, which is taken too; blanks and comments are part of it. */
  upTo(end: string, what: string): string {
    const close = this.text.indexOf(end, this.at);
    if (close < 0) this.fail(`${what} has no end: write ${end} behind it`);
    const inside = this.text.slice(this.at, close);
    this.at = close + end.length;
    return inside;
  }

  /** What stands here, for messages. */
  found(): string {
    this.skip();
    if (this.at >= this.text.length) return 'the end of the script';
    const rest = this.text.slice(this.at, this.at + 24).split('\n')[0] ?? '';
    return `'${rest.trim().slice(0, 20)}'`;
  }

  /** Ends the parsing. */
  fail(message: string, offset: number = this.at): never {
    throw new ScriptError(message, this.position(offset));
  }
}
