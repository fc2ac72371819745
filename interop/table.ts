import type { CellResult } from './cell.ts';
import { onlyBackedOff, type Stall } from './gaps.ts';
import type { ProgramResult, ProgramRow } from './programs.ts';
import { type Case, type Place, placeId } from './matrix.ts';

/** One row a case, one column a place; a cell that was never run stays empty. */
export function markdown(
  cases: readonly Case[],
  places: readonly Place[],
  results: readonly CellResult[],
): string {
  const used = places.filter((place) => results.some((each) => placeId(each.place) === placeId(place)));
  const found = (which: Case, place: Place): CellResult | undefined =>
    results.find((each) => each.case === which.id && placeId(each.place) === placeId(place));
  const rows = cases
    .filter((which) => results.some((each) => each.case === which.id))
    .map((which) => [which.title, ...used.map((place) => cell(which, place, found(which, place)))]);
  const head = [
    '',
    ...used.map(({ device, family, role }) => `${device.toUpperCase()}, IPv${family}, kernel ${role}`),
  ];
  const line = (words: readonly string[]): string => `| ${words.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One row a program. */
export function programTable(rows: readonly ProgramRow[], results: readonly ProgramResult[]): string {
  const lines = rows.flatMap(({ id, program, title }) => {
    const result = results.find((each) => each.id === id);
    if (result === undefined) return [];
    const outcome = result.trouble === undefined ? `✓ ${result.told ?? ''}` : `✗ ${result.trouble}`;
    return [`| ${program} | ${title} | ${outcome} |`];
  });
  return ['| program | what it does | |', '| --- | --- | --- |', ...lines].join('\n');
}

/** One line for the terminal. */
export function plain(result: CellResult): string {
  const { trouble, rates, retransmissions, path } = result;
  const rate = `in ${figure(rates.in)} out ${figure(rates.out)} MB/s`;
  const again = `again ${retransmissions.ours}/${figure(retransmissions.kernel)}`;
  const stalls = `stall ${stallText(longer(result))}`;
  const done = Object.entries(path).flatMap(([what, count]) => (count > 0 ? [`${what} ${count}`] : []));
  const words = [
    trouble === undefined ? '✓' : '✗',
    rate,
    again,
    stalls,
    ...done,
    `${result.took} ms`,
    trouble ?? '',
  ];
  return words.filter((word) => word !== '').join('  ');
}

function cell(which: Case, place: Place, result: CellResult | undefined): string {
  if (which.families?.includes(place.family) === false) return '–';
  if (result === undefined) return '';
  const { trouble, rates, retransmissions } = result;
  if (trouble !== undefined) return `✗ ${trouble}`;
  const again = `${retransmissions.ours} / ${figure(retransmissions.kernel)}`;
  return `✓ ${figure(rates.in)} / ${figure(rates.out)}; ${again}; ${stallText(longer(result))}`;
}

/** The longer of a cell's stalls, in RTOs. */
function longer({ stalls }: CellResult): Stall | undefined {
  const [a, b] = [stalls.in, stalls.out];
  if (a === undefined || b === undefined) return a ?? b;
  return a.rtos > b.rtos ? a : b;
}

function stallText(stall: Stall | undefined): string {
  if (stall === undefined) return '?';
  if (stall.ms === 0) return '–';
  return `${Math.round(stall.ms)} ms (${stall.rtos.toFixed(stall.rtos < 1 ? 2 : 1)}${onlyBackedOff(stall) ? '†' : ''})`;
}

function figure(value: number | undefined): string {
  if (value === undefined) return '?';
  return value >= 10 ? String(Math.round(value)) : String(value);
}

/** `document` with what stands between the markers of this name replaced. @throws Error without the markers */
export function replaceBetween(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`there is no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
}
