import { testTitles } from './titles.ts';
import { tokens } from './tokens.ts';

/** A file of the project. */
export interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A test, or a file of the stack, that cites something. */
export interface Citation {
  readonly path: string;
  /** The title of the test; of a script its first comment; empty for a file of the stack. */
  readonly title: string;
  /** `MUST-1` … */
  readonly ids: readonly string[];
  /** `RFC 5681` … */
  readonly rfcs: readonly string[];
}

/** The citations of the tests: in titles of `.test.ts` files, and in the comment at the head of a script. */
export function testCitations(files: readonly SourceFile[]): Citation[] {
  return files.flatMap(({ path, text }) => {
    const titles = path.endsWith('.pkt') ? [headOf(text)] : testTitles(text);
    return titles.map((title) => cite(path, title, title)).filter(citesAny);
  });
}

/** The citations in the comments of source files, one entry a file. */
export function codeCitations(files: readonly SourceFile[]): Citation[] {
  return files
    .map(({ path, text }) => {
      const comments = tokens(text).filter(({ kind }) => kind === 'comment');
      return cite(path, '', comments.map((each) => each.text).join('\n'));
    })
    .filter(citesAny);
}

/** The lines of comment that a script begins with, as one. */
function headOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines
    .slice(0, end < 0 ? lines.length : end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join(' ');
}

function cite(path: string, title: string, text: string): Citation {
  const ids = [...text.matchAll(/\b(?:MUST|SHLD|MAY|REC)-\d+\b/g)].map(([id]) => id);
  const rfcs = [...text.matchAll(/\bRFC[\s*]+(\d{3,5})\b/g)].map(([, number]) => `RFC ${number}`);
  return { path, title, ids: [...new Set(ids)], rfcs: [...new Set(rfcs)] };
}

function citesAny({ ids, rfcs }: Citation): boolean {
  return ids.length > 0 || rfcs.length > 0;
}
