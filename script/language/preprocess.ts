import { ScriptError } from '../script-error.ts';

/** A text in quotes or backticks, a comment, a code block, or a word. */
const TOKEN = /"(?:[^"\\]|\\.)*"|`[^`]*`|%\{[\s\S]*?\}%|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_][A-Za-z0-9_]*/g;
const DIRECTIVE = /^[ \t]*#[ \t]*(ifdef|ifndef|else|endif)\b[ \t]*(\w*)/;

/**
 * Takes out what `#ifdef` and its kin leave out (lines stay where they are, empty), then puts in what `defines` says for a
 * word. `symbols`: the names that `#ifdef` knows.
 */
export function preprocess(
  text: string,
  symbols: ReadonlySet<string>,
  defines: ReadonlyMap<string, string>,
): string {
  return substitute(conditional(text, symbols), defines);
}

function conditional(text: string, symbols: ReadonlySet<string>): string {
  if (!/^[ \t]*#[ \t]*(ifdef|ifndef|else|endif)/m.test(text)) return text;
  const stack: boolean[] = [];
  const lines = text.split('\n').map((line, index) => {
    const directive = DIRECTIVE.exec(line);
    if (directive === null) return stack.every(Boolean) ? line : '';
    const [, what, name = ''] = directive;
    if (what === 'ifdef') stack.push(symbols.has(name));
    else if (what === 'ifndef') stack.push(!symbols.has(name));
    else {
      const open = stack.pop();
      if (open === undefined)
        throw new ScriptError(`#${what} has no #ifdef in front of it`, { line: index + 1, column: 1 });
      if (what === 'else') stack.push(!open);
    }
    return '';
  });
  if (stack.length > 0) throw new ScriptError('an #ifdef has no #endif', { line: lines.length, column: 1 });
  return lines.join('\n');
}

function substitute(text: string, defines: ReadonlyMap<string, string>): string {
  if (defines.size === 0) return text;
  return text.replace(TOKEN, (token) => defines.get(token) ?? token);
}
