import { ScriptError } from '../script-error.ts';
import type { Position } from '../language/syntax.ts';

/** A piece of a code block. `end`: a line break or `;` outside of parentheses. */
export interface Token {
  readonly kind: 'name' | 'number' | 'text' | 'operator' | 'end';
  readonly text: string;
  readonly position: Position;
}

const TOKEN =
  /(?<name>[A-Za-z_]\w*)|(?<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<operator>==|!=|<=|>=|\/\/|\+=|-=|[-+*/%&|<>=(),])|(?<end>[\n;])|(?<blank>[ \t\r]+|\\\r?\n|#[^\n]*)/y;

/** Splits the code, which begins at `start`, behind `%{`. */
export function tokenize(code: string, start: Position): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let line = start.line;
  let lineStart = -(start.column + 1);
  for (let at = 0; at < code.length; ) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(code)?.groups;
    const position = { line, column: at - lineStart };
    if (groups === undefined) {
      throw new ScriptError(
        `'${code[at]}' cannot stand in a code block: there are assert, print, name = value, comparisons, + - * // % & |, and or not in`,
        position,
      );
    }
    const [kind = 'blank', text = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? [];
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (kind !== 'blank' && !(kind === 'end' && depth > 0))
      tokens.push({ kind: kind as Token['kind'], text, position });
    at += text.length;
    if (text.includes('\n')) {
      line += 1;
      lineStart = at - 1;
    }
  }
  return tokens;
}
