import { at } from '../script-error.ts';
import { formatSeconds } from '../language/format.ts';
import type { Failure, ScriptResult } from '../run/result.ts';
import { scriptLadder } from './ladder.ts';

/** The variables that are worth a place beside a failure. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['tcpi_state', 'tcpi_ca_state', 'tcpi_snd_cwnd', 'tcpi_snd_ssthresh', 'tcpi_unacked', 'tcpi_rto'],
  ...['tcpi_rtt', 'tcpi_snd_mss', 'tcpi_retransmits', 'tcpi_snd_wnd'],
]);

/** How much is said. */
export interface TextReportOptions {
  /** Rows of the ladder around the first difference; all by default. */
  readonly around?: number;
  /** Where the capture of a failed run was written. */
  readonly capture?: string;
  /** One command that runs it again. */
  readonly again?: string;
}

/** One script's result: a line if it passed, all there is to know if it did not. */
export function textReport(result: ScriptResult, options: TextReportOptions = {}): string {
  const { name, status, unsupported, failures, warnings } = result;
  const time = `${formatSeconds(result.duration)} s`;
  if (status === 'unsupported' && unsupported !== undefined)
    return `UNSUPPORTED ${name}:${at(unsupported.position)} ${unsupported.construct}`;
  const notes = warnings.map((warning) => `  note: ${warning}`);
  const printed = result.printed.map((text) => `  printed: ${text}`);
  if (status === 'passed')
    return [`ok   ${name} (${time}, ${result.checks} checks)`, ...printed, ...notes].join('\n');
  const lines = [
    `${status === 'error' ? 'ERROR' : 'FAIL'} ${name} (${time}, ${result.target}, seed ${result.seed})`,
    ...failures.flatMap((failure) => failureText(name, failure)),
    ...printed,
    ...notes,
  ];
  const ladder = scriptLadder(result, options.around);
  if (ladder !== '') lines.push('', ladder);
  if (options.capture !== undefined) lines.push(`  capture: ${options.capture}`);
  if (options.again !== undefined) lines.push(`  again:   ${options.again}`);
  return lines.join('\n');
}

/** A failure with expected and actual under each other. */
export function failureText(name: string, failure: Failure): string[] {
  const { position, message, expected, actual, fields } = failure;
  const place =
    position === undefined ? `${name} at ${formatSeconds(failure.at)} s` : `${name}:${at(position)}`;
  const lines = [`  ${place}: ${message}`];
  if (expected !== undefined) lines.push(`      expected: ${expected}`);
  if (actual !== undefined) lines.push(`      actual:   ${actual}`);
  const variables = Object.entries(failure.variables ?? {}).filter(([key]) => SHOWN.has(key));
  if (variables.length > 0)
    lines.push(`      variables: ${variables.map(([key, value]) => `${key.slice(5)} ${value}`).join(', ')}`);
  for (const field of fields)
    lines.push(`      ${field.field}: expected ${field.expected}, actual ${field.actual}`);
  return lines;
}

/** `31 passed, 0 failed, 2 unsupported` */
export function summary(results: readonly ScriptResult[]): string {
  const count = (...wanted: readonly ScriptResult['status'][]): number =>
    results.filter(({ status }) => wanted.includes(status)).length;
  return `${count('passed')} passed, ${count('failed', 'error')} failed, ${count('unsupported')} unsupported`;
}
