import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Puts `text` into `docs/NAME.md` between the marks `<!-- PART:begin -->` and `<!-- PART:end -->`. */
export function intoDocument(name: string, part: string, text: string): void {
  const path = fileURLToPath(new URL(`../docs/${name}.md`, import.meta.url));
  writeFileSync(path, withPart(readFileSync(path, 'utf8'), part, text));
}

/** `document` with what is between the marks of `part` replaced. */
export function withPart(document: string, part: string, text: string): string {
  const [begin, end] = [`<!-- ${part}:begin -->`, `<!-- ${part}:end -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no marks ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}
