/** `npm run interop`: runs the interop matrix against the kernel, keeps the results, and writes docs/interop.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { described, type Machine, machine } from '../bench/machine.ts';
import { PROFILES } from '../stack/settings.ts';
import { type CellOptions, type CellResult, runCell } from './cell.ts';
import { type Case, CASES, type Place, placeId, PLACES } from './matrix.ts';
import { removeNamespaces } from './namespaces.ts';
import { markdown, plain, replaceBetween } from './table.ts';

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
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** What is kept from run to run. */
interface Kept {
  /** Where the latest cells were run. */
  readonly machine: Machine;
  readonly results: readonly CellResult[];
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

function kept(): readonly CellResult[] {
  if (!existsSync(options.json)) return [];
  return (JSON.parse(readFileSync(options.json, 'utf8')) as Kept).results;
}

/** Keeps the results of this run instead of those that the same cells had before. */
function keep(facts: Machine, results: readonly CellResult[]): void {
  const name = (result: CellResult): string => `${result.case} ${placeId(result.place)}`;
  const fresh = new Set(results.map(name));
  const all: Kept = {
    machine: facts,
    results: [...kept().filter((result) => !fresh.has(name(result))), ...results],
  };
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(all, undefined, 1)}\n`);
}

function writeDocs(facts: Machine): void {
  const page = join(root, 'docs', 'interop.md');
  const table = `${described(facts)}:\n\n${markdown(CASES, PLACES, kept())}`;
  writeFileSync(page, replaceBetween(readFileSync(page, 'utf8'), 'interop', table));
  console.error(`written into ${page}`);
}

async function main(): Promise<void> {
  const facts = machine();
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
    keep(facts, [result]);
  }
  if (options.list) return;
  console.log(`${cells.length - failed} of ${cells.length} cells are as they have to be`);
  if (options.docs) writeDocs(facts);
  if (failed > 0) process.exitCode = 1;
}

process.on('exit', removeNamespaces);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

if (options.help) console.log(HELP);
else await main();
