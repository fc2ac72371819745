import { formatCall, formatValue } from '../language/format.ts';
import type { CallAction, Position } from '../language/syntax.ts';
import { argument, type Argument, type CallOutcome, isStruct } from '../system/system-call.ts';
import { ERRNO } from '../system/words.ts';

/** What is wrong with what a call returned: in words, or undefined. */
export function judgeCall(
  action: CallAction,
  outcome: CallOutcome,
  position: Position,
): { readonly expected: string; readonly actual: string; readonly what: string } | undefined {
  const { result, errno } = action;
  const returned = describeOutcome(outcome);
  if (result !== undefined) {
    const wanted = argument(result, position);
    const text = `${formatValue(result)}${errno === undefined ? '' : ` ${errno}`}`;
    if (wanted !== outcome.result) return { what: 'result', expected: text, actual: returned };
    if (errno !== undefined && ERRNO[errno] !== ERRNO[outcome.errno ?? ''])
      return { what: 'errno', expected: text, actual: returned };
  }
  for (const [index, written] of outcome.outputs) {
    const value = action.args[index];
    if (value === undefined || value.type === 'supplied') continue;
    const wanted = argument(value, position);
    if (sameArgument(wanted, written)) continue;
    return { what: `argument ${index + 1}`, expected: show(wanted), actual: show(written) };
  }
  return undefined;
}

/** `-1 EAGAIN`, `5`. */
export function describeOutcome({ result, errno }: CallOutcome): string {
  return errno === undefined ? String(result) : `-1 ${errno}`;
}

/** The call as it really went. */
export function describeCall(action: CallAction, outcome: CallOutcome): string {
  const text = formatCall({ ...action, result: undefined, errno: undefined });
  return `${text.slice(0, -'= *'.length)}= ${describeOutcome(outcome)}`;
}

/** Whether what was written is what was wanted; fields that the script leaves out are not looked at. */
function sameArgument(wanted: Argument, written: Argument): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    const items: readonly Argument[] = wanted;
    return Array.isArray(written) && items.every((item, index) => sameArgument(item, written[index]));
  }
  if (isStruct(wanted)) {
    if (written === undefined || !isStruct(written)) return false;
    return [...wanted.fields].every(([name, value]) => {
      return !written.fields.has(name) || sameArgument(value, written.fields.get(name));
    });
  }
  return wanted === written;
}

function show(value: Argument): string {
  if (value === undefined) return '...';
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (isStruct(value)) {
    return `{${[...value.fields].map(([name, field]) => `${name}=${show(field)}`).join(', ')}}`;
  }
  return String(value);
}
