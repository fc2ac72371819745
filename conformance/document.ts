import type { Citation } from './citations.ts';
import { type Evidence, filesOf, testsFor, testsOf } from './evidence.ts';
import type { FurtherRequirement, Requirement, Verdict } from './requirements.ts';

/** So many tests are named for a requirement. */
const SHOWN = 3;

const VERDICTS: readonly Verdict[] = ['met', 'not met', 'not applicable'];
const GROUPS = ['MUST', 'SHLD', 'MAY', 'REC'] as const;
const GROUP_NAMES = { MUST: 'MUST, MUST NOT', SHLD: 'SHOULD, SHOULD NOT', MAY: 'MAY', REC: 'RECOMMENDED' };

const HEAD = `# Conformance

Written by \`npm run conformance\` from \`conformance/*.txt\`, where requirements and verdicts are, and from the citations in titles of tests, in
scripts and in comments of \`stack/\`. Do not edit it; \`npm test\` fails when it is out of date.

A requirement is **met** when a test cites it. The stack's interface to the program is \`TcpConnection\`; the Bun socket API on top of it is
smaller, and a remark says so. Verdicts hold for the profile \`standard\`; where another profile departs from it, a remark says so as well.
`;

/** The text of `docs/conformance.md`. */
export function documentOf(evidence: Evidence): string {
  const { requirements, further } = evidence;
  const rfcs = unique(further.map(({ rfc, title }) => `${rfc}: ${title}`));
  return [
    HEAD,
    '## RFC 9293, Appendix B\n',
    countsOf(requirements),
    '### What is not met\n',
    ...openOf(requirements),
    ...unique(requirements.map(({ topic }) => topic)).map((topic) => topicOf(evidence, topic)),
    '## Further RFCs\n',
    'Their key requirements, in the order of how much of them TCP needs. What is not built yet has one row.\n',
    ...rfcs.map((heading) => rfcOf(evidence, heading)),
  ].join('\n');
}

/** How many requirements there are by level and verdict. */
export function counts(requirements: readonly Requirement[]): { group: string; of: readonly number[] }[] {
  return GROUPS.map((group) => {
    const own = requirements.filter(({ id }) => id.startsWith(group));
    return {
      group: GROUP_NAMES[group],
      of: VERDICTS.map((each) => own.filter((one) => one.verdict === each).length),
    };
  });
}

function countsOf(requirements: readonly Requirement[]): string {
  const rows = counts(requirements).map(({ group, of }) => [group, ...of.map(String), String(sum(of))]);
  return table(['level', ...VERDICTS, 'all'], rows);
}

/** MUSTs and SHOULDs that are not met, most binding first; the MAYs are in the tables. */
function openOf(requirements: readonly Requirement[]): string[] {
  const open = requirements.filter(({ verdict, id }) => verdict === 'not met' && !id.startsWith('MAY'));
  const ordered = GROUPS.flatMap((group) => open.filter(({ id }) => id.startsWith(group)));
  return [...ordered.map(({ id, text, remark }) => `- **${id}** ${text} ${remark}`), ''];
}

function topicOf(evidence: Evidence, topic: string): string {
  const own = evidence.requirements.filter((each) => each.topic === topic);
  const rows = own.map((each) => [
    each.id,
    each.level,
    each.section,
    each.text,
    verdictOf(each),
    filesOf(evidence, each).map(code).join('<br>'),
    testsCell(testsOf(evidence, each.id)),
  ]);
  return `### ${topic}\n\n${table(['id', 'level', '§', 'requirement', 'verdict', 'code', 'tests'], rows)}`;
}

function rfcOf(evidence: Evidence, heading: string): string {
  const own = evidence.further.filter(({ rfc, title }) => `${rfc}: ${title}` === heading);
  const rows = own.map((each) => [
    each.section,
    each.text,
    verdictOf(each),
    testsCell(each.proofs.flatMap((proof) => testsFor(evidence, each, proof).slice(0, 1))),
  ]);
  const rfc = own[0]?.rfc ?? '';
  const files = evidence.code.filter(({ rfcs }) => rfcs.includes(rfc)).map(({ path }) => code(path));
  const where = files.length === 0 ? '' : `Cited in ${files.join(', ')}.\n\n`;
  return `### ${heading}\n\n${where}${table(['§', 'requirement', 'verdict', 'tests'], rows)}`;
}

function verdictOf({ verdict, remark }: Requirement | FurtherRequirement): string {
  const strong = verdict === 'met' ? 'met' : `**${verdict}**`;
  return remark === '' ? strong : `${strong}. ${remark}`;
}

/** Tests in TypeScript first, since they have names; then scripts. */
function testsCell(citations: readonly Citation[]): string {
  const named = citations.map(({ path, title }) =>
    path.endsWith('.pkt') ? code(path) : `${code(path)} ${nameOf(title)}`,
  );
  const ordered = unique(named).sort((a, b) => Number(isScript(a)) - Number(isScript(b)));
  const shown = ordered.slice(0, SHOWN);
  return [...shown, ...(ordered.length > SHOWN ? ['and more'] : [])].join('<br>');
}

function isScript(cell: string): boolean {
  return cell.endsWith('.pkt`');
}

/** A title without its citations. */
function nameOf(title: string): string {
  return title.replaceAll(/ ?\[[^\]]*\b(?:RFC \d|(?:MUST|SHLD|MAY|REC)-\d)[^\]]*\]/g, '').trim();
}

function code(path: string): string {
  return `\`${path}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
