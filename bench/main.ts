/** `npm run bench`: measures, prints the table, and keeps it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { KernelWorld, whyNoKernelWorld } from './kernel-world.ts';
import { type Machine, described, machine } from './machine.ts';
import { fetchPeers } from './peers.ts';
import { endAll, root } from './processes.ts';
import * as bulkMemory from './rows/bulk-memory.ts';
import * as connectionsMemory from './rows/connections-memory.ts';
import * as idle from './rows/idle.ts';
import * as micro from './rows/micro.ts';
import * as pingPongMemory from './rows/ping-pong-memory.ts';
import * as simulation from './rows/simulation.ts';
import * as tun from './rows/tun.ts';
import { type Row, runBench } from './run.ts';
import { markdown, plain, replaceTable } from './table.ts';

const HELP = `npm run bench -- [options]
  --only PATTERN  only the benches whose name has the pattern in it (a regular expression)
  --rounds N      how often the subjects take turns; the figures are medians (3)
  --json FILE     where the figures go (bench/results/DATE.json)
  --peers         fetches Bun from the npm registry into bench/peers/ first, to run beside us
  --docs          writes the table into docs/performance.md
  --verbose       every single figure
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const world: KernelWorld = new KernelWorld();

function cleanUp(): void {
  endAll();
  world.removeNamespaces();
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** All benches that were asked for; opens the world of namespaces if one of them needs it. */
async function chosen(): Promise<Bench[]> {
  const pattern = new RegExp(options.only ?? '');
  const wanted = (benches: Bench[]): Bench[] => benches.filter(({ id }) => pattern.test(id));
  const overTun = wanted(tun.benches(world));
  const missing = overTun.length === 0 ? undefined : whyNoKernelWorld();
  if (overTun.length > 0 && missing === undefined) await world.open();
  const inMemory = [bulkMemory, connectionsMemory, pingPongMemory, idle, micro, simulation];
  return [
    ...(missing === undefined ? overTun : overTun.map((each) => ({ ...each, missing }))),
    ...wanted(inMemory.flatMap((rows) => rows.benches())),
  ];
}

function keep(facts: Machine, rows: readonly Row[]): void {
  const results = join(root, 'bench', 'results');
  const file = options.json ?? join(results, `${facts.date.replaceAll(':', '-').slice(0, 19)}.json`);
  if (options.json === undefined) mkdirSync(results, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine: facts, rows }, undefined, 2)}\n`);
  say(`kept in ${file}`);
  if (!options.docs) return;
  const page = join(root, 'docs', 'performance.md');
  const replaced = replaceTable(readFileSync(page, 'utf8'), `\n${described(facts)}:\n\n${markdown(rows)}\n`);
  if (replaced === undefined) throw new Error(`${page} has no markers for the table`);
  writeFileSync(page, replaced);
  say(`written into ${page}`);
}

async function main(): Promise<void> {
  const rounds = Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number from 1 on');
  if (options.peers) await fetchPeers();
  const facts = machine();
  const rows: Row[] = [];
  for (const bench of await chosen()) {
    say(bench.id);
    rows.push(...(await runBench(bench, rounds, options.verbose ? say : undefined)));
  }
  console.log(`${described(facts)}\n\n${plain(rows)}`);
  for (const trouble of new Set(rows.map((row) => row.trouble))) if (trouble !== undefined) say(trouble);
  keep(facts, rows);
}

process.on('exit', cleanUp);
process.stdout.on('error', () => process.exit(1)); // `| head`
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

if (options.help) {
  console.log(HELP);
} else {
  try {
    await main();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await world.close();
  }
}
