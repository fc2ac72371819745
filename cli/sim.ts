import { CliError } from './failure.ts';
import { parseSeeds, type SeedRange, simEnvironment } from '../sim/node/environment.ts';
import { loadScenario } from '../sim/node/load-scenario.ts';
import { sweep, type SweepProgress, type SweepResult } from '../sim/node/sweep.ts';

/** What `glasstack sim` takes. */
export interface SimOptions {
  /** `17` or `1-1000`; SIM_SEEDS, or 1-100. */
  readonly seeds?: string;
  readonly jobs?: number;
  readonly failFast: number;
  /** Real seconds. */
  readonly timeout?: number;
  readonly results?: string;
  readonly failures: string;
  readonly output: string;
  readonly shrink: boolean;
  readonly checkDeterminism?: true;
}

/** Runs a scenario over a range of seeds. */
export async function sim(scenario: string, options: SimOptions): Promise<void> {
  const { environment, seeds } = readEnvironment(options);
  const progress = new ProgressBar(process.stderr);
  const { configuration, timeLimit } = environment;
  const result = await sweep({
    scenario,
    name: await nameOf(scenario),
    seeds,
    jobs: options.jobs ?? environment.jobs ?? 1,
    failFast: options.failFast,
    failures: options.failures,
    output: options.output,
    checkDeterminism: options.checkDeterminism ?? environment.checkDeterminism,
    shrinkBudget: options.shrink ? 200 : 0,
    progress: (state) => progress.show(state),
    ...(options.timeout !== undefined && { timeout: options.timeout }),
    ...(options.results !== undefined && { results: options.results }),
    ...(configuration && { configuration }),
    ...(timeLimit !== undefined && { timeLimit }),
  });
  progress.clear();
  print(result, options);
  if (result.failed > 0) process.exitCode = 1;
}

function readEnvironment(options: SimOptions): {
  readonly environment: ReturnType<typeof simEnvironment>;
  readonly seeds: SeedRange;
} {
  try {
    const environment = simEnvironment();
    const seeds = options.seeds === undefined ? environment.seeds : parseSeeds(options.seeds);
    return { environment, seeds: seeds ?? { from: 1, to: 100 } };
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error));
  }
}

/** The scenario's name, for the corpus; also finds out early whether it can be loaded at all. */
async function nameOf(path: string): Promise<string> {
  if (path.endsWith('.ts')) (await import('tsx/esm/api')).register();
  try {
    return (await loadScenario(path, undefined)).name;
  } catch (error) {
    throw new CliError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function print(result: SweepResult, options: SimOptions): void {
  for (const { report, line } of result.failures) {
    const short = `FAIL  ${line.scenario} · seed ${line.seed}\n  ${line.message ?? ''}`;
    process.stdout.write(`${report ?? short}\n\n`);
  }
  const { done, total, failed, seconds, stopped } = result;
  const rate = (done / Math.max(seconds, 0.001)).toFixed(1);
  const early =
    stopped === undefined ? '' : `, ended early (${stopped === 'timeout' ? '--timeout' : '--fail-fast'})`;
  process.stdout.write(
    `${done} of ${total} runs, ${failed} failed, ${seconds.toFixed(1)} s, ${rate}/s${early}\n`,
  );
  if (failed > 0)
    process.stdout.write(`the failing seeds are in ${options.failures}, which is run first next time\n`);
}

/** One line that is drawn again and again, on a terminal only. */
class ProgressBar {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show({ done, total, failed }: SweepProgress): void {
    if (!this.#stream.isTTY) return;
    const width = 30;
    const full = Math.floor((done / Math.max(total, 1)) * width);
    const bar = '█'.repeat(full) + '·'.repeat(width - full);
    this.#stream.write(`\r${bar} ${done}/${total}, ${failed} failed `);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}
