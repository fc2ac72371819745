import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SourceFile, codeCitations, testCitations } from './citations.ts';
import { documentOf } from './document.ts';
import { type Evidence, problems } from './evidence.ts';
import { parseFurther, parseRequirements } from './requirements.ts';

const root: string = fileURLToPath(new URL('..', import.meta.url));

/** Where the document is. */
export const DOCUMENT: string = join(root, 'docs', 'conformance.md');

/** Tests of this check itself cite ids that prove nothing. */
const NOT_CITING = /^test\/conformance\//;

/** The tables and all citations of this project. */
export function readEvidence(): Evidence {
  const tests = filesUnder('test', /\.(?:test\.ts|pkt)$/).filter(({ path }) => !NOT_CITING.test(path));
  return {
    requirements: parseRequirements(read('conformance/rfc9293.txt')),
    further: parseFurther(read('conformance/further.txt')),
    tests: testCitations(tests),
    code: codeCitations(filesUnder('stack', /\.ts$/)),
  };
}

/** The document as it ought to be, and all that is wrong; with the document on disk if `withDocument`. */
export function check(withDocument: boolean): { evidence: Evidence; document: string; wrong: string[] } {
  const evidence = readEvidence();
  const document = documentOf(evidence);
  const wrong = problems(evidence, (path) => existsSync(join(root, path)));
  const present = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '';
  if (withDocument && present !== document)
    wrong.push('docs/conformance.md is out of date: run `npm run conformance`');
  return { evidence, document, wrong };
}

function filesUnder(folder: string, pattern: RegExp): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .sort()
    .map((path) => ({ path, text: read(path) }));
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
