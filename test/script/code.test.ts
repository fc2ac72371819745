import { describe, expect, it } from 'vitest';
import { type CodeOutcome, type CodeValue, runCode } from '../../script/code/evaluate.ts';
import { parseCode } from '../../script/code/parse-code.ts';
import { ScriptError } from '../../script/script.ts';

function run(code: string, names: Record<string, number> = {}): CodeOutcome {
  const variables = new Map<string, CodeValue>();
  return runCode(parseCode(code, { line: 1, column: 1 }), { variables, lookUp: (name) => names[name] });
}

/** What an expression prints as. */
function value(expression: string): string | undefined {
  return run(`print(${expression})`, { a: 7, b: 2 }).printed[0];
}

describe('expressions', () => {
  it.each([
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['7 // 2, 7 % 2, -7 // 2, -7 % 2', '3 1 -4 1'],
    ['a - b - 1', '4'],
    ['a & 3 | 8', '11'],
    ['1 < a <= 7', 'True'],
    ['1 < a < 7', 'False'],
    ['a == 7 and b == 3 or not b', 'False'],
    ['a in (1, 7)', 'True'],
    ['a not in (1, 7)', 'False'],
    ["'%d of %s, %x %%' % (a, 'b', 255)", '7 of b, ff %'],
    ["'x' + 'y'", 'xy'],
    ['(1, 2) == (1, 2)', 'True'],
    ['0x10', '16'],
    ['True == 1', 'True'],
  ])('%s is %s', (expression, printed) => {
    expect(value(expression)).toBe(printed);
  });
});

describe('statements', () => {
  it('keep variables, and go on after an assertion that does not hold', () => {
    const { printed, failures } = run('x = 5; x += 2\nassert x == 8, "seven"\nprint(x) # said');
    expect(printed).toEqual(['7']);
    expect(failures).toEqual([
      { message: 'assert x == 8 does not hold (x = 7): seven', position: { line: 2, column: 1 } },
    ]);
  });

  it('may go over lines in parentheses and behind a backslash', () => {
    expect(run('assert (1 ==\n 1)\nassert 1 + \\\n 1 == 2').failures).toEqual([]);
  });
});

describe('mistakes', () => {
  it.each([
    ['import os', 'a statement is: assert EXPRESSION'],
    ['assert open("x")', 'open(...) cannot be called'],
    ['assert nothing', "there is no name 'nothing'"],
    ['assert "a" < 1', 'a number is needed here, not a'],
    ['assert 1 / 0', 'division by zero'],
    ['assert [1]', "'[' cannot stand in a code block"],
    ['assert 1 2', "expected the end of the statement, found '2'"],
    ['assert __import__', "there is no name '__import__'"],
    ['assert a.b', "'.' cannot stand in a code block"],
  ])('%s', (code, message) => {
    expect(() => run(code)).toThrow(ScriptError);
    expect(() => run(code)).toThrow(message);
  });
});
