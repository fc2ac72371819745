/** Results for machines: TAP 14, JUnit XML, JSON. */

import type { ScriptResult } from '../run/result.ts';
import { failureText, summary } from './text.ts';

/** TAP: one test a script; what is not supported is skipped. */
export function tapReport(results: readonly ScriptResult[]): string {
  const lines = ['TAP version 14', `1..${results.length}`];
  for (const [index, result] of results.entries()) {
    const { name, status, unsupported } = result;
    const ok = status === 'passed' || status === 'unsupported';
    const skip =
      unsupported === undefined ? '' : ` # SKIP ${unsupported.construct} (line ${unsupported.position.line})`;
    lines.push(`${ok ? 'ok' : 'not ok'} ${index + 1} - ${name}${skip}`);
    if (ok) continue;
    lines.push('  ---', '  failures: |');
    for (const failure of result.failures)
      for (const text of failureText(name, failure)) lines.push(`    ${text}`);
    lines.push('  ...');
  }
  return `${lines.join('\n')}\n`;
}

/** JUnit: one case a script. */
export function junitReport(results: readonly ScriptResult[]): string {
  const failed = results.filter(({ status }) => status === 'failed' || status === 'error').length;
  const skipped = results.filter(({ status }) => status === 'unsupported').length;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="scripts" tests="${results.length}" failures="${failed}" skipped="${skipped}">`,
    ...results.map(junitCase),
    '</testsuite>',
  ];
  return `${lines.join('\n')}\n`;
}

function junitCase(result: ScriptResult): string {
  const { name, unsupported, failures } = result;
  const open = `  <testcase name="${escaped(name)}" classname="script">`;
  if (unsupported !== undefined)
    return `${open}<skipped message="${escaped(unsupported.construct)}"/></testcase>`;
  if (failures.length === 0) return `${open}</testcase>`;
  const text = failures.flatMap((failure) => failureText(name, failure)).join('\n');
  const message = escaped(failures[0]?.message ?? '');
  return `${open}<failure message="${message}">${escaped(text)}</failure></testcase>`;
}

/** JSON: everything but packets and trace. */
export function jsonReport(results: readonly ScriptResult[]): string {
  const shown = results.map(({ packets: _packets, trace: _trace, transcript: _transcript, ...rest }) => rest);
  return `${JSON.stringify({ summary: summary(results), results: shown }, undefined, 2)}\n`;
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => names[character] ?? character);
}
