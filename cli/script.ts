import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Command, Option } from 'commander';
import { runFiles } from '../script/node/parallel.ts';
import { runOnKernel } from '../script/node/run-on-kernel.ts';
import { findScripts, readScript } from '../script/node/script-files.ts';
import { CaptureError } from '../trace/capture-reader.ts';
import {
  checkText,
  formatText,
  jsonReport,
  junitReport,
  rewriteScript,
  type RunOptions,
  scriptCapture,
  scriptFromCapture,
  type ScriptResult,
  summary,
  tapReport,
  textReport,
} from '../script/script.ts';
import { at, ScriptError } from '../script/script-error.ts';
import { CliError } from './failure.ts';
import { integer } from './network-options.ts';
import { endOnSignals } from './teardown.ts';

/** What `glasstack script` takes. */
export interface ScriptCommandOptions {
  readonly format: 'text' | 'tap' | 'junit' | 'json';
  readonly tolerance: 'exact' | 'script' | 'original';
  readonly profile?: 'standard' | 'linux' | 'textbook' | 'freebsd';
  readonly ipVersion?: 'ipv4' | 'ipv6' | 'ipv4-mapped-ipv6';
  readonly pcap?: string;
  readonly tun?: true;
  readonly jobs?: number;
  readonly seed: string;
  readonly define: readonly string[];
  readonly verbose?: true;
  readonly rewrite?: true;
  readonly check?: true;
  readonly fmt?: true;
  readonly write?: true;
  readonly fromCapture?: string;
  readonly side?: string;
  readonly flow?: number;
}

/** Adds what `script` takes. */
export function addScriptOptions(command: Command): Command {
  return command
    .argument('[files...]', 'scripts (.pkt), and folders with scripts')
    .addOption(
      new Option('--format <name>', 'of the report')
        .choices(['text', 'tap', 'junit', 'json'])
        .default('text'),
    )
    .addOption(
      new Option(
        '--tolerance <mode>',
        "exact: 0; script: the file's own; original: packetdrill's 4 ms and 12.5 %",
      )
        .choices(['exact', 'script', 'original'])
        .default('exact'),
    )
    .addOption(
      new Option('--profile <name>', "settings (default: the script's, or linux)").choices([
        'standard',
        'linux',
        'textbook',
        'freebsd',
      ]),
    )
    .addOption(
      new Option('--ip-version <version>', 'for scripts that do not name theirs (default: ipv4)').choices([
        'ipv4',
        'ipv6',
        'ipv4-mapped-ipv6',
      ]),
    )
    .option('--pcap <folder>', 'write a pcapng of each script that does not pass (with --verbose: of all)')
    .option(
      '--tun',
      "against this machine's kernel in real time, in a namespace of its own: to calibrate a script",
    )
    .option('--jobs <n>', 'threads', integer(1, 1024))
    .option('--seed <text>', 'the same seed gives the same bytes', '1')
    .option(
      '-D, --define <name=value>',
      'put a value in for a word',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option(
      '--rewrite',
      'print each script as it would have passed: what happened in place of what was expected',
    )
    .option('--check', 'read the scripts and look for what cannot be run, without running them')
    .option('--fmt', 'print the scripts formatted, without running them')
    .option('--write', 'with --fmt: into the files')
    .option('--from-capture <file>', 'print a script made from a TCP connection of a pcap or pcapng file')
    .option(
      '--side <which>',
      'with --from-capture, whom to expect: client, server or ADDRESS:PORT (default: where the capture was taken)',
    )
    .option('--flow <n>', 'with --from-capture: which connection', integer(1, 1_000_000_000))
    .option('--verbose', 'a ladder of each script, passed or not');
}

/** Runs scripts; exit code 1 if one failed, 2 if a script or a file cannot be read. */
export async function script(files: readonly string[], options: ScriptCommandOptions): Promise<void> {
  if (options.fromCapture !== undefined) return fromCapture(options.fromCapture, options);
  const paths = findAll(files);
  if (options.fmt === true) return fmt(paths, options);
  const run: RunOptions = {
    tolerance: options.tolerance,
    seed: options.seed,
    defines: Object.fromEntries(options.define.map(defined)),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.ipVersion === undefined ? {} : { ipVersion: options.ipVersion }),
  };
  if (options.check === true) return check(paths, run);
  const results =
    options.tun === true ? await onKernel(paths, run, options) : await runFiles(paths, run, options.jobs);
  const captures = writeCaptures(results, options);
  if (options.rewrite === true) for (const result of results) process.stdout.write(rewriteScript(result));
  else process.stdout.write(report(results, captures, options));
  if (options.format !== 'text') process.stderr.write(`${summary(results)}\n`);
  if (results.some(({ status }) => status === 'error')) process.exitCode = 2;
  else if (results.some(({ status }) => status === 'failed')) process.exitCode = 1;
}

/** Says what is wrong with the scripts themselves. */
function check(paths: readonly string[], run: RunOptions): void {
  for (const path of paths) {
    const problem = checkText(readScript(path).text, run);
    process.stdout.write(`${problem === undefined ? 'ok  ' : 'bad '} ${path}${problem ?? ''}\n`);
    if (problem !== undefined) process.exitCode = 2;
  }
}

/** Formats; exit code 2 if a script cannot be. */
function fmt(paths: readonly string[], { write }: ScriptCommandOptions): void {
  for (const path of paths) {
    const { text } = readScript(path);
    try {
      const formatted = formatText(text);
      if (write !== true) process.stdout.write(formatted);
      else if (formatted !== text) writeFileSync(path, formatted);
    } catch (error) {
      const place = error instanceof ScriptError ? `:${at(error.position)}` : ':';
      process.stderr.write(`${path}${place} ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 2;
    }
  }
}

/** Prints a script made from a capture. */
function fromCapture(path: string, { side, flow, profile }: ScriptCommandOptions): void {
  const given = { name: path, ...(side !== undefined && { side }), ...(flow !== undefined && { flow }) };
  try {
    const text = scriptFromCapture(readFileSync(path), {
      ...given,
      ...(profile !== undefined && { profile }),
    });
    process.stdout.write(text);
  } catch (error) {
    if (error instanceof CaptureError) throw new CliError(`${path}: ${error.message}`, 2);
    throw new CliError(error instanceof Error ? error.message : String(error), 2);
  }
}

function findAll(files: readonly string[]): string[] {
  if (files.length === 0) throw new CliError('which scripts? Give .pkt files or folders with them.', 2);
  try {
    const paths = findScripts(files);
    if (paths.length > 0) return paths;
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 2);
  }
  throw new CliError('there are no .pkt files there.', 2);
}

function defined(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, '1'] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** One after the other: real time, and timers that other work would disturb. */
async function onKernel(
  paths: readonly string[],
  run: RunOptions,
  { verbose }: ScriptCommandOptions,
): Promise<ScriptResult[]> {
  endOnSignals();
  const results: ScriptResult[] = [];
  for (const path of paths) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const result = await runOnKernel(readScript(path).text, { ...run, name: path });
    if (verbose === true) process.stderr.write(`${result.status} ${path}\n`);
    results.push(result);
  }
  return results;
}

function writeCaptures(
  results: readonly ScriptResult[],
  { pcap, verbose }: ScriptCommandOptions,
): ReadonlyMap<ScriptResult, string> {
  const written = new Map<ScriptResult, string>();
  if (pcap === undefined) return written;
  mkdirSync(pcap, { recursive: true });
  for (const result of results) {
    if (result.status === 'passed' && verbose !== true) continue;
    const path = join(pcap, `${basename(result.name, '.pkt')}.pcapng`);
    writeFileSync(path, scriptCapture(result));
    written.set(result, path);
  }
  return written;
}

function report(
  results: readonly ScriptResult[],
  captures: ReadonlyMap<ScriptResult, string>,
  { format, verbose, tun, tolerance }: ScriptCommandOptions,
): string {
  if (format === 'tap') return tapReport(results);
  if (format === 'junit') return junitReport(results);
  if (format === 'json') return jsonReport(results);
  const flags = `${tun === true ? ' --tun' : ''}${tolerance === 'exact' ? '' : ` --tolerance ${tolerance}`}`;
  const texts = results.map((result) => {
    const capture = captures.get(result);
    return textReport(result, {
      ...(verbose === true ? {} : { around: 12 }),
      ...(capture === undefined ? {} : { capture }),
      again: `npx glasstack script${flags} ${result.name}`,
    });
  });
  return `${texts.join('\n')}\n${summary(results)}\n`;
}
