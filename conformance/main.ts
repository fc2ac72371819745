/**
 * `npm run conformance`: writes docs/conformance.md, and fails if a requirement is said to be met without a test, or if a citation names
 * none. With `--check` it writes nothing and fails if the document is out of date. With `--report <file>`, a JSON report of vitest, the
 * citing tests have to have passed, too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { counts } from './document.ts';
import { DOCUMENT, check } from './project.ts';
import { type TestReport, withoutPassingTest } from './report.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, report: { type: 'string' } } });
const { evidence, document, wrong } = check(values.check === true);
if (values.report !== undefined) {
  const report = JSON.parse(readFileSync(values.report, 'utf8')) as TestReport;
  wrong.push(...withoutPassingTest(evidence, report));
}
if (values.check !== true) writeFileSync(DOCUMENT, document);
for (const { group, of } of counts(evidence.requirements)) {
  const [met = 0, notMet = 0, notApplicable = 0] = of;
  console.log(`${group}: ${met} met, ${notMet} not met, ${notApplicable} not applicable`);
}
for (const each of wrong) console.error(`✗ ${each}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
