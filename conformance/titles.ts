import { type Token, tokens } from './tokens.ts';

const CALLS = new Set(['it', 'test', 'describe']);
const OPENS = new Set(['(', '[', '{']);
const CLOSES = new Set([')', ']', '}']);

/**
 * The titles of all tests in the source of a test file, those of the enclosing `describe`s before them, with ` › ` between. With `.each`
 * there is one title for each row that cites something: the row's text takes the place of the first `%s` or `$name`. Tests that are skipped prove nothing and are left out.
 */
export function testTitles(source: string): string[] {
  return new Reader(tokens(source).filter(({ kind }) => kind !== 'comment')).titles();
}

class Reader {
  readonly #tokens: readonly Token[];

  constructor(all: readonly Token[]) {
    this.#tokens = all;
  }

  titles(): string[] {
    return this.#between(0, this.#tokens.length, ['']);
  }

  /** The titles of the tests between two tokens. */
  #between(from: number, to: number, outer: readonly string[]): string[] {
    const found: string[] = [];
    for (let at = from; at < to; at++) {
      const call = this.#call(at);
      if (call === undefined) continue;
      const { name, titles, opens, closes } = call;
      const full = outer.flatMap((each) =>
        titles.map((title) => (each === '' ? title : `${each} › ${title}`)),
      );
      if (name === 'describe') found.push(...this.#between(opens + 1, closes, full));
      else found.push(...full);
      at = closes;
    }
    return found;
  }

  /** The call of `it`, `test` or `describe` that begins at a token, with all that comes between its name and its title. */
  #call(at: number): { name: string; titles: string[]; opens: number; closes: number } | undefined {
    const name = this.#text(at);
    if (this.#tokens[at]?.kind !== 'word' || !CALLS.has(name) || this.#text(at - 1) === '.') return undefined;
    const rows: string[] = [];
    let runs = true;
    let next = at + 1;
    for (;;) {
      if (this.#text(next) === '.') {
        if (/^(?:skip|todo|fails)$/.test(this.#text(next + 1))) runs = false;
        next += 2; // .each, .skipIf, .concurrent
      } else if (this.#text(next) === '<') {
        next = this.#afterTypes(next);
      } else if (this.#text(next) === '(' && this.#tokens[next + 1]?.kind !== 'string') {
        const end = this.#closing(next);
        if (!['(', '.', '<'].includes(this.#text(end + 1))) return undefined; // no title
        rows.push(...this.#rows(next, end));
        next = end + 1;
      } else {
        break;
      }
    }
    if (this.#text(next) !== '(') return undefined;
    const title = this.#text(next + 1);
    return { name, titles: runs ? expand(title, rows) : [], opens: next, closes: this.#closing(next) };
  }

  /** The strings among the arguments of `.each(…)`, or in the constant that it names. */
  #rows(opens: number, closes: number): string[] {
    const [only] = [this.#tokens[opens + 1]];
    if (closes !== opens + 2 || only?.kind !== 'word') return this.#strings(opens, closes);
    const at = this.#tokens.findIndex(
      ({ text }, index) => text === only.text && this.#text(index - 1) === 'const',
    );
    if (at < 0) return [];
    const equals = this.#tokens.findIndex(
      ({ text }, index) => index > at && text === '=' && this.#text(index + 1) !== '>',
    );
    const value = equals + 1;
    return OPENS.has(this.#text(value)) ? this.#strings(value, this.#closing(value)) : [];
  }

  #strings(from: number, to: number): string[] {
    return this.#tokens
      .slice(from, to)
      .filter(({ kind }) => kind === 'string')
      .map(({ text }) => text);
  }

  #text(at: number): string {
    return this.#tokens[at]?.text ?? '';
  }

  /** The token after the type arguments that begin at `at`. */
  #afterTypes(at: number): number {
    let depth = 0;
    for (let next = at; next < this.#tokens.length; next++) {
      const text = this.#text(next);
      if (text === '<') depth += 1;
      if (text === '>' && this.#text(next - 1) !== '=') depth -= 1;
      if (depth === 0) return next + 1;
    }
    return this.#tokens.length;
  }

  /** The token that closes what opens at `at`. */
  #closing(at: number): number {
    let depth = 0;
    for (let next = at; next < this.#tokens.length; next++) {
      const { kind, text } = this.#tokens[next] ?? { kind: 'word', text: '' };
      if (kind !== 'punctuation') continue;
      if (OPENS.has(text)) depth += 1;
      if (CLOSES.has(text)) depth -= 1;
      if (depth === 0) return next;
    }
    return this.#tokens.length;
  }
}

function expand(title: string, rows: readonly string[]): string[] {
  const citing = rows.filter((row) => /\[.*\b(?:RFC \d|(?:MUST|SHLD|MAY|REC)-\d)/.test(row));
  return [title, ...citing.map((row) => title.replace(/%s|\$[a-z]+/, () => row))];
}
