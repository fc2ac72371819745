import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { captureOf } from '../scenario/drawing.ts';
import { configurationHash, failureReport } from '../scenario/report.ts';
import { type RunResult, runScenario } from '../scenario/scenario.ts';
import { type Shrunk, shrink } from '../scenario/shrink.ts';
import type { PlanEntry } from '../plan.ts';
import { type LoadedScenario, loadScenario } from './load-scenario.ts';
import type { SweepFailure, SweepLine, SweepThreadData } from './sweep-messages.ts';
import { tick } from './tick.ts';

/** Runs seeds of one scenario and reports failures: what a worker thread of a sweep does, and who wants a single seed. */
export class SweepRunner {
  readonly scenario: LoadedScenario;
  readonly #data: SweepThreadData;
  readonly #settings: string;
  readonly #again: (seed: number) => string;

  /** `again`: the command that runs a seed again; that of the CLI at first. */
  constructor(scenario: LoadedScenario, data: SweepThreadData, again?: (seed: number) => string) {
    this.scenario = scenario;
    this.#data = data;
    const path = relative(process.cwd(), data.scenario) || data.scenario;
    this.#again = again ?? ((seed) => `npx glasstack sim ${path} --seeds ${seed}`);
    this.#settings = configurationHash(scenario);
  }

  static async open(data: SweepThreadData): Promise<SweepRunner> {
    const { timeLimit, configuration } = data;
    const limited = timeLimit === undefined ? configuration : { ...configuration, timeLimit };
    return new SweepRunner(await loadScenario(data.scenario, limited), data);
  }

  /** One seed, or one plan. */
  async run(
    seed: number,
    plan: readonly PlanEntry[] | undefined,
    report: boolean,
  ): Promise<{ readonly line: SweepLine; readonly failure: SweepFailure | undefined }> {
    const began = process.hrtime.bigint();
    const result = await runScenario(this.scenario, { seed, tick, ...(plan && { plan }) });
    const real = Number(process.hrtime.bigint() - began) / 1e6;
    const different = this.#data.checkDeterminism ? await this.#runAgain(seed, plan, result) : undefined;
    const line = this.#line(seed, result, different);
    if (line.ok) return { line, failure: undefined };
    if (!report || result.ok) return { line, failure: { line, report: undefined, plan: undefined } };
    return { line, failure: await this.#explain(line, result, real) };
  }

  async #runAgain(
    seed: number,
    plan: readonly PlanEntry[] | undefined,
    first: RunResult,
  ): Promise<string | undefined> {
    const again = await runScenario(this.scenario, { seed, tick, ...(plan && { plan }) });
    return again.hash === first.hash ? undefined : `the second run has hash ${again.hash}, not ${first.hash}`;
  }

  #line(seed: number, result: RunResult, different: string | undefined): SweepLine {
    const { hash, events, virtual, failure } = result;
    const kind = failure?.kind ?? (different === undefined ? undefined : 'determinism');
    const message = failure?.message ?? different;
    return {
      commit: this.#data.commit,
      scenario: this.scenario.name,
      settings: this.#settings,
      seed,
      ok: kind === undefined,
      hash,
      events,
      virtual,
      ...(kind !== undefined && { kind }),
      ...(message !== undefined && { message }),
    };
  }

  async #explain(line: SweepLine, result: RunResult, real: number): Promise<SweepFailure> {
    const { shrinkBudget, commit } = this.#data;
    const shrunk: Shrunk | undefined =
      shrinkBudget > 0 ? await shrink(this.scenario, result, { budget: shrinkBudget, tick }) : undefined;
    const shown =
      shrunk?.result ?? (await runScenario(this.scenario, { seed: line.seed, tick, record: true }));
    const report = failureReport(shown.world.events.length > 0 && shrunk === undefined ? shown : result, {
      name: this.scenario.name,
      again: this.#again(line.seed),
      real,
      commit,
      configuration: this.#settings,
      capture: this.#writeCapture(line, shown),
      ...(shrunk && { shrunk }),
    });
    return { line, report, plan: shrunk?.plan ?? result.plan };
  }

  #writeCapture(line: SweepLine, result: RunResult): string {
    const name = line.scenario.replaceAll(/[^\w.-]+/g, '-').slice(0, 60);
    const path = join(this.#data.output, `${name}-${line.seed}.pcapng`);
    mkdirSync(this.#data.output, { recursive: true });
    writeFileSync(path, Buffer.concat(captureOf(result.world.events)));
    return path;
  }
}
