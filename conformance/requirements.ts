/** Reads the tables of requirements: `rfc9293.txt` and `further.txt`. */

/** What the stack does about a requirement. */
export type Verdict = 'met' | 'not met' | 'not applicable';

const LEVELS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', 'RECOMMENDED'] as const;
export type Level = (typeof LEVELS)[number];

/** A line of RFC 9293, Appendix B. */
export interface Requirement {
  /** `MUST-1` … `REC-1`. */
  readonly id: string;
  readonly level: Level;
  readonly section: string;
  readonly verdict: Verdict;
  readonly text: string;
  /** Why it is not met or does not apply; else what else is to be known. */
  readonly remark: string;
  /** A file that implements it and does not cite it. */
  readonly file: string | undefined;
  /** The heading it stands under. */
  readonly topic: string;
}

/** A requirement of another RFC. */
export interface FurtherRequirement {
  /** `RFC 5681`. */
  readonly rfc: string;
  readonly title: string;
  readonly section: string;
  readonly verdict: Verdict;
  readonly text: string;
  readonly remark: string;
  /** Parts of the names of tests that cite the RFC and prove this. */
  readonly proofs: readonly string[];
}

const VERDICTS: readonly Verdict[] = ['met', 'not met', 'not applicable'];
const PREFIX: { readonly [level in Level]: string } = {
  MUST: 'MUST',
  'MUST NOT': 'MUST',
  SHOULD: 'SHLD',
  'SHOULD NOT': 'SHLD',
  MAY: 'MAY',
  RECOMMENDED: 'REC',
};

/** The requirements of RFC 9293 in the order of the file. Throws an error that names the line. */
export function parseRequirements(text: string): Requirement[] {
  return [...rows(text)].map(({ cells, topic, fail }) => {
    const [id = '', level = '', section = '', verdict = '', sentence = '', ...rest] = cells;
    const known = LEVELS.find((each) => each === level);
    if (known === undefined || !id.startsWith(`${PREFIX[known]}-`))
      return fail(`"${level}" is no level of ${id}`);
    if (!/^3\.\d+(\.\d+)*$/.test(section)) return fail(`"${section}" is no section`);
    if (!sentence.endsWith('.')) return fail('the requirement is no sentence');
    const remark = rest.filter((cell) => !cell.startsWith('in ')).join(' ');
    const settled = checkVerdict(verdict, remark, fail);
    const file = rest.find((cell) => cell.startsWith('in '))?.slice(3);
    return { id, level: known, section, verdict: settled, text: sentence, remark, file, topic };
  });
}

/** The requirements of the further RFCs in the order of the file. Throws an error that names the line. */
export function parseFurther(text: string): FurtherRequirement[] {
  return [...rows(text)].map(({ cells, topic, fail }) => {
    const [rfc = '', title = ''] = topic.split(/: (.*)/);
    const [section = '', verdict = '', sentence = '', ...rest] = cells;
    if (!/^RFC \d+$/.test(rfc)) return fail(`the heading "${topic}" names no RFC`);
    if (!sentence.endsWith('.')) return fail('the requirement is no sentence');
    const proofs = rest.filter((cell) => cell.startsWith('by ')).map((cell) => cell.slice(3));
    const remark = rest.filter((cell) => !cell.startsWith('by ')).join(' ');
    const settled = checkVerdict(verdict, remark, fail);
    if (settled === 'met' && proofs.length === 0) return fail('it is said to be met, but by no test');
    return { rfc, title, section, verdict: settled, text: sentence, remark, proofs };
  });
}

interface Row {
  readonly cells: readonly string[];
  readonly topic: string;
  readonly fail: (why: string) => never;
}

function* rows(text: string): Generator<Row> {
  let topic = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('## ')) topic = line.slice(3).trim();
    if (line.trim() === '' || line.startsWith('#')) continue;
    const fail = (why: string): never => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`);
    };
    yield { cells: line.split('|').map((cell) => cell.trim()), topic, fail };
  }
}

function checkVerdict(verdict: string, remark: string, fail: Row['fail']): Verdict {
  const known = VERDICTS.find((each) => each === verdict);
  if (known === undefined) return fail(`"${verdict}" is no verdict`);
  if (known !== 'met' && remark === '') return fail(`it is ${verdict}, but there is no reason`);
  return known;
}
