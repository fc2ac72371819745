import type { Evidence } from './evidence.ts';
import { testsOf } from './evidence.ts';

/** What is used of the report that vitest writes with `--reporter=json`. */
export interface TestReport {
  readonly testResults: readonly {
    /** The file, as an absolute path. */
    readonly name: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

/** The requirements that are said to be met and that no test cites which has passed in `report`. */
export function withoutPassingTest(evidence: Evidence, report: TestReport): string[] {
  const passed = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'passed')
      .map(({ fullName, title }) => ({ file: name.replaceAll('\\', '/'), fullName, title })),
  );
  const hasPassed = (path: string, id: string): boolean =>
    path.endsWith('.pkt')
      ? passed.some(({ title }) => title.endsWith('.pkt') && path.endsWith(`/${title}`))
      : passed.some(({ file, fullName }) => file.endsWith(path) && new RegExp(`\\b${id}\\b`).test(fullName));
  return evidence.requirements
    .filter(({ verdict }) => verdict === 'met')
    .filter(({ id }) => !testsOf(evidence, id).some(({ path }) => hasPassed(path, id)))
    .map(({ id }) => `${id} is said to be met, but no test that cites it has passed`);
}
