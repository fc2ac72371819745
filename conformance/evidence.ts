import type { Citation } from './citations.ts';
import type { FurtherRequirement, Requirement } from './requirements.ts';

/** The tables, and what cites them. */
export interface Evidence {
  readonly requirements: readonly Requirement[];
  readonly further: readonly FurtherRequirement[];
  readonly tests: readonly Citation[];
  readonly code: readonly Citation[];
}

/** How many ids Appendix B has. */
const COUNT = 119;

/** The tests that cite a requirement of RFC 9293. */
export function testsOf({ tests }: Evidence, id: string): Citation[] {
  return tests.filter(({ ids }) => ids.includes(id));
}

/** The files that cite it, and the one that the table names. */
export function filesOf({ code }: Evidence, { id, file }: Requirement): string[] {
  const citing = code.filter(({ ids }) => ids.includes(id)).map(({ path }) => path);
  return [...new Set([...citing, ...(file === undefined ? [] : [file])])].sort();
}

/** The tests that cite the RFC of a further requirement and have `proof` in their name. */
export function testsFor({ tests }: Evidence, { rfc }: FurtherRequirement, proof: string): Citation[] {
  return tests.filter(
    ({ rfcs, path, title }) => rfcs.includes(rfc) && (title.includes(proof) || path.includes(proof)),
  );
}

/** What is wrong with the tables and the citations: nothing, or the list. `exists`: whether there is such a file. */
export function problems(evidence: Evidence, exists: (path: string) => boolean): string[] {
  const { requirements, further, tests, code } = evidence;
  const known = new Set(requirements.map(({ id }) => id));
  const found: string[] = [];
  if (requirements.length !== COUNT || known.size !== COUNT)
    found.push(`rfc9293.txt has ${known.size} ids in ${requirements.length} rows; RFC 9293 has ${COUNT}`);
  for (const requirement of requirements) {
    const { id, verdict, file } = requirement;
    if (verdict === 'met' && testsOf(evidence, id).length === 0)
      found.push(`${id} is said to be met, but no test cites it`);
    if (file !== undefined && !exists(file)) found.push(`${id}: there is no ${file}`);
  }
  for (const { path, title, ids } of [...tests, ...code]) {
    for (const id of ids) {
      if (!known.has(id))
        found.push(`${path} cites ${id}, which does not exist${title === '' ? '' : `: ${title}`}`);
    }
  }
  for (const requirement of further) {
    for (const proof of requirement.proofs) {
      if (testsFor(evidence, requirement, proof).length === 0)
        found.push(`no test that cites ${requirement.rfc} is called "${proof}"`);
    }
  }
  return found;
}
