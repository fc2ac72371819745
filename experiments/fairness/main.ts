/** `npm run fairness`: two flows on one bottleneck, of ours in the world, and beside the kernel's over TUN, into docs/fairness.md. */
import { parseArgs } from 'node:util';
import { ms, seconds } from '../../stack/time.ts';
import { intoDocument } from '../document.ts';
import { inProcesses, progress } from '../pool.ts';
import { markdownTable, spread } from '../statistics.ts';
import { whyNoKernel } from '../kernel/namespace.ts';
import { type Variant, VARIANTS, variant } from '../variants.ts';
import { type BesideKernelResult, besideKernel } from './beside-kernel.ts';
import { BOTTLENECK, type Bottleneck, type Sharing, type SharingResult } from './sharing.ts';

const HELP = `npm run fairness -- [options]
  --variant NAME   only this congestion control (may be given more than once)
  --seeds N        runs of each case in the world (20)
  --runs N         runs of each case beside the kernel (4)
  --processes N    worker processes (one per core)
  --only PART      world or kernel
  --print          prints, and leaves the document alone
`;

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '4' },
    processes: { type: 'string' },
    only: { type: 'string' },
    print: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const pool = options.processes === undefined ? {} : { processes: Number(options.processes) };

/** The bottlenecks in the world. */
const WORLD: readonly Bottleneck[] = [
  BOTTLENECK,
  { ...BOTTLENECK, queue: 0.5 },
  { ...BOTTLENECK, rate: 50_000_000, roundTrip: ms(20), from: seconds(5), until: seconds(20) },
];
/** In real time. */
const KERNEL: Bottleneck = { ...BOTTLENECK, from: seconds(15), until: seconds(60) };

function named({ rate, roundTrip, queue }: Bottleneck): string {
  return `${rate / 1e6} Mb/s, ${roundTrip / 1000} ms, queue ${queue} BDP`;
}

function range(values: readonly number[], digits: number): string {
  const { median, least, most } = spread(values);
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

async function world(variants: readonly Variant[]): Promise<string> {
  const cases = variants.flatMap((each) => WORLD.map((bottleneck) => ({ each, bottleneck })));
  const count = Number(options.seeds);
  const jobs = cases.flatMap(({ each, bottleneck }) =>
    Array.from({ length: count }, (_, index): Sharing => {
      return { ...bottleneck, seed: index + 1, first: each.tcp, second: each.tcp };
    }),
  );
  const results = await inProcesses<Sharing, SharingResult>('sharing', jobs, {
    ...pool,
    done: progress('world'),
  });
  const rows = cases.map(({ each, bottleneck }, index) => {
    const own = results.slice(index * count, (index + 1) * count);
    const of = (field: keyof SharingResult): number[] => own.map((result) => result[field]);
    return [
      each.name,
      named(bottleneck),
      range(of('jain'), 4),
      range(of('share'), 2),
      range(of('use'), 3),
      range(of('drops'), 4),
    ];
  });
  return markdownTable(['both run', 'bottleneck', 'Jain', "first one's share", 'use', 'drops'], rows);
}

async function kernel(variants: readonly Variant[]): Promise<string> {
  const rows: string[][] = [];
  for (const each of variants) {
    const congestion = each.name === 'NewReno' ? 'reno' : each.name.toLowerCase();
    const results: BesideKernelResult[] = [];
    for (let run = 0; run < Number(options.runs); run++) {
      const first = run % 2 === 0 ? 'ours' : 'kernel';
      // oxlint-disable-next-line no-await-in-loop -- in real time: they would disturb each other
      results.push(await besideKernel({ ...KERNEL, congestion, tcp: each.tcp, first }));
      process.stderr.write(`${each.name}: ${JSON.stringify(results.at(-1))}\n`);
    }
    const of = (field: keyof BesideKernelResult): number[] => results.map((result) => result[field]);
    rows.push([
      each.name,
      `kernel's ${congestion}`,
      `${named(KERNEL)}, ${KERNEL.from / 1e6} to ${KERNEL.until / 1e6} s`,
      range(of('share'), 2),
      range(of('use'), 3),
      range(of('drops'), 4),
    ]);
  }
  return markdownTable(['ours', 'beside', 'bottleneck', 'our share', 'use', 'drops'], rows);
}

function put(part: string, text: string): void {
  console.log(`${text}\n`);
  if (!options.print) intoDocument('fairness', part, text);
}

if (options.help) {
  console.log(HELP);
} else {
  const variants = options.variant?.map(variant) ?? VARIANTS;
  if (options.only !== 'kernel') put('world', await world(variants));
  const missing = whyNoKernel();
  if (missing !== undefined) console.error(`not beside the kernel: ${missing}`);
  else if (options.only !== 'world') put('kernel', await kernel(variants));
}
