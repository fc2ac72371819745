/** `npm run interop`: runs the interop matrix against the kernel, keeps the results, and writes docs/interop.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { described, type Machine, machine } from '../bench/machine.ts';
import { PROFILES } from '../stack/settings.ts';
import { endChildren } from './child.ts';
import { type CellOptions, type CellResult, runCell } from './cell.ts';
import { endPeers } from './kernel-end.ts';
import { type Case, CASES, type Place, placeId, PLACES } from './matrix.ts';
import { removeNamespaces } from './namespaces.ts';
import { PROGRAMS, type ProgramResult, runProgram } from './programs.ts';
import { markdown, plain, programTable, replaceBetween } from './table.ts';

const HELP = `npm run interop -- [options]
  --only PATTERN        only the cases whose name has the pattern in it (a regular expression)
  --device tun|tap      only over this device
  --family 4|6          only this version of IP
  --role client|server  only with the kernel in this role
  --size MIB            how much is carried each way (20)
  --timeout SECONDS     until a cell is given up (120)
  --seed N              of the path's dice (1)
  --profile NAME        of our host's settings (linux)
  --json FILE           where the results are kept, beside those of earlier runs (test-output/interop.json)
  --capture             a capture of each cell in captures/out/interop-matrix/
  --docs                writes the kept results into docs/interop.md, too
  --programs            programs of the system instead of the matrix: nginx, wget, socat, iperf3, tcptraceroute
  --list                only tells what would be run
`;

const root = join(import.meta.dirname, '..');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    device: { type: 'string' },
    family: { type: 'string' },
    role: { type: 'string' },
    size: { type: 'string', default: '20' },
    timeout: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    profile: { type: 'string', default: 'linux' },
    json: { type: 'string', default: join(root, 'test-output', 'interop.json') },
    capture: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    programs: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** What is kept from run to run. */
interface Kept {
  /** Where the latest ones were run. */
  readonly machine: Machine;
  readonly results: readonly CellResult[];
  readonly programs: readonly ProgramResult[];
}

function chosen(): (readonly [Case, Place])[] {
  const pattern = new RegExp(options.only);
  const fits = ({ device, family, role }: Place): boolean =>
    (options.device ?? device) === device &&
    (options.family ?? String(family)) === String(family) &&
    (options.role ?? role) === role;
  return CASES.filter(({ id }) => pattern.test(id)).flatMap((which) =>
    PLACES.filter((place) => fits(place) && (which.families?.includes(place.family) ?? true)).map(
      (place) => [which, place] as const,
    ),
  );
}

function cellOptions(which: Case, place: Place): CellOptions {
  const { profile } = options;
  if (!(profile in PROFILES)) throw new Error(`there is no profile '${profile}'`);
  const file = join(root, 'captures', 'out', 'interop-matrix', `${which.id}-${placeId(place)}.pcapng`);
  return {
    size: number('size', options.size) * 1024 * 1024,
    timeout: number('timeout', options.timeout) * 1_000,
    seed: number('seed', options.seed),
    settings: { profile: profile as keyof typeof PROFILES },
    ...(options.capture ? { capture: file } : {}),
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} wants a number above 0`);
  return value;
}

function kept(): Omit<Kept, 'machine'> {
  if (!existsSync(options.json)) return { results: [], programs: [] };
  const found = JSON.parse(readFileSync(options.json, 'utf8')) as Partial<Kept>;
  return { results: found.results ?? [], programs: found.programs ?? [] };
}

/** Keeps what is new instead of what the same cell or program had before. */
function keep(
  facts: Machine,
  fresh: { readonly result?: CellResult; readonly program?: ProgramResult },
): void {
  const { result, program } = fresh;
  const name = (each: CellResult): string => `${each.case} ${placeId(each.place)}`;
  const before = kept();
  const results = result === undefined ? [] : [result];
  const programs = program === undefined ? [] : [program];
  const all: Kept = {
    machine: facts,
    results: [
      ...before.results.filter((each) => results.every((other) => name(each) !== name(other))),
      ...results,
    ],
    programs: [...before.programs.filter(({ id }) => id !== program?.id), ...programs],
  };
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(all, undefined, 1)}\n`);
}

function writeDocs(facts: Machine): void {
  const page = join(root, 'docs', 'interop.md');
  const { results, programs } = kept();
  const matrix = `${described(facts)}:\n\n${markdown(CASES, PLACES, results)}`;
  const text = replaceBetween(readFileSync(page, 'utf8'), 'interop', matrix);
  writeFileSync(page, replaceBetween(text, 'programs', programTable(PROGRAMS, programs)));
  console.error(`written into ${page}`);
}

/** Runs the matrix; returns how many cells failed. */
async function runMatrix(facts: Machine): Promise<number> {
  const cells = chosen();
  let failed = 0;
  for (const [which, place] of cells) {
    const name = `${which.id} ${placeId(place)}`;
    if (options.list) {
      console.log(name);
      continue;
    }
    const result = await runCell(which, place, cellOptions(which, place));
    if (result.trouble !== undefined) failed += 1;
    console.log(`${name.padEnd(36)} ${plain(result)}`);
    if (result.ends !== undefined) console.log(result.ends);
    keep(facts, { result });
  }
  if (!options.list) console.log(`${cells.length - failed} of ${cells.length} cells are as they have to be`);
  return failed;
}

/** Runs the programs; returns how many failed. */
async function runPrograms(facts: Machine): Promise<number> {
  let failed = 0;
  for (const row of PROGRAMS.filter(({ id }) => new RegExp(options.only).test(id))) {
    if (options.list) {
      console.log(row.id);
      continue;
    }
    const program = await runProgram(row);
    if (program.trouble !== undefined) failed += 1;
    console.log(`${row.id.padEnd(36)} ${program.told ?? `✗ ${program.trouble ?? ''}`}`);
    keep(facts, { program });
  }
  return failed;
}

process.on('exit', () => {
  endChildren();
  endPeers();
  removeNamespaces();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

if (options.help) console.log(HELP);
else {
  const facts = machine();
  const failed = await (options.programs ? runPrograms(facts) : runMatrix(facts));
  if (failed > 0) process.exitCode = 1;
  if (options.docs && !options.list) writeDocs(facts);
}
