/** `npm run netsim`: smoltcp's two tables, with ours beside them, into docs/netsim.md. */
import { parseArgs } from 'node:util';
import { ms } from '../../stack/time.ts';
import { intoDocument } from '../document.ts';
import { inProcesses, progress } from '../pool.ts';
import { markdownTable, median, spread } from '../statistics.ts';
import { type Variant, VARIANTS, variant } from '../variants.ts';
import type { LossyTransfer } from './lossy-transfer.ts';
import { FLOWS, LASTS, type ManyFlows, type ManyFlowsResult } from './many-flows.ts';
import { BUFFERS, LOSSES, SMOLTCP_FAIRNESS } from './smoltcp.ts';
import { type Cell, lossTable, verdict } from './tables.ts';

const HELP = `npm run netsim -- [options]
  --variant NAME   only this congestion control (may be given more than once)
  --seeds N        runs of each cell (21)
  --bytes N        bytes of a transfer at most (10 MiB; 4,096 buffers full where that is less)
  --processes N    worker processes (one per core)
  --only TABLE     loss or flows
  --print          prints, and leaves the document alone
`;

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '21' },
    bytes: { type: 'string', default: String(10 * 1024 * 1024) },
    processes: { type: 'string' },
    only: { type: 'string' },
    print: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, index) => index + 1);
const pool = options.processes === undefined ? {} : { processes: Number(options.processes) };

/** A buffer below a segment makes every window a round of its own: thousands of them tell as much as ten times as many. */
function bytesFor(buffer: number): number {
  return Math.min(Number(options.bytes), 4_096 * buffer);
}

async function lossCells({ name, tcp }: Variant): Promise<Cell[]> {
  const cells = BUFFERS.flatMap((buffer) => LOSSES.map((loss) => ({ buffer, loss })));
  const jobs = cells.flatMap(({ buffer, loss }) =>
    (loss === 0 ? [1] : seeds).map(
      (seed): LossyTransfer => ({ buffer, loss, seed, bytes: bytesFor(buffer), tcp }),
    ),
  );
  const rates = await inProcesses<LossyTransfer, number>('lossy-transfer', jobs, {
    ...pool,
    done: progress(`loss table, ${name}`),
  });
  return cells.map(({ buffer, loss }) => {
    const own = rates.filter((_, index) => jobs[index]?.buffer === buffer && jobs[index]?.loss === loss);
    return { buffer, loss, rate: spread(own) };
  });
}

async function lossTables(variants: readonly Variant[]): Promise<string> {
  const parts: string[] = [];
  for (const each of variants) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, each with all processes
    const cells = await lossCells(each);
    parts.push(`### ${each.name}`, `As wanted: ${verdict(cells)}`, lossTable(cells));
  }
  return parts.join('\n\n');
}

const ROUND_TRIPS = [ms(20), ms(100)];
const FLOW_SEEDS = 1;

async function flowTables(variants: readonly Variant[]): Promise<string> {
  const jobs = variants.flatMap(({ tcp }) =>
    ROUND_TRIPS.flatMap((roundTrip) =>
      FLOWS.flatMap((flows) =>
        seeds.slice(0, FLOW_SEEDS).map((seed): ManyFlows => ({ flows, seed, roundTrip, lasts: LASTS, tcp })),
      ),
    ),
  );
  const results = await inProcesses<ManyFlows, ManyFlowsResult>('many-flows', jobs, {
    ...pool,
    done: progress('many flows'),
  });
  const head = ['flows', ...FLOWS.map(String)];
  const rows = [
    ['smoltcp: fairness (drops about 0.44)', ...SMOLTCP_FAIRNESS.map(([, fairness]) => fairness.toFixed(4))],
    ...variants.flatMap(({ name, tcp }) =>
      ROUND_TRIPS.map((roundTrip) => [
        `${name}, ${roundTrip / 1000} ms`,
        ...FLOWS.map((flows) => {
          const own = results.filter((_, index) => {
            const job = jobs[index];
            return job?.tcp === tcp && job.roundTrip === roundTrip && job.flows === flows;
          });
          const of = (field: keyof ManyFlowsResult): number => median(own.map((result) => result[field]));
          return `${of('fairness').toFixed(4)}, drops ${of('tailDrops').toFixed(4)}, use ${of('use').toFixed(2)}`;
        }),
      ]),
    ),
  ];
  return markdownTable(head, rows);
}

function put(part: string, text: string): void {
  console.log(`${text}\n`);
  if (!options.print) intoDocument('netsim', part, text);
}

if (options.help) {
  console.log(HELP);
} else {
  const variants = options.variant?.map(variant) ?? VARIANTS;
  if (options.only !== 'flows') put('loss', await lossTables(variants));
  if (options.only !== 'loss') put('flows', await flowTables(variants));
}
