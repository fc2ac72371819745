#!/usr/bin/env node
import { Command, Option } from 'commander';
import { oneLine, report } from './failure.ts';
import { addNetworkOptions, integer, secondsNumber } from './network-options.ts';
import { nc } from './nc.ts';
import { packageVersion } from './package.ts';
import { ping } from './ping.ts';
import { run } from './run.ts';
import { addScriptOptions, script } from './script.ts';
import { serve } from './serve.ts';
import { sim } from './sim.ts';

const program = new Command('glasstack');
program
  .description('A userspace TCP/IP stack that you can see through, with the socket API of Bun')
  .version(packageVersion())
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(`glasstack: ${oneLine(text).replace(/^error: /, '')}\n`),
  });

program
  .command('serve')
  .description('serve HTTP from the stack, fetch a page with curl, show every segment and state')
  .option('--once', 'end after the fetch')
  .option('--out <folder>', 'where the capture goes (default: captures/out)')
  .option('--wire', 'in memory even where there is TUN')
  .action(serve);

addNetworkOptions(
  program
    .command('run')
    .description('run a program that uses Bun.listen and Bun.connect; its own options follow after --')
    .argument('<file>', 'the program, TypeScript or JavaScript; with --wire the first of two')
    .argument('[args...]', 'its arguments; with --wire the second program before them'),
).action(run);

addNetworkOptions(
  program
    .command('ping')
    .description('send ICMP echo requests')
    .argument('<address>', 'whom, such as 10.77.0.1'),
)
  .option('-c, --count <n>', 'end after so many (default: on Ctrl-C)', integer(1, 1_000_000_000))
  .option('-i, --interval <seconds>', 'between two of them', secondsNumber, 1)
  .option('-s, --size <bytes>', 'of data in each', integer(0, 65_507), 56)
  .option('-W, --timeout <seconds>', 'to wait for the last answers', secondsNumber, 10)
  .action(ping);

addNetworkOptions(
  program
    .command('nc')
    .description('connect stdin and stdout to a TCP connection')
    .argument('<host>', 'whom to connect to; with -l the port')
    .argument('[port]', 'which port')
    .addOption(new Option('-l, --listen', 'wait for one connection')),
).action(nc);

addScriptOptions(
  program
    .command('script')
    .description('run packet scripts (.pkt) against the stack, or with --tun against the kernel'),
).action(script);

program
  .command('sim')
  .description('run a scenario over a range of seeds')
  .argument('<scenario>', 'module that exports scenario({ world })')
  .option('--seeds <range>', 'such as 17 or 1-1000000 (default: SIM_SEEDS, or 1-100)')
  .option('--jobs <n>', 'worker threads (default: SIM_JOBS, or 1)', integer(1, 1024))
  .option('--fail-fast <n>', 'end after so many failures', integer(1, 1_000_000), 10)
  .option('--timeout <seconds>', 'real seconds', secondsNumber)
  .option('--results <file>', 'JSONL, a line a seed')
  .option('--failures <file>', 'corpus that is run first', 'failures.jsonl')
  .option('--output <folder>', 'for captures', 'test-output')
  .option('--no-shrink', 'report failures as they are')
  .option('--check-determinism', 'run each seed twice')
  .action(sim);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
  if (process.exitCode !== 0) process.exit();
}
