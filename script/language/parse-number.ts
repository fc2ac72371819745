import type { Scanner } from './scanner.ts';
import type { NumberSpec } from './syntax.ts';

/** `5`, `5~9` or `*`. */
export function numberSpec(scanner: Scanner, what: string, largest: number = 0xffff_ffff): NumberSpec {
  if (scanner.accept('*')) return 'any';
  const min = scanner.number(what, largest);
  if (!scanner.accept('~')) return { min, max: min };
  const max = scanner.number(what, largest);
  if (max < min) scanner.fail(`the range ${min}~${max} is empty`);
  return { min, max };
}
