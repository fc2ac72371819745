import { describe, expect, it } from 'vitest';
import { codeCitations, testCitations } from '../../conformance/citations.ts';
import { type Evidence, problems } from '../../conformance/evidence.ts';
import { check, readEvidence } from '../../conformance/project.ts';
import { type TestReport, withoutPassingTest } from '../../conformance/report.ts';
import { parseFurther, parseRequirements } from '../../conformance/requirements.ts';
import { testTitles } from '../../conformance/titles.ts';

it('docs/conformance.md is what the citations say, and each requirement that is met has a test', () => {
  expect(check(true).wrong).toEqual([]);
});

describe('titles of tests', () => {
  it('are found with those of their describes, in all kinds of quotes', () => {
    const source = `
      describe("a 'window'", () => { it('is\\'nt open', () => { const no = 'it(' + /it\\('x'/; }); });
      it(\`begins \${at(\`x\`)} [RFC 1 2]\`, async () => {}); // it('comment', () => {})
      const split = (a / b) / it.length; test('last', run);`;
    expect(testTitles(source)).toEqual(["a 'window' › is'nt open", 'begins ${at(`x`)} [RFC 1 2]', 'last']);
  });

  it('have their rows in them, if those cite something', () => {
    const source = `
      const KINDS: readonly Kind[] = [{ what: 'a RST [SHLD-2]', answer: 'b' }, { what: 'plain' }];
      it.each(KINDS)('$what is taken', () => {});
      it.each<[string, Map<string, () => void>]>([['one [MAY-1]', 1]])('takes %s', (_, x) => {});`;
    expect(testTitles(source)).toEqual([
      '$what is taken',
      'a RST [SHLD-2] is taken',
      'takes %s',
      'takes one [MAY-1]',
    ]);
  });

  it('of what is skipped prove nothing', () => {
    const source = `it.skip('a', f); describe.skip('b', () => { it('c', f); }); it.todo('d'); it.skipIf(x)('e', f);`;
    expect(testTitles(source)).toEqual(['e']);
  });
});

describe('citations', () => {
  it('are taken from titles, from the head of a script, and from comments of code', () => {
    const text = `// Over two\n// lines [RFC 9293\n// MUST-5].\n0 socket() = 3\n+0 < S 0:0(0) // MUST-6\n`;
    expect(testCitations([{ path: 'a.pkt', text }])).toEqual([
      { path: 'a.pkt', title: 'Over two lines [RFC 9293 MUST-5].', ids: ['MUST-5'], rfcs: ['RFC 9293'] },
    ]);
    const code = `/** One [RFC\n * 6298 2; RFC 9293 SHLD-1]. */ const a = 'MUST-1'; // MAY-2`;
    expect(codeCitations([{ path: 'a.ts', text: code }])).toMatchObject([
      { ids: ['SHLD-1', 'MAY-2'], rfcs: ['RFC 6298', 'RFC 9293'] },
    ]);
  });
});

describe('the check', () => {
  const evidence = readEvidence();
  const wrong = (change: Partial<Evidence>): string[] => problems({ ...evidence, ...change }, () => true);

  it('finds a requirement that is met by no test', () => {
    const tests = evidence.tests.filter(({ ids }) => !ids.includes('MUST-60'));
    expect(wrong({ tests })).toContain('MUST-60 is said to be met, but no test cites it');
  });

  it('finds a citation of what does not exist', () => {
    const odd = { path: 'a.test.ts', title: 'odd [MUST-70]', ids: ['MUST-70'], rfcs: [] };
    expect(wrong({ tests: [...evidence.tests, odd] })).toEqual([
      'a.test.ts cites MUST-70, which does not exist: odd [MUST-70]',
    ]);
    expect(wrong({ code: [{ ...odd, title: '' }] })).toEqual([
      'a.test.ts cites MUST-70, which does not exist',
    ]);
  });

  it('finds a missing id, and a proof that no test is', () => {
    expect(wrong({ requirements: evidence.requirements.slice(1) })[0]).toContain('118 ids');
    const further = parseFurther('## RFC 6298: timer\n2 | met | It doubles. | by no such test');
    expect(wrong({ further })).toEqual(['no test that cites RFC 6298 is called "no such test"']);
  });

  it('asks for a test that has passed, if there is a report', () => {
    const report = (status: string): TestReport => {
      const byFile = evidence.tests.map(({ path, title, ids }) => ({
        name: `/work/${path.endsWith('.pkt') ? 'test/script/scripts.test.ts' : path}`,
        assertionResults: [
          {
            fullName: title.replaceAll(' › ', ' '),
            title: path.replace(/^test\/scripts\//, ''),
            status: ids.includes('MUST-49') ? status : 'passed',
          },
        ],
      }));
      return { testResults: byFile };
    };
    expect(withoutPassingTest(evidence, report('passed'))).toEqual([]);
    expect(withoutPassingTest(evidence, report('failed'))).toContain(
      'MUST-49 is said to be met, but no test that cites it has passed',
    );
  });

  it.each([
    ['MUST-1 | SHOULD | 3.1 | met | It is.', '"SHOULD" is no level of MUST-1'],
    ['MUST-1 | MUST | 4 | met | It is.', '"4" is no section'],
    ['MUST-1 | MUST | 3.1 | done | It is.', '"done" is no verdict'],
    ['MUST-1 | MUST | 3.1 | not met | It is.', 'it is not met, but there is no reason'],
    ['MUST-1 | MUST | 3.1 | met | It is', 'the requirement is no sentence'],
  ])('refuses the row %s', (row, why) => {
    expect(() => parseRequirements(row)).toThrow(`line 1: ${why}`);
  });
});
