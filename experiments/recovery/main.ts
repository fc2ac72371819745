/** `npm run recovery`: bursts of 100 segments with losses, ours in the world and the kernel's over TUN, into docs/recovery.md. */
import { parseArgs } from 'node:util';
import { intoDocument } from '../document.ts';
import { inProcesses, progress } from '../pool.ts';
import { markdownTable, quantile } from '../statistics.ts';
import { whyNoKernel } from '../kernel/namespace.ts';
import { type Variant, VARIANTS, variant } from '../variants.ts';
import { kernelRecoveries } from './kernel.ts';
import { type LossPattern, pairs, randoms, singles } from './pattern.ts';
import type { RecoveryCase, RecoveryResult } from './recovery.ts';

const HELP = `npm run recovery -- [options]
  --variant NAME   only this congestion control (may be given more than once)
  --kernel N       at most so many patterns of each kind on the kernel (500)
  --at-once N      connections at a time on the kernel (6)
  --processes N    worker processes (one per core)
  --only PART      ours or kernel
  --print          prints, and leaves the document alone
`;

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    kernel: { type: 'string', default: '500' },
    'at-once': { type: 'string', default: '6' },
    processes: { type: 'string' },
    only: { type: 'string' },
    print: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const pool = options.processes === undefined ? {} : { processes: Number(options.processes) };

const KINDS: readonly { readonly name: string; readonly patterns: readonly LossPattern[] }[] = [
  { name: 'any one', patterns: singles() },
  { name: 'any two', patterns: pairs() },
  { name: '10 %, once', patterns: randoms(500, false) },
  { name: '10 %, also of what is sent again', patterns: randoms(500, true) },
];

/** One figure of many runs. */
interface Run {
  readonly took: number;
  readonly timeouts: number | null;
  readonly retransmissions: number;
  readonly spurious: number;
}

function row(who: string, kind: string, runs: readonly Run[], needless: string): string[] {
  const took = runs.map((run) => run.took / 1000);
  const at = (q: number): string => quantile(took, q).toFixed(0);
  const sum = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0);
  return [
    kind,
    who,
    String(runs.length),
    ...[0, 0.5, 0.95, 1].map(at),
    String(runs.filter((run) => (run.timeouts ?? 0) > 0).length),
    needless,
    (sum((run) => run.retransmissions) / runs.length).toFixed(1),
    (sum((run) => run.spurious) / runs.length).toFixed(2),
  ];
}

/** Patterns spread evenly over a kind's, at most `count`. */
function some(patterns: readonly LossPattern[], count: number): readonly LossPattern[] {
  if (patterns.length <= count) return patterns;
  return Array.from(
    { length: count },
    (_, index) => patterns[Math.floor((index * patterns.length) / count)],
  ).filter((each) => each !== undefined);
}

async function ours(
  { name, tcp }: Variant,
  patterns: readonly LossPattern[],
  kind: string,
): Promise<string[]> {
  const cases = patterns.map((pattern): RecoveryCase => ({ pattern, tcp }));
  const jobs: RecoveryCase[][] = [];
  for (let at = 0; at < cases.length; at += 100) jobs.push(cases.slice(at, at + 100));
  const parts = await inProcesses<RecoveryCase[], RecoveryResult[]>('recovery', jobs, {
    ...pool,
    done: progress(`${name}, ${kind}`),
  });
  const results = parts.flat();
  const needless = results.reduce((total, result) => total + result.needless, 0);
  return row(`ours, ${name}`, kind, results, String(needless));
}

async function table(variants: readonly Variant[]): Promise<string> {
  const rows: string[][] = [];
  const noKernel = whyNoKernel();
  if (noKernel !== undefined) console.error(`without the kernel: ${noKernel}`);
  for (const { name, patterns } of KINDS) {
    const compared = some(patterns, Number(options.kernel));
    for (const each of options.only === 'kernel' ? [] : variants) {
      // oxlint-disable-next-line no-await-in-loop -- each with all processes
      rows.push(await ours(each, patterns, name));
      // oxlint-disable-next-line no-await-in-loop -- each with all processes
      if (compared.length < patterns.length) rows.push(await ours(each, compared, `${name} (some)`));
    }
    if (noKernel !== undefined || options.only === 'ours') continue;
    const kind = compared.length < patterns.length ? `${name} (some)` : name;
    // oxlint-disable-next-line no-await-in-loop -- in real time: they would disturb each other
    const theirs = await kernelRecoveries(
      compared,
      'cubic',
      Number(options['at-once']),
      progress(`kernel, ${name}`),
    );
    rows.push(row("kernel's cubic", kind, theirs, ''));
  }
  const times = ['least', 'median', '95 %', 'most'].map((each) => `${each}, ms`);
  return markdownTable(
    ['lost', 'sender', 'runs', ...times, 'runs with RTO', 'needless RTOs', 'sent again', 'of that, spurious'],
    rows,
  );
}

if (options.help) {
  console.log(HELP);
} else {
  const text = await table(options.variant?.map(variant) ?? VARIANTS);
  console.log(text);
  if (!options.print) intoDocument('recovery', 'table', text);
}
