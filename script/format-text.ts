/** Formats the text of a script. The parsed form knows no comments: they and blank lines are looked up in the text again. */

import { formatScript } from './language/format.ts';
import { parseScript } from './language/parse-script.ts';
import type { Position, Script } from './language/syntax.ts';

/** What stands between the items of a script: its options, its first command, its events, its last command. */
export interface Trivia {
  /** By the item's number; the number behind the last item's is the script's end. '' is a blank line. */
  readonly before: Map<number, string[]>;
  /** Comments that follow on the item's last line. */
  readonly behind: Map<number, string>;
}

/** A text in quotes or backticks, a code block (all left alone), a comment, a blank line. */
const PIECE =
  /"(?:[^"\\\n]|\\.)*"|`[^`]*`|%\{[\s\S]*?\}%|(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<blank>(?<=\n)[ \t\r]*\n)/g;

/**
 * The script formatted, comments and blank lines kept (two or more become one). Throws `ScriptError` if it cannot be read, and
 * `Error` if it has `#ifdef` or `--define`, which a formatted script would lose.
 */
export function formatText(text: string): string {
  if (/^[ \t]*#[ \t]*(?:ifdef|ifndef|else|endif)\b/m.test(text))
    throw new Error('it has #ifdef, which formatting would lose');
  const script = parseScript(text);
  if (script.options.some(({ name }) => name === 'define' || name === 'D'))
    throw new Error('it has --define, which formatting would put in');
  const formatted = formatWithTrivia(script, findTrivia(text, script));
  if (meaning(parseScript(formatted)) !== meaning(script))
    throw new Error('formatted it would say something else; this is a mistake of the formatter');
  return formatted;
}

/** The script as `formatScript` writes it, with comments. */
export function formatWithTrivia(script: Script, { before, behind }: Trivia): string {
  const items = itemsOf(script).map(({ only }) => formatScript(only).trimEnd());
  const lines = items.flatMap((item, index) => {
    const comment = behind.get(index);
    return [...(before.get(index) ?? []), comment === undefined ? item : `${item}  ${comment}`];
  });
  lines.push(...(before.get(items.length) ?? []));
  const kept = lines.filter((line, index) => line !== '' || (index > 0 && lines[index - 1] !== ''));
  return `${kept.join('\n').trimEnd()}\n`;
}

/** Each item as a script of its own. */
function itemsOf(script: Script): { readonly position: Position; readonly only: Script }[] {
  const { options, init, events, cleanup } = script;
  const nothing: Script = { options: [], init: undefined, events: [], cleanup: undefined };
  return [
    ...options.map((option) => ({ position: option.position, only: { ...nothing, options: [option] } })),
    ...(init === undefined ? [] : [{ position: init.position, only: { ...nothing, init } }]),
    ...events.map((event) => ({ position: event.position, only: { ...nothing, events: [event] } })),
    ...(cleanup === undefined ? [] : [{ position: cleanup.position, only: { ...nothing, cleanup } }]),
  ];
}

function findTrivia(text: string, script: Script): Trivia {
  const before = new Map<number, string[]>();
  const behind = new Map<number, string>();
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const offsets = itemsOf(script).map(
    ({ position: { line, column } }) => (starts[line - 1] ?? 0) + column - 1,
  );
  let next = 0;
  for (const { index, groups = {} } of text.matchAll(PIECE)) {
    const { comment, blank } = groups;
    if (comment === undefined && blank === undefined) continue;
    while (next < offsets.length && (offsets[next] ?? 0) < index) next += 1;
    const line = text.slice(text.lastIndexOf('\n', index - 1) + 1, index);
    const follows = comment !== undefined && next > 0 && line.trim() !== '';
    if (follows) behind.set(next - 1, [behind.get(next - 1) ?? '', comment.trimEnd()].join(' ').trim());
    else before.set(next, [...(before.get(next) ?? []), comment?.trimEnd() ?? '']);
  }
  return { before, behind };
}

/** All but places and texts. */
function meaning(script: Script): string {
  return JSON.stringify(script, (key, value: unknown) =>
    key === 'position' || key === 'text' ? undefined : value,
  );
}
