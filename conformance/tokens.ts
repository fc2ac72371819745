/** As much of TypeScript's lexical grammar as it takes to find strings and comments. */

export interface Token {
  /** `punctuation` is a single character. */
  readonly kind: 'word' | 'string' | 'comment' | 'punctuation';
  /** A string without its quotes (escapes of quotes undone), a comment without its marks. */
  readonly text: string;
}

const WORD = /[\p{L}\p{N}_$#]+/uy;
const LINE_COMMENT = /\/\/([^\n]*)/y;
const BLOCK_COMMENT = /\/\*([\s\S]*?)\*\//y;
const STRING = /'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"/y;
const REGULAR_EXPRESSION = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** After these a slash begins a regular expression. */
const BEFORE_EXPRESSION = /^[([{,;=:?!&|<>+\-*%~^}]$|^(?:return|typeof|case|of|in|yield|await)$/;

/** The tokens of `source`, in order; regular expressions and white space are left out. */
export function tokens(source: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  let last = '(';
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const character = source[at] ?? '';
    const comment = character === '/' ? (match(LINE_COMMENT) ?? match(BLOCK_COMMENT)) : null;
    if (/\s/.test(character)) {
      at += 1;
    } else if (comment !== null) {
      found.push({ kind: 'comment', text: comment[1] ?? '' });
      at += comment[0].length;
    } else if (character === '/' && BEFORE_EXPRESSION.test(last)) {
      at += match(REGULAR_EXPRESSION)?.[0].length ?? 1;
      last = ')';
    } else {
      const token = character === '`' ? template(source, at) : plain(match(STRING), match(WORD), character);
      found.push(token.token);
      at += token.length;
      last = token.token.kind === 'string' ? ')' : token.token.text;
    }
  }
  return found;
}

interface Read {
  readonly token: Token;
  readonly length: number;
}

function plain(string: RegExpExecArray | null, word: RegExpExecArray | null, character: string): Read {
  if (string !== null) {
    const text = (string[1] ?? string[2] ?? '').replaceAll(/\\(['"])/g, '$1');
    return { token: { kind: 'string', text }, length: string[0].length };
  }
  if (word !== null) return { token: { kind: 'word', text: word[0] }, length: word[0].length };
  return { token: { kind: 'punctuation', text: character }, length: 1 };
}

/** A template at `from`, with what is in its `${…}` as it stands. */
function template(source: string, from: number): Read {
  let at = from + 1;
  let depth = 0;
  while (at < source.length) {
    const character = source[at] ?? '';
    if (character === '\\') at += 1;
    else if (depth === 0 && character === '`') break;
    else if (character === '$' && source[at + 1] === '{') depth += 1;
    else if (character === '`') at += template(source, at).length - 1;
    else if (depth > 0 && character === '}') depth -= 1;
    at += 1;
  }
  return { token: { kind: 'string', text: source.slice(from + 1, at) }, length: at + 1 - from };
}
