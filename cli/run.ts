import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { CliError } from './failure.ts';
import { describeNetwork, openReadyNetwork, openWireNetwork } from './network.ts';
import type { NetworkOptions } from './network-options.ts';
import { Program } from './programs.ts';
import { endOnSignals } from './teardown.ts';
import { watch } from './watch.ts';

/** Runs a program on the stack; its end is ours, exit code and all. */
export async function run(file: string, rest: readonly string[], options: NetworkOptions): Promise<void> {
  const path = programFile(file);
  endOnSignals();
  if (options.wire === true) return runPair(path, rest, options);
  const network = await openReadyNetwork(options, watch(options));
  process.stderr.write(`glasstack: ${file} runs on ${describeNetwork(network)}\n`);
  await new Program().start(network.stack, path, rest).catch(endProgram);
}

/** Two programs, each on a host of its own, on one wire: first the one that listens, then the one that connects. */
async function runPair(first: string, rest: readonly string[], options: NetworkOptions): Promise<void> {
  const [file, ...programArguments] = rest;
  if (file === undefined) {
    throw new CliError('With --wire give two programs: one that listens, then one that connects to it.');
  }
  const second = programFile(file);
  const programs = [new Program(), new Program()] as const;
  const scheduler = new SystemScheduler();
  const network = openWireNetwork(options, {
    tracer: watch(options),
    hosts: [programs[0].parts(scheduler), programs[1].parts(scheduler)],
  });
  const { peer = network.stack } = network;
  await programs[0].start(network.stack, first, programArguments).catch(endProgram);
  await programs[1].start(peer, second, programArguments).catch(endProgram);
}

/** What a program throws is its author's to look at: with its stack. */
function endProgram(error: unknown): never {
  console.error(error);
  process.exit(1);
}

function programFile(file: string): string {
  const path = resolve(file);
  if (!existsSync(path)) throw new CliError(`There is no program ${file}.`);
  return path;
}
