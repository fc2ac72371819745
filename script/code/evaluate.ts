import { ScriptError } from '../script-error.ts';
import type { Position } from '../language/syntax.ts';
import type { Expression, Statement } from './parse-code.ts';

/** What a name or an expression stands for. */
export type CodeValue = number | string | boolean | readonly CodeValue[];

/** What a block said and what was wrong. */
export interface CodeOutcome {
  readonly printed: readonly string[];
  readonly failures: readonly { readonly message: string; readonly position: Position }[];
}

/** Where names come from: the script's own variables first. */
export interface CodeNames {
  /** Live through the script; assignments go here. */
  readonly variables: Map<string, CodeValue>;
  /** Undefined: there is no such name. */
  lookUp(name: string, position: Position): CodeValue | undefined;
}

/** Runs the statements; an assertion that does not hold is noted, and the block goes on. */
export function runCode(statements: readonly Statement[], names: CodeNames): CodeOutcome {
  const printed: string[] = [];
  const failures: { message: string; position: Position }[] = [];
  for (const statement of statements) {
    switch (statement.type) {
      case 'print':
        printed.push(statement.values.map((each) => show(evaluate(each, names))).join(' '));
        break;
      case 'assign':
        assign(statement, names);
        break;
      case 'assert': {
        if (truth(evaluate(statement.condition, names))) break;
        const said = statement.message === undefined ? '' : `: ${show(evaluate(statement.message, names))}`;
        const message = `assert ${statement.text} does not hold${values(statement.condition, names)}${said}`;
        failures.push({ message, position: statement.position });
      }
    }
  }
  return { printed, failures };
}

function assign(statement: Statement & { readonly type: 'assign' }, names: CodeNames): void {
  const { name, operator, position } = statement;
  const value = evaluate(statement.value, names);
  if (operator === '=') {
    names.variables.set(name, value);
    return;
  }
  const before = evaluate({ type: 'name', name, position }, names);
  names.variables.set(name, binary(operator === '+=' ? '+' : '-', before, value, position));
}

/** ` (tcpi_snd_cwnd = 10)`: the names in a condition with what they are. */
function values(condition: Expression, names: CodeNames): string {
  const shown = new Map<string, string>();
  const visit = (expression: Expression): void => {
    if (expression.type === 'name' && !/^(TCP|TCPI)_/.test(expression.name))
      shown.set(expression.name, show(evaluate(expression, names)));
    else if (expression.type === 'tuple') expression.items.forEach(visit);
    else if (expression.type === 'unary') visit(expression.operand);
    else if (expression.type === 'binary') [expression.left, expression.right].forEach(visit);
    else if (expression.type === 'comparison') expression.operands.forEach(visit);
  };
  visit(condition);
  if (shown.size === 0) return '';
  return ` (${[...shown].map(([name, value]) => `${name} = ${value}`).join(', ')})`;
}

/** The value of an expression. */
export function evaluate(expression: Expression, names: CodeNames): CodeValue {
  switch (expression.type) {
    case 'constant':
      return expression.value;
    case 'name': {
      const { name, position } = expression;
      const value = names.variables.get(name) ?? names.lookUp(name, position);
      if (value === undefined) throw new ScriptError(`code block: there is no name '${name}'`, position);
      return value;
    }
    case 'tuple':
      return expression.items.map((item) => evaluate(item, names));
    case 'unary': {
      const operand = evaluate(expression.operand, names);
      return expression.operator === 'not' ? !truth(operand) : -number(operand, expression.position);
    }
    case 'binary':
      return evaluateBinary(expression, names);
    case 'comparison':
      return evaluateComparison(expression, names);
  }
}

function evaluateBinary(expression: Expression & { readonly type: 'binary' }, names: CodeNames): CodeValue {
  const left = evaluate(expression.left, names);
  if (expression.operator === 'and') return truth(left) ? evaluate(expression.right, names) : left;
  if (expression.operator === 'or') return truth(left) ? left : evaluate(expression.right, names);
  return binary(expression.operator, left, evaluate(expression.right, names), expression.position);
}

function evaluateComparison(
  { operands, operators, position }: Expression & { readonly type: 'comparison' },
  names: CodeNames,
): boolean {
  const values = operands.map((operand) => evaluate(operand, names));
  return operators.every((operator, index) => {
    const [left, right] = [values[index], values[index + 1]];
    return left !== undefined && right !== undefined && compare(operator, left, right, position);
  });
}

function compare(operator: string, left: CodeValue, right: CodeValue, position: Position): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case 'in':
    case 'not in': {
      if (!Array.isArray(right)) throw new ScriptError("code block: 'in' needs a tuple behind it", position);
      return right.some((item: CodeValue) => equal(item, left)) === (operator === 'in');
    }
    default: {
      const difference = number(left, position) - number(right, position);
      if (operator === '<') return difference < 0;
      if (operator === '<=') return difference <= 0;
      return operator === '>' ? difference > 0 : difference >= 0;
    }
  }
}

function equal(left: CodeValue, right: CodeValue): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return (
      left.length === right.length && left.every((item: CodeValue, index) => equal(item, right[index] ?? ''))
    );
  }
  if (typeof left === 'boolean' || typeof right === 'boolean') return Number(left) === Number(right);
  return left === right;
}

function binary(operator: string, left: CodeValue, right: CodeValue, position: Position): CodeValue {
  if (operator === '%' && typeof left === 'string') return format(left, right);
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return left + right;
  const [a, b] = [number(left, position), number(right, position)];
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '&':
      return (a & b) >>> 0;
    case '|':
      return (a | b) >>> 0;
    default: {
      if (b === 0) throw new ScriptError('code block: division by zero', position);
      if (operator === '/') return a / b;
      return operator === '//' ? Math.floor(a / b) : a - b * Math.floor(a / b);
    }
  }
}

/** `'%d of %s' % (1, 2)` */
function format(template: string, value: CodeValue): string {
  const values = Array.isArray(value) ? [...value] : [value];
  return template.replace(/%(%|[dsxu])/g, (_, kind: string) => {
    if (kind === '%') return '%';
    const next: CodeValue = values.shift() ?? '';
    return kind === 'x' && typeof next === 'number' ? next.toString(16) : show(next);
  });
}

function number(value: CodeValue, position: Position): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new ScriptError(`code block: a number is needed here, not ${show(value)}`, position);
}

function truth(value: CodeValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== 0 && value !== '' && value !== false;
}

/** As Python prints it. */
export function show(value: CodeValue): string {
  if (Array.isArray(value)) return `(${value.map(show).join(', ')})`;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
