import type { Position } from '../language/syntax.ts';
import { ScriptError } from '../script-error.ts';
import { type Token, tokenize } from './tokens.ts';

/** What an expression can be. */
export type Expression =
  | { readonly type: 'constant'; readonly value: number | string | boolean }
  | { readonly type: 'name'; readonly name: string; readonly position: Position }
  | { readonly type: 'tuple'; readonly items: readonly Expression[] }
  | {
      readonly type: 'unary';
      readonly operator: '-' | 'not';
      readonly operand: Expression;
      readonly position: Position;
    }
  | {
      readonly type: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly position: Position;
    }
  /** `a <= b < c` */
  | {
      readonly type: 'comparison';
      readonly operands: readonly Expression[];
      readonly operators: readonly string[];
      readonly position: Position;
    };

/** What a block is made of. */
export type Statement =
  | {
      readonly type: 'assert';
      readonly condition: Expression;
      readonly message: Expression | undefined;
      readonly position: Position;
      readonly text: string;
    }
  | { readonly type: 'print'; readonly values: readonly Expression[] }
  | {
      readonly type: 'assign';
      readonly name: string;
      readonly operator: '=' | '+=' | '-=';
      readonly value: Expression;
      readonly position: Position;
    };

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** Reads a code block, which begins at `start`. Throws `ScriptError`. */
export function parseCode(code: string, start: Position): Statement[] {
  return new CodeParser(tokenize(code, start), start).statements();
}

class CodeParser {
  readonly #tokens: readonly Token[];
  readonly #start: Position;
  #next: number = 0;

  constructor(tokens: readonly Token[], start: Position) {
    this.#tokens = tokens;
    this.#start = start;
  }

  statements(): Statement[] {
    const found: Statement[] = [];
    for (;;) {
      while (this.#peek()?.kind === 'end') this.#next += 1;
      if (this.#peek() === undefined) return found;
      found.push(this.#statement());
      const after = this.#peek();
      if (after !== undefined && after.kind !== 'end')
        this.#fail(`expected the end of the statement, found '${after.text}'`);
    }
  }

  #statement(): Statement {
    const token = this.#peek();
    const position = this.#position();
    const from = this.#next;
    if (this.#acceptName('assert')) {
      const condition = this.#expression();
      const text = this.#tokens
        .slice(from + 1, this.#next)
        .map(({ text }) => text)
        .join(' ');
      const message = this.#accept(',') ? this.#tuple() : undefined;
      return { type: 'assert', condition, message, position, text };
    }
    if (this.#acceptName('print')) {
      const value = this.#tuple();
      return { type: 'print', values: value.type === 'tuple' ? value.items : [value] };
    }
    const operator = this.#tokens[this.#next + 1]?.text;
    if (token?.kind === 'name' && (operator === '=' || operator === '+=' || operator === '-=')) {
      this.#next += 2;
      return { type: 'assign', name: token.text, operator, value: this.#tuple(), position };
    }
    return this.#fail(
      'a statement is: assert EXPRESSION, print(EXPRESSION), name = EXPRESSION or name += EXPRESSION',
    );
  }

  /** Expressions with commas between are a tuple. */
  #tuple(): Expression {
    const first = this.#expression();
    if (!this.#sees(',')) return first;
    const items = [first];
    while (this.#accept(',')) {
      const next = this.#peek();
      if (next === undefined || next.text === ')' || next.kind === 'end') break;
      items.push(this.#expression());
    }
    return { type: 'tuple', items };
  }

  #expression(): Expression {
    let left = this.#conjunction();
    while (this.#seesName('or')) left = this.#binary('or', left, () => this.#conjunction());
    return left;
  }

  #conjunction(): Expression {
    let left = this.#negation();
    while (this.#seesName('and')) left = this.#binary('and', left, () => this.#negation());
    return left;
  }

  #negation(): Expression {
    const position = this.#position();
    if (this.#acceptName('not'))
      return { type: 'unary', operator: 'not', operand: this.#negation(), position };
    return this.#comparison();
  }

  #comparison(): Expression {
    const position = this.#position();
    const operands = [this.#bits()];
    const operators: string[] = [];
    for (
      let operator = this.#comparisonOperator();
      operator !== undefined;
      operator = this.#comparisonOperator()
    ) {
      operators.push(operator);
      operands.push(this.#bits());
    }
    const [only] = operands;
    if (operators.length === 0 && only !== undefined) return only;
    return { type: 'comparison', operands, operators, position };
  }

  #comparisonOperator(): string | undefined {
    const token = this.#peek();
    if (token?.kind === 'operator' && COMPARISONS.has(token.text)) {
      this.#next += 1;
      return token.text;
    }
    if (this.#acceptName('in')) return 'in';
    if (this.#seesName('not') && this.#tokens[this.#next + 1]?.text === 'in') {
      this.#next += 2;
      return 'not in';
    }
    return undefined;
  }

  #bits(): Expression {
    return this.#chain(['|'], () => this.#chain(['&'], () => this.#sum()));
  }

  #sum(): Expression {
    return this.#chain(['+', '-'], () => this.#chain(['*', '//', '%', '/'], () => this.#factor()));
  }

  #chain(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const token = this.#peek();
      if (token?.kind !== 'operator' || !operators.includes(token.text)) return left;
      left = this.#binary(token.text, left, operand);
    }
  }

  #binary(operator: string, left: Expression, right: () => Expression): Expression {
    const position = this.#position();
    this.#next += 1;
    return { type: 'binary', operator, left, right: right(), position };
  }

  #factor(): Expression {
    const position = this.#position();
    if (this.#accept('-')) return { type: 'unary', operator: '-', operand: this.#factor(), position };
    if (this.#accept('(')) {
      const inside = this.#accept(')') ? undefined : this.#tuple();
      if (inside === undefined) return { type: 'tuple', items: [] };
      if (!this.#accept(')')) this.#fail(`expected ')'`);
      return inside;
    }
    const token = this.#peek();
    this.#next += 1;
    if (token?.kind === 'number') return { type: 'constant', value: Number(token.text) };
    if (token?.kind === 'text') return { type: 'constant', value: unquoted(token.text) };
    if (token?.kind !== 'name') return this.#fail('expected a value', position);
    if (token.text === 'True' || token.text === 'False')
      return { type: 'constant', value: token.text === 'True' };
    if (this.#sees('('))
      return this.#fail(`${token.text}(...) cannot be called: only print and assert are there`, position);
    return { type: 'name', name: token.text, position };
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #position(): Position {
    return this.#peek()?.position ?? this.#tokens.at(-1)?.position ?? this.#start;
  }

  #sees(operator: string): boolean {
    const token = this.#peek();
    return token?.kind === 'operator' && token.text === operator;
  }

  #seesName(name: string): boolean {
    const token = this.#peek();
    return token?.kind === 'name' && token.text === name;
  }

  #accept(operator: string): boolean {
    if (!this.#sees(operator)) return false;
    this.#next += 1;
    return true;
  }

  #acceptName(name: string): boolean {
    if (!this.#seesName(name)) return false;
    this.#next += 1;
    return true;
  }

  #fail(message: string, position: Position = this.#position()): never {
    throw new ScriptError(`code block: ${message}`, position);
  }
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

/** Every name that the statements read. */
export function namesIn(
  statements: readonly Statement[],
): { readonly name: string; readonly position: Position }[] {
  const assigned = new Set(statements.flatMap((each) => (each.type === 'assign' ? [each.name] : [])));
  const roots = statements.flatMap((each): (Expression | undefined)[] => {
    if (each.type === 'assert') return [each.condition, each.message];
    return each.type === 'print' ? [...each.values] : [each.value];
  });
  return roots
    .flatMap((root) => (root === undefined ? [] : namesOf(root)))
    .filter(({ name }) => !assigned.has(name));
}

function namesOf(expression: Expression): { readonly name: string; readonly position: Position }[] {
  switch (expression.type) {
    case 'name':
      return [expression];
    case 'constant':
      return [];
    case 'tuple':
      return expression.items.flatMap(namesOf);
    case 'unary':
      return namesOf(expression.operand);
    case 'binary':
      return [...namesOf(expression.left), ...namesOf(expression.right)];
    case 'comparison':
      return expression.operands.flatMap(namesOf);
  }
}
