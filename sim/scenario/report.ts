import { SimulationFailure } from '../failure.ts';
import type { PlanEntry } from '../plan.ts';
import { TraceHash } from '../trace-hash.ts';
import { ladderUpTo } from './drawing.ts';
import type { RunResult, ScenarioModule } from './scenario.ts';
import type { Shrunk } from './shrink.ts';

/** What a report says beside the run itself. */
export interface ReportFacts {
  /** The one command that gives the failure again. */
  readonly again: string;
  readonly name: string;
  /** Real milliseconds of the run. */
  readonly real?: number;
  readonly shrunk?: Shrunk;
  /** Path of the pcapng. */
  readonly capture?: string;
  readonly commit?: string;
  readonly configuration: string;
}

/** Impairments that a report lists. */
const LISTED = 20;

/** What a failure prints: determinism.md section 8. The run has to be recorded to have a ladder. */
export function failureReport(result: RunResult, facts: ReportFacts): string {
  const { seed, virtual, steps, failure } = result;
  const real = facts.real === undefined ? '' : ` · ${Math.round(facts.real)} ms`;
  const lines = [
    `FAIL  ${facts.name} · seed ${seed} · virtual ${(virtual / 1_000_000).toFixed(3)} s · ${steps} steps${real}`,
    `  ${failure?.message ?? 'it did not fail'}`,
    `  again:   ${facts.again}`,
  ];
  if (facts.shrunk !== undefined) lines.push(...shrunkLines(facts.shrunk));
  const shown = facts.shrunk?.result ?? result;
  if (shown.world.events.length > 0) lines.push('  ladder:', indented(ladderOfFailure(shown)));
  if (facts.capture !== undefined) lines.push(`  capture: ${facts.capture}`);
  lines.push(`  commit:  ${facts.commit ?? 'unknown'}, configuration ${facts.configuration}`);
  return lines.join('\n');
}

/** Hash of what a scenario's worlds are made with: eight hexadecimal digits. */
export function configurationHash(module: ScenarioModule): string {
  const hash = new TraceHash();
  const text = JSON.stringify(module.world ?? {}, (_, value: unknown) =>
    typeof value === 'function' ? 'function' : value,
  );
  hash.update({ type: 'link', at: 0 as never, by: text, action: 'change', index: -1, detail: '' });
  return hash.value.slice(0, 8);
}

function shrunkLines(shrunk: Shrunk): readonly string[] {
  const { before, after, runs, done, plan } = shrunk;
  const count = `${after} of ${before} impairments and actions`;
  const listed = [...plan].sort((a, b) => a.at - b.at).slice(0, LISTED);
  const more = plan.length - listed.length;
  return [
    `  enough:  ${count} (${runs} runs${done ? '' : ', and then the budget was spent'})`,
    ...listed.map(entryLine),
    ...(more > 0 ? [`             … ${more} more`] : []),
  ];
}

function entryLine(entry: PlanEntry): string {
  return `             ${entry.kind.padEnd(9)} ${(entry.at / 1_000_000).toFixed(3)} s   ${entry.text}`;
}

function ladderOfFailure(result: RunResult): string {
  const error = result.failure?.error;
  const where = error instanceof SimulationFailure ? { until: error.event, hosts: error.hosts } : {};
  return ladderUpTo(result.world.events, where);
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
